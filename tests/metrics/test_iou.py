"""IoUMetric: areas counted by hand, and the numbers that mmseg 1.2.2 prints for the same predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from segue.errors import InputError, LabelError
from segue.masks.decode import read_mask
from segue.metrics.iou import IoUMetric

NAMES = ("road", "car", "sky")


def metric(*, classes=NAMES, reduce_zero_label=False, **options):
    made = IoUMetric(**options)
    made.set_dataset({"classes": classes, "reduce_zero_label": reduce_zero_label})
    return made


def test_by_hand():
    """Oracle: counted on paper: road is predicted 3 times, labeled 2, both 2; car 2, 3, 2; sky nowhere; 1 ignored."""
    m = metric(iou_metrics=["mIoU", "mDice", "mFscore"])
    m.update(torch.tensor([[0, 0, 0], [1, 1, 2]]), torch.tensor([[0, 0, 1], [1, 1, 255]]))
    assert m.state()["areas"].tolist() == [[2, 2, 0], [3, 2, 0], [2, 3, 0]]
    values = m.compute()
    assert {key: value for key, value in values.items() if key.endswith("road")} == {
        "IoU/road": 66.67,  # 2 / (3 + 2 - 2)
        "Acc/road": 100.0,  # 2 / 2
        "Dice/road": 80.0,  # 4 / (3 + 2)
        "Fscore/road": 80.0,
        "Precision/road": 66.67,  # 2 / 3
        "Recall/road": 100.0,
    }
    assert values["aAcc"] == 80.0  # 4 of 5
    assert values["mIoU"] == 66.67
    assert values["mAcc"] == 83.33  # (100 + 66.67) / 2
    assert math.isnan(values["IoU/sky"])
    assert m.table()[0] == {
        "class": "road",
        "IoU": 66.67,
        "Acc": 100.0,
        "Dice": 80.0,
        "Fscore": 80.0,
        "Precision": 66.67,
        "Recall": 100.0,
    }


@pytest.fixture
def recorded():
    """Five images: class 6 absent, class 5 only predicted; 255 in a tenth of the pixels."""
    rng = np.random.default_rng(3)
    pairs = []
    for _ in range(5):
        label = rng.integers(0, 5, (40, 50))
        pred = np.where(rng.random((40, 50)) < 0.7, label, rng.integers(0, 6, (40, 50)))
        label[rng.random((40, 50)) < 0.1] = 255
        pairs.append((torch.tensor(pred), torch.tensor(label)))
    return pairs


ALL = ["mIoU", "mDice", "mFscore"]
NAN = float("nan")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"aAcc": 74.9, "mIoU": 51.98, "mAcc": 74.91}),
        ({"iou_metrics": ["mDice"]}, {"aAcc": 74.9, "mDice": 64.02, "mAcc": 74.91}),
        ({"iou_metrics": "mFscore"}, {"aAcc": 74.9, "mFscore": 76.82, "mPrecision": 65.7, "mRecall": 74.91}),
        ({"iou_metrics": ALL, "beta": 2}, {"mIoU": 51.98, "mDice": 64.02, "mFscore": 75.66, "mPrecision": 65.7}),
        ({"iou_metrics": ["mIoU", "mFscore"], "nan_to_num": -1}, {"mIoU": 30.27, "mAcc": 24.94, "mFscore": 26.3}),
        ({"iou_metrics": ["mFscore"], "nan_to_num": 0}, {"mFscore": 54.87, "mPrecision": 56.32, "mRecall": 53.51}),
    ],
)
def test_same_as_reference(recorded, options, expected):
    """Oracle: what mmseg 1.2.2's IoUMetric gave for these images and options."""
    m = metric(classes=[f"c{i}" for i in range(7)], **options)
    for pred, label in recorded:
        m.update(pred, label)
    values = m.compute()
    assert {key: values[key] for key in expected} == expected
    if "beta" not in options:
        assert set(expected) <= {key for key in values if "/" not in key}


def test_per_class_same_as_reference(recorded):
    """Oracle: the reference's table; class 5 was predicted but never labeled, class 6 neither."""
    m = metric(classes=[f"c{i}" for i in range(7)], iou_metrics=ALL, beta=2)
    for pred, label in recorded:
        m.update(pred, label)
    columns = {column: [row[column] for row in m.table()] for column in m.table()[0] if column != "class"}
    expected = {
        "IoU": [62.08, 63.34, 61.36, 63.26, 61.82, 0.0, NAN],
        "Acc": [74.64, 76.41, 73.29, 75.95, 74.26, NAN, NAN],
        "Dice": [76.6, 77.55, 76.05, 77.49, 76.41, 0.0, NAN],
        "Fscore": [75.41, 76.87, 74.37, 76.56, 75.11, NAN, NAN],
        "Precision": [78.67, 78.73, 79.03, 79.1, 78.68, 0.0, NAN],
        "Recall": [74.64, 76.41, 73.29, 75.95, 74.26, NAN, NAN],
    }
    for column, values in expected.items():
        np.testing.assert_array_equal(columns[column], values)


def test_processes_add_up(recorded):
    """Oracle: the states of two halves add up to that of the whole; load replaces."""
    names = [f"c{i}" for i in range(7)]
    whole, first, second = metric(classes=names), metric(classes=names), metric(classes=names)
    for index, (pred, label) in enumerate(recorded):
        whole.update(pred, label)
        (first if index < 2 else second).update(pred, label)
    first.load({key: value + second.state()[key] for key, value in first.state().items()})
    assert torch.equal(first.state()["areas"], whole.state()["areas"])
    assert first.state()["areas"].dtype == torch.int64
    second.load(whole.state())
    np.testing.assert_equal(second.compute(), whole.compute())
    with pytest.raises(InputError, match=r"areas of shape \(3, 2\) do not fit 7 classes, which need \(3, 7\)"):
        first.load({"areas": torch.zeros(3, 2)})
    whole.reset()
    assert not whole.state()["areas"].any()


def test_own_ignored_label():
    """Oracle: 2 and 255 are both left out; one correct pixel remains."""
    m = metric(ignore_index=2)
    m.update(torch.tensor([[0, 1, 1]]), torch.tensor([[0, 2, 255]]))
    assert m.state()["areas"].sum() == 3


def test_all_ignored():
    m = metric()
    m.update(torch.tensor([[0, 1]]), torch.tensor([[255, 255]]))
    assert math.isnan(m.compute()["mIoU"])
    assert math.isnan(m.compute()["aAcc"])


def test_out_of_range_label_is_named():
    """Oracle: the reference would drop the 7 in silence."""
    with pytest.raises(LabelError, match=r"m.png: labels 7 \(2 pixels\) outside the 3 classes \(ignored: 255\)"):
        metric().update(torch.tensor([[0, 1, 1]]), torch.tensor([[0, 7, 7]]), {"seg_map_path": "m.png"})


@pytest.mark.parametrize(
    ("pred", "label", "message"),
    [
        ([[5]], [[0]], r"a.jpg: predicted classes 5..5, but the dataset has 3 classes 0..2; num_classes of the head"),
        (
            [[0, 1]],
            [[0]],
            r"a.jpg: the prediction is \(1, 2\), the label map \(1, 1\); predictions must be brought back",
        ),
        ([[0]], None, r"a.jpg has no label map to compare with"),
    ],
)
def test_misuse(pred, label, message):
    label = None if label is None else torch.tensor(label)
    with pytest.raises(InputError, match=message):
        metric().update(torch.tensor(pred), label, {"img_path": "a.jpg"})


def test_output_files(tmp_path):
    """Oracle: ids plus one under reduce_zero_label, as the dataset's files count; format_only measures nothing."""
    m = metric(output_dir=str(tmp_path / "out"), format_only=True, reduce_zero_label=True)
    m.update(torch.tensor([[0, 2]]), None, {"img_path": "in/town.jpg"})
    assert read_mask(tmp_path / "out" / "town.png").tolist() == [[1, 3]]
    assert m.compute() == {}
    with pytest.raises(InputError, match="output_dir needs img_path"):
        m.update(torch.tensor([[0, 2]]), None)


def test_prefix():
    m = metric(prefix="night")
    m.update(torch.tensor([[0]]), torch.tensor([[0]]))
    assert m.compute()["night/mIoU"] == 100.0
    assert m.compute()["night/IoU/road"] == 100.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iou_metrics": ["mIOU"]}, r"iou_metrics must be among mIoU, mDice, mFscore, got \['mIOU'\]"),
        ({"iou_metrics": []}, "iou_metrics must be among"),
        ({"beta": 0}, "beta must be positive, got 0"),
        ({"format_only": True}, "format_only=True writes files, so it needs output_dir"),
    ],
)
def test_refused_arguments(options, message):
    with pytest.raises(InputError, match=message):
        IoUMetric(**options)


def test_classes_come_first():
    with pytest.raises(InputError, match=r"call set_dataset\(dataset.metainfo\) before update"):
        IoUMetric().update(torch.tensor([[0]]), torch.tensor([[0]]))
    with pytest.raises(InputError, match="the dataset has no class names"):
        IoUMetric().set_dataset({"classes": None})


def test_depths_are_not_classes() -> None:
    metric = IoUMetric()
    metric.set_dataset({"classes": ("a", "b")})
    with pytest.raises(InputError, match=r"room\.jpg has depths, not classes; measure them with DepthMetric"):
        metric.update(torch.ones(2, 2), torch.ones(2, 2), {"img_path": "room.jpg"})


@pytest.mark.parametrize(
    ("classes", "ignore_index", "kinds"),
    [
        (19, 255, (torch.int64, torch.int64)),
        (256, 256, (torch.int64, torch.int64)),  # 255 is a class, the ignored value is no byte
        (150, 7, (torch.uint8, torch.int32)),
        (300, 255, (torch.int64, torch.int64)),
    ],
)
def test_areas_as_numpy_counts_them(classes, ignore_index, kinds):
    """Oracle: comparisons of whole maps, class by class; bytes and wider values go different ways."""
    rng = np.random.default_rng(1)
    pred, label = rng.integers(0, classes, (2, 60, 70))
    label[rng.random(label.shape) < 0.1] = ignore_index
    m = metric(classes=[str(i) for i in range(classes)], ignore_index=ignore_index)
    m.update(torch.tensor(pred, dtype=kinds[0]), torch.tensor(label, dtype=kinds[1]))
    counted = (label != ignore_index) & ((label != 255) | (classes > 255))
    for i in range(classes):
        p, t = (pred == i) & counted, (label == i) & counted
        assert m.state()["areas"][:, i].tolist() == [(p & t).sum(), p.sum(), t.sum()], i
