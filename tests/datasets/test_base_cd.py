"""BaseCDDataset: pairs of images by name."""

from __future__ import annotations

import pytest

from segue.datasets.base_cd import BaseCDDataset
from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.levir import LEVIRCDDataset
from segue.errors import DataError, InputError, LabelError
from segue.transforms.concat_cd_input import ConcatCDInput
from segue.transforms.load_annotations import LoadAnnotations
from segue.transforms.load_multiple_rs_image_from_file import LoadMultipleRSImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs

PREFIX = {"img_path": "A", "img_path2": "B", "seg_map_path": "label"}
STEPS = [LoadMultipleRSImageFromFile(), LoadAnnotations(), ConcatCDInput(), PackSegInputs()]


def test_levir(folder):
    """Oracle: two pictures of three bands make six; the label map is the third file of a name."""
    files = {f"{place}/{name}.png": None for place in "AB" for name in ("x", "y")}
    root = folder({**files, "label/x.png": [0, 1], "label/y.png": [0]})
    data = LEVIRCDDataset(data_root=str(root), data_prefix=PREFIX, pipeline=STEPS)
    assert len(data) == 2
    assert data[0]["inputs"].shape == (6, 2, 3)
    assert data[0]["data_samples"].gt_sem_seg.tolist() == [[0, 1, 0], [1, 0, 1]]


def test_split_with_suffixes(folder):
    """Oracle: the reference's rule: a suffix in the split is that of both images."""
    root = folder({"A/x.png": None, "B/x.png": None, "label/x.png": [0, 1], "s.txt": "x.png\n"})
    data = BaseCDDataset(
        "s.txt", data_root=str(root), data_prefix=PREFIX, metainfo={"classes": ["a", "b"]}, pipeline=STEPS
    )
    assert data.get_data_info(0)["img_path2"] == str(root / "B/x.png")


def test_faults_are_named(folder):
    root = folder({"A/x.png": None, "A/y.png": None, "B/x.png": None, "label/x.png": [0, 255], "label/y.png": [0]})
    with pytest.raises(DataError, match=r"B: 1 of 2 second images are missing: y.png"):
        LEVIRCDDataset(data_root=str(root), data_prefix=PREFIX)
    with pytest.raises(InputError, match="LEVIRCDDataset: data_prefix needs img_path and img_path2"):
        LEVIRCDDataset(data_root=str(root), data_prefix={"img_path": "A"})
    (root / "A/y.png").unlink()
    with pytest.raises(LabelError, match=r"set label_map=\{0: 0, 255: 1\}"):
        LEVIRCDDataset(data_root=str(root), data_prefix=PREFIX, pipeline=STEPS)


def test_options_that_do_not_fit_the_number_of_images():
    with pytest.raises(InputError, match="LEVIRCDDataset: pack has no meaning for a dataset of this kind"):
        LEVIRCDDataset(data_prefix=PREFIX, pack="packed")
    with pytest.raises(InputError, match="BaseSegDataset: a sample has one image; img_suffix2 is for BaseCDDataset"):
        BaseSegDataset(img_suffix2=".png")
