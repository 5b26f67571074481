"""What some images tell about a folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.doctor import check_folder
from segue.doctor.pictures import look_at, spread
from segue.errors import DataError, InputError


def test_statistics_are_those_of_the_stored_values(tmp_path: Path) -> None:
    """Two bands, of 1 and 3, and of 10 everywhere: means 2 and 10, deviations 1 and none."""
    pixels = np.full((4, 4, 2), 10, np.uint16)
    pixels[:2, :, 0], pixels[2:, :, 0] = 1, 3
    np.save(tmp_path / "a.npy", pixels)
    found = look_at([str(tmp_path / "a.npy")])
    assert (found.bands, found.kind, found.color_type) == (2, "uint16", "unchanged")
    assert found.mean == (2.0, 10.0)
    assert found.std == (1.0, 1.0), "a band of one value is not divided by 0"


def test_transparency_is_no_band(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 4), np.uint8))
    found = look_at([str(tmp_path / "a.png")])
    assert (found.bands, found.color_type, found.transparent) == (3, "color", True)


def test_kinds_that_do_not_go_together(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    np.save(tmp_path / "b.npy", np.zeros((4, 4, 5), np.uint16))
    with pytest.raises(InputError, match=r"a.png has 3 bands of uint8, .*b.npy has 5 bands of uint16"):
        look_at([str(tmp_path / "a.png"), str(tmp_path / "b.npy")])


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match="no image can be read"):
        look_at([str(tmp_path / "a.png")])


def test_spread() -> None:
    names = [str(i) for i in range(100)]
    some = spread(names, 5)
    assert (len(some), some[0], some[-1]) == (5, "0", "99")


def test_bands_are_a_note_of_the_doctor(tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "images" / "a.npy", np.ones((8, 8, 5), np.uint16))
    mask = np.zeros((8, 8), np.uint8)
    mask[4:] = 1
    cv2.imwrite(str(tmp_path / "masks" / "a.png"), mask)
    report = check_folder(tmp_path)
    assert not report.errors
    note = next(finding for finding in report.findings if finding.kind == "bands")
    assert "a.npy has 5 bands of uint16" in note.message
    assert "color_type='unchanged'" in [fix.line for fix in note.fixes]
