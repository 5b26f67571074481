"""IoUMetric of several classes per pixel. Oracle: areas counted by hand on four pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segue.errors import InputError
from segue.metrics.iou import IoUMetric

PRED = torch.tensor([[[1, 1, 0, 0]], [[1, 0, 0, 1]]]).bool()
LABEL = torch.tensor([[[1, 0, 1, 0]], [[1, 1, 0, 255]]], dtype=torch.uint8)


def metric(**given: object) -> IoUMetric:
    made = IoUMetric(iou_metrics=["mIoU", "mDice", "mFscore"], **given)
    made.set_dataset({"classes": ("fish", "net"), "multilabel": True})
    return made


def test_each_class_is_a_map_of_its_own() -> None:
    """fish: both 1, predicted 2, labeled 2; net, over three known pixels: 1, 1 and 2. Wrong: 2 + 1 of 7 decisions."""
    one = metric()
    one.update(PRED, LABEL)
    found = one.compute()
    assert found["IoU/fish"] == 33.33 and found["IoU/net"] == 50.0 and found["mIoU"] == 41.67
    assert found["Dice/fish"] == 50.0 and found["Dice/net"] == 66.67
    assert found["Recall/net"] == 50.0 and found["Precision/net"] == 100.0
    assert found["aAcc"] == round(100 * 4 / 7, 2)
    assert one.table()[0]["class"] == "fish"


def test_processes_add_up() -> None:
    one, two = metric(), metric()
    one.update(PRED, LABEL)
    two.update(PRED, LABEL)
    two.load({key: value + one.state()[key] for key, value in two.state().items()})
    assert two.compute() == one.compute() and two.state()["areas"][3].tolist() == [8, 6]


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"\(1, 1, 4\) labels for 2 classes; multilabel annotations are"):
        metric().update(PRED[:1], LABEL[:1])


def test_predictions_are_written_by_class(tmp_path: Path) -> None:
    one = metric(output_dir=str(tmp_path), format_only=True)
    one.update(PRED, None, {"img_path": "sea/a.jpg"})
    net = cv2.imread(str(tmp_path / "net" / "a.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(net, [[255, 0, 0, 255]])
