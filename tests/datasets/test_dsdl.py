"""DSDL: a description in the layout of OpenDataLab's, written here after the language's documentation."""

from __future__ import annotations

import pytest

from segue.datasets.dsdl import DSDLSegDataset
from segue.errors import DataError, InputError
from segue.transforms.load_annotations import LoadAnnotations

TRAIN = """
$dsdl-version: "0.5.0"
$import:
    - ../defs/segmentation-def
    - ../defs/class-dom
meta: {dataset_name: town}
data:
    sample-type: SegmentationSample[cdom=TownDom]
    sample-path: train_samples.json
"""
STRUCT = """
SegmentationSample:
    $def: struct
    $params: ['cdom']
    $fields:
        image: Image
        label_map: LabelMap[dom=$cdom]
"""
DOMAIN = """
TownDom:
    $def: class_domain
    classes:
        - road
        - house[building.any]
        - tree
"""
SAMPLES = '{"samples": [{"image": "a.png", "label_map": "a_labels.png"}]}'
PREFIX = {"img_path": "raw", "seg_map_path": "raw"}


@pytest.fixture
def root(folder):
    return folder(
        {
            "dsdl/set-train/train.yaml": TRAIN,
            "dsdl/set-train/train_samples.json": SAMPLES,
            "dsdl/defs/segmentation-def.yaml": STRUCT,
            "dsdl/defs/class-dom.yaml": DOMAIN,
            "raw/a.png": None,
            "raw/a_labels.png": [0, 1, 2, 3],
        }
    )


def build(root, **more):
    ann_file = "dsdl/set-train/train.yaml"
    return DSDLSegDataset(
        ann_file=ann_file, data_root=str(root), data_prefix=PREFIX, pipeline=[LoadAnnotations()], **more
    )


def test_all_classes(root):
    """Oracle: background first, then the domain in its order; labels stay."""
    data = build(root)
    assert data.metainfo["classes"] == ("background", "road", "house", "tree")
    assert data[0]["gt_seg_map"].tolist() == [[0, 1, 2], [3, 0, 1]]
    assert data[0]["img_path"] == str(root / "raw/a.png")


def test_used_labels(root):
    """Oracle: the reference's map: ids follow used_labels, all others are ignored."""
    data = build(root, used_labels=["tree", "road"])
    assert data.metainfo["classes"] == ("tree", "road")
    assert data[0]["gt_seg_map"].tolist() == [[255, 1, 255], [0, 255, 1]]


def test_faults_are_named(root):
    with pytest.raises(InputError, match="its classes have no 'sea'"):
        build(root, used_labels=["sea"])
    with pytest.raises(InputError, match="DSDLSegDataset: ann_file is missing"):
        DSDLSegDataset()
    (root / "raw/a_labels.png").unlink()
    with pytest.raises(DataError, match=r"train.yaml: 1 of its files are missing: .*a_labels.png"):
        build(root)
    (root / "dsdl/defs/segmentation-def.yaml").write_text("X: {$def: struct, $fields: {image: Image}}")
    with pytest.raises(DataError, match=r"its samples have no field of the type LabelMap; name one with specific_key"):
        build(root)
    (root / "dsdl/defs/class-dom.yaml").unlink()
    with pytest.raises(DataError, match=r"defs/class-dom.yaml: the file does not exist"):
        build(root)
