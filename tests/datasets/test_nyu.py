"""NYU: depth maps beside images, rooms by file name."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segue.datasets.nyu import NYUDataset
from segue.errors import DataError
from segue.transforms.load_depth_annotation import LoadDepthAnnotation
from segue.transforms.load_image_from_file import LoadImageFromFile
from segue.transforms.pack_seg_inputs import PackSegInputs


@pytest.fixture
def root(tmp_path):
    for folder, suffix in (("images/train", "jpg"), ("annotations/train", "png")):
        (tmp_path / folder).mkdir(parents=True)
        for name in ("bathroom_0001", "home_office_12_3", "attic_1"):
            picture = np.full((4, 6, 3), 9, np.uint8) if suffix == "jpg" else np.full((4, 6), 2345, np.uint16)
            cv2.imwrite(str(tmp_path / folder / f"{name}.{suffix}"), picture)
    return tmp_path


PREFIX = {"img_path": "images/train", "depth_map_path": "annotations/train"}


def test_rooms_and_depths(root):
    """Oracle: the reference's rule: the name up to the first number; rooms not listed are -1. 2345 mm are 2.345 m."""
    steps = [LoadImageFromFile(), LoadDepthAnnotation(depth_rescale_factor=1e-3), PackSegInputs(["category_id"])]
    data = NYUDataset(data_root=str(root), data_prefix=PREFIX, pipeline=steps)
    rooms = [data.get_data_info(i)["category_id"] for i in range(3)]
    assert [data.METAINFO["classes"][i] if i >= 0 else None for i in rooms] == [None, "bathroom", "home_office"]
    sample = data[1]["data_samples"]
    assert sample.meta == {"category_id": 1}
    np.testing.assert_allclose(sample.gt_depth_map, np.full((4, 6), 2.345), rtol=1e-6)
    assert sample.gt_sem_seg is None


def test_missing_depth_map_is_named(root):
    (root / "annotations/train/attic_1.png").unlink()
    with pytest.raises(DataError, match=r"annotations/train: 1 of 3 depth maps are missing: attic_1.png"):
        NYUDataset(data_root=str(root), data_prefix=PREFIX)
