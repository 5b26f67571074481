"""MATLAB files. They are written here by scipy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from segue.errors import DataError, LabelError
from segue.masks import mat
from segue.masks.mat import MatReader, text_cells
from tests.masks.scenes import label_map


def write(path: Path, compress: bool = False, **content: Any) -> str:
    savemat(path, content, do_compression=compress)
    return str(path)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float64, np.int32])
@pytest.mark.parametrize("compress", [False, True])
def test_round_trip(tmp_path: Path, kind: type, compress: bool):
    labels = label_map(2)
    path = write(tmp_path / "a.mat", compress, labels=labels.astype(kind), names=np.array([["car"]], object))
    np.testing.assert_array_equal(MatReader(str(tmp_path)).read(path, ""), labels)


def test_a_field_of_a_structure(tmp_path: Path):
    """Oracle: the layout of SBD, GTcls.Segmentation."""
    labels = label_map(2)
    path = write(tmp_path / "a.mat", GTcls={"Segmentation": labels, "Boundaries": labels > 0})
    np.testing.assert_array_equal(MatReader("", variable="GTcls.Segmentation").read(path, ""), labels)
    np.testing.assert_array_equal(MatReader("").read(path, ""), labels)  # by its name
    other = write(tmp_path / "b.mat", GTcls={"One": labels, "Two": labels > 0})
    with pytest.raises(LabelError, match=r"b\.mat: which matrix holds the labels\? It has GTcls\.One \(23, 31\), "):
        MatReader("").read(other, "")
    with pytest.raises(LabelError, match=r"a\.mat: has no matrix 'GT'; it has GTcls\.Segmentation"):
        MatReader("", variable="GT").read(path, "")


def test_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b" "))
    with pytest.raises(
        DataError, match=r"a\.mat: a MATLAB file of version 7\.3 \(HDF5\)\. Save it again in MATLAB: save\("
    ):
        MatReader("").read(str(path), "")
    path.write_bytes(b"nothing of the kind" * 20)
    with pytest.raises(DataError, match=r"a\.mat: not a MATLAB file of level 5"):
        MatReader("").read(str(path), "")
    write(path, labels=np.ones((40, 40)) / 3)
    with pytest.raises(LabelError, match=r"a\.mat: holds fractions such as 0\.333333; labels are integers"):
        MatReader("").read(str(path), "")
    write(path, compress=True, labels=np.zeros((300, 300), np.uint8))
    data = path.read_bytes()
    monkeypatch.setattr(mat, "_MOST_BYTES", 50_000)
    with pytest.raises(DataError, match=r"a\.mat: its compressed data is larger than"):
        MatReader("").read(str(path), "")
    path.write_bytes(data[: len(data) // 2])
    monkeypatch.undo()
    with pytest.raises(DataError, match=r"a\.mat: .*damaged"):
        MatReader("").read(str(path), "")


def test_names_in_a_cell_array(tmp_path: Path):
    """Oracle: what was written, as in the list of names beside a public set of clothes."""
    names = np.array(["null", "bag", "shoes"], dtype=object).reshape(1, 3)
    savemat(tmp_path / "label_list.mat", {"label_list": names})
    assert text_cells(str(tmp_path / "label_list.mat")) == ["null", "bag", "shoes"]
    assert text_cells(write(tmp_path / "a.mat", labels=label_map(0))) == []
