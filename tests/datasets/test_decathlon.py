"""Decathlon: what dataset.json says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from segue.datasets.decathlon import DecathlonDataset
from segue.errors import DataError
from segue.transforms.load_biomedical_annotation import LoadBiomedicalAnnotation
from segue.transforms.load_biomedical_image_from_file import LoadBiomedicalImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs

STEPS = [
    LoadBiomedicalImageFromFile("numpy"),
    LoadBiomedicalAnnotation("numpy", to_float32=False),
    PackSegInputs(),
]


@pytest.fixture
def root(tmp_path):
    for name in ("imagesTr/a.npy", "labelsTr/a.npy", "imagesTs/b.npy"):
        path = tmp_path / name
        path.parent.mkdir()
        np.save(path, np.arange(24).reshape(2, 3, 4) % (2 if "labels" in name else 100))
    content = {
        "name": "Heart",
        "labels": {"1": "atrium", "0": "background"},
        "training": [{"image": "./imagesTr/a.npy", "label": "./labelsTr/a.npy"}],
        "test": ["./imagesTs/b.npy"],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    return tmp_path


def test_training_and_test(root):
    """Oracle: ids order the classes; the test list has images only (the reference cuts the folder off their paths)."""
    data = DecathlonDataset(data_root=str(root), pipeline=STEPS)
    assert data.metainfo["classes"] == ("background", "atrium")
    assert data.metainfo["name"] == "Heart"
    packed = data[0]
    assert packed["inputs"].shape == (1, 2, 3, 4)
    assert packed["data_samples"].gt_sem_seg.flatten()[:4].tolist() == [0, 1, 0, 1]
    test = DecathlonDataset(data_root=str(root), test_mode=True)
    assert test.data_list == [{"img_path": str(root / "imagesTs/b.npy")}]


def test_faults_are_named(root):
    with pytest.raises(DataError, match=r"nowhere.json: the file does not exist; it is the dataset.json of a task"):
        DecathlonDataset("nowhere.json", data_root=str(root))
    (root / "imagesTr/a.npy").unlink()
    with pytest.raises(DataError, match=r"1 of its files are missing: .*imagesTr/a.npy"):
        DecathlonDataset(data_root=str(root))
    (root / "dataset.json").write_text('{"labels": {}}')
    with pytest.raises(DataError, match=r"dataset.json: lacks training, test; a Decathlon dataset.json has"):
        DecathlonDataset(data_root=str(root))
