"""CamVid: 11 is void."""

from __future__ import annotations

from segue.datasets.camvid import CamVidDataset
from segue.transforms.load_annotations import LoadAnnotations


def test_eleven_is_ignored(folder):
    """Oracle: labels 0..10 stay, 11 becomes 255; another ignore_index wins over the class's."""
    root = folder({"images/a.png": None, "labels/a.png": [0, 10, 11]})
    prefix = {"img_path": "images", "seg_map_path": "labels"}
    sample = CamVidDataset(data_root=str(root), data_prefix=prefix, pipeline=[LoadAnnotations()])[0]
    assert sample["gt_seg_map"].tolist() == [[0, 10, 255], [0, 10, 255]]
    assert CamVidDataset(lazy_init=True, ignore_index=255).void == 255
