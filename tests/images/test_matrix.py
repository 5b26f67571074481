"""Every reader gives of every file what its standard says, or a sentence that names the file: `tests.images.matrix`."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.images import matrix

NAMES = {variant.name for variant in matrix.variants()}


def outcomes(folder, *, allowed: set[str]) -> tuple[Counter, list[str]]:
    """Cells by outcome, and what was said of those that are none of ``allowed``."""
    counts: Counter = Counter()
    faults = []
    for variant, reader, outcome, found in matrix.cells(folder):
        counts[outcome] += 1
        if outcome not in allowed:
            faults.append(f"{outcome}: {variant.name}: {reader}: {found}")
    print(dict(counts))
    return counts, faults


def test_everything_installed(tmp_path) -> None:
    """What can be read is read; what cannot is refused."""
    pytest.importorskip("rasterio", reason="an optional extra: geo")
    counts, faults = outcomes(tmp_path, allowed={"equal", "refused"})
    assert faults == []
    assert counts["equal"] > 5500
    assert 1500 < counts["refused"] < 2200


def test_without_geo(tmp_path, monkeypatch) -> None:
    """Nothing is read wrongly, and what only GDAL reads is refused with the name of the extra."""
    monkeypatch.setitem(sys.modules, "rasterio", None)
    counts: Counter = Counter()
    for variant, reader, outcome, found in matrix.cells(tmp_path):
        counts[outcome] += 1
        assert outcome != "wrong", f"{variant.name}: {reader}: {found}"
        if outcome == "missed":
            assert found.endswith("needs the package 'rasterio': pip install 'segue[geo]'"), f"{variant.name}: {found}"
    print(dict(counts))
    assert counts["equal"] > 4500  # of more files where rasterio is installed, for it writes some of them
    assert counts["missed"] < 700


@pytest.mark.parametrize("fast", [True, False])
def test_parts(tmp_path, monkeypatch, fast) -> None:
    """Small files as if they were large, of which only a part is decoded, with the extra ``fast`` and without it."""
    monkeypatch.setattr("segue.images.decoders._SMALL", 0)
    monkeypatch.setattr("segue.masks.window._LARGE", 0)
    if not fast:
        monkeypatch.setattr("segue.images.jpeg.simplejpeg", None)
        monkeypatch.setattr("segue.images.png.isal_zlib", None)
    few = tuple(variant for variant in matrix.variants() if variant.suffix in (".png", ".jpg"))
    monkeypatch.setattr(matrix, "variants", lambda: few)
    counts, faults = outcomes(tmp_path, allowed={"equal", "refused"})
    assert faults == []
    assert counts["equal"] > 1000


@pytest.mark.parametrize(
    "name",
    [
        "png gray 2", "png rgb 8 eXIf 6 after", "png gray alpha 16", "tiff white 8", "tiff signed 8",
        "tiff gray 4 lzw", "tiff float 64 of labels", "tiff gray 8 missing tiles", "tiff gray 8 orientation 6",
        "tiff rgb 8 and unassociated", "tiff palette 1", "jpeg cmyk Adobe 0", "jpeg gray 12 bits", "gif transparent",
        "pgm of 0 to 99", "bmp rgb 32 BITFIELDS", "npy >f4",
    ],
)  # fmt: skip
def test_the_matrix_holds(name) -> None:
    """Files that were read wrongly once are in it."""
    assert name in NAMES
