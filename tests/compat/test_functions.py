"""Losses as functions, schedules and operators under their old names. Oracles: mmseg 1.2.2 and mmengine 0.10.7 by
their figures, and hand-worked cases.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import segue.compat  # noqa: F401
from tests.compat.blocks_cases import pattern

LABELS = (torch.arange(24) * 7 % 5).view(2, 3, 4) % 3
IGNORED = LABELS.clone().index_put_((torch.tensor(0), torch.tensor(0)), torch.tensor(255))
SCORES = torch.sin(torch.arange(72, dtype=torch.float64) * 12.9898).float().view(2, 3, 3, 4)


LOSSES = [
    ("cross_entropy_loss", "binary_cross_entropy", (SCORES, LABELS), {}, 0.76197),
    ("cross_entropy_loss", "binary_cross_entropy", (SCORES, IGNORED), {"ignore_index": 255}, 0.64219),
    (
        "cross_entropy_loss",
        "binary_cross_entropy",
        (SCORES, IGNORED),
        {"ignore_index": 255, "avg_non_ignore": True},
        0.77063,
    ),
    ("lovasz_loss", "lovasz_softmax", (SCORES.softmax(1), IGNORED), {}, 0.68315),
    ("lovasz_loss", "lovasz_softmax", (SCORES.softmax(1), LABELS), {"classes": [0, 2]}, 0.70213),
    (
        "tversky_loss",
        "tversky_loss",
        (SCORES.softmax(1), F.one_hot(LABELS, 3).float()),
        {"valid_mask": torch.ones(2, 3, 4)},
        0.53767,
    ),
]
SCHEDULES = [
    (
        "LinearLR",
        {"start_factor": 0.1, "begin": 2, "end": 7},
        [0.1, 0.1, 0.01, 0.0325, 0.055, 0.0775, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    ),
    (
        "LinearLR",
        {"end_factor": 0.2, "end": 10},
        [
            0.033333,
            0.031852,
            0.03037,
            0.028889,
            0.027407,
            0.025926,
            0.024444,
            0.022963,
            0.021481,
            0.02,
            0.02,
            0.02,
            0.02,
            0.02,
        ],
    ),
    (
        "PolyLR",
        {"power": 0.9, "eta_min": 0.01, "begin": 1, "end": 12},
        [
            0.1,
            0.1,
            0.091858,
            0.083625,
            0.075288,
            0.06683,
            0.05823,
            0.049454,
            0.040455,
            0.031143,
            0.02133,
            0.01,
            0.01,
            0.01,
        ],
    ),
    (
        "StepLR",
        {"step_size": 3},
        [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001, 0.0001, 0.0001, 1e-05, 1e-05],
    ),
    (
        "MultiStepLR",
        {"milestones": [2, 5, 5]},
        [0.1, 0.1, 0.01, 0.01, 0.01, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001],
    ),
    (
        "ConstantLR",
        {"factor": 0.5, "begin": 1, "end": 6},
        [0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    ),
    (
        "ExponentialLR",
        {"gamma": 0.9},
        [
            0.1,
            0.09,
            0.081,
            0.0729,
            0.06561,
            0.059049,
            0.053144,
            0.04783,
            0.043047,
            0.038742,
            0.034868,
            0.031381,
            0.028243,
            0.025419,
        ],
    ),
    (
        "CosineAnnealingLR",
        {"T_max": 5},
        [
            0.1,
            0.090451,
            0.065451,
            0.034549,
            0.009549,
            0.0,
            0.009549,
            0.034549,
            0.065451,
            0.090451,
            0.1,
            0.090451,
            0.065451,
            0.034549,
        ],
    ),
    (
        "CosineAnnealingLR",
        {"eta_min_ratio": 0.1, "end": 9},
        [
            0.1,
            0.097286,
            0.089472,
            0.0775,
            0.062814,
            0.047186,
            0.0325,
            0.020528,
            0.012714,
            0.012714,
            0.012714,
            0.012714,
            0.012714,
            0.012714,
        ],
    ),
    (
        "CosineRestartLR",
        {"periods": [4, 6], "restart_weights": [1, 0.5], "eta_min": 0.01},
        [0.1, 0.08682, 0.055, 0.02318, 0.05, 0.047321, 0.04, 0.03, 0.02],
    ),
    (
        "PolyMomentum",
        {"end": 8},
        [0.9, 0.771429, 0.642857, 0.514286, 0.385714, 0.257143, 0.128571, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    (
        "StepMomentum",
        {"step_size": 2, "gamma": 0.5},
        [0.9, 0.9, 0.45, 0.45, 0.225, 0.225, 0.1125, 0.1125, 0.05625, 0.05625, 0.028125, 0.028125, 0.014063, 0.014063],
    ),
]


@pytest.mark.parametrize(("module", "name", "arguments", "options", "wanted"), LOSSES, ids=lambda x: str(x)[:24])
def test_losses(module: str, name: str, arguments: tuple, options: dict, wanted: float) -> None:
    import importlib

    function = getattr(importlib.import_module(f"mmseg.models.losses.{module}"), name)
    assert function(*arguments, **options).item() == pytest.approx(wanted, abs=2e-5)


@pytest.mark.parametrize(("name", "options", "wanted"), SCHEDULES, ids=lambda x: str(x)[:24])
def test_schedules(name: str, options: dict, wanted: list[float]) -> None:
    import mmengine.optim.scheduler as schedulers

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    schedule = getattr(schedulers, name)(optimizer, **options)
    key, found = ("momentum" if "Momentum" in name else "lr"), []
    for _ in wanted:
        optimizer.step()
        found.append(optimizer.param_groups[0][key])
        schedule.step()
    assert found == pytest.approx(wanted, abs=1e-6)


def test_deformable_convolution_without_offsets_is_a_convolution() -> None:
    from mmcv.ops import deform_conv2d, modulated_deform_conv2d

    x, weight = pattern((2, 4, 6, 7), 1), pattern((6, 2, 3, 3), 2)
    wanted = F.conv2d(x, weight, stride=2, padding=2, dilation=2, groups=2)
    offset = torch.zeros(2, 2 * 2 * 9, *wanted.shape[2:])
    assert torch.allclose(deform_conv2d(x, offset, weight, 2, 2, 2, 2, 2), wanted, atol=1e-5)
    half = torch.full((2, 2 * 9, *wanted.shape[2:]), 0.5)
    assert torch.allclose(modulated_deform_conv2d(x, offset, half, weight, None, 2, 2, 2, 2, 2), wanted / 2, atol=1e-5)


def test_an_offset_moves_the_tap() -> None:
    """One tap, one row further down: the map is shifted up."""
    from mmcv.ops import deform_conv2d

    x = torch.arange(12.0).view(1, 1, 4, 3)
    offset = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 4, 3)
    found = deform_conv2d(x, offset, torch.ones(1, 1, 1, 1))
    assert torch.allclose(found[0, 0], torch.cat([x[0, 0, 1:], torch.zeros(1, 3)])), found


def test_boxes() -> None:
    from mmcv.ops import batched_nms, bbox_overlaps, nms, soft_nms

    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30]])
    assert bbox_overlaps(boxes, boxes)[0].tolist() == [1.0, 0.5, 0.0]
    scores = torch.tensor([0.6, 0.9, 0.3])
    assert nms(boxes, scores, 0.4)[1].tolist() == [1, 2] and nms(boxes, scores, 0.5)[1].tolist() == [1, 0, 2]
    assert batched_nms(boxes, scores, torch.tensor([0, 1, 0]), {"iou_threshold": 0.4})[1].tolist() == [1, 0, 2]
    found, kept = soft_nms(boxes, scores, iou_threshold=0.3)
    assert kept.tolist() == [1, 0, 2] or kept.tolist() == [1, 2, 0]
    assert found[:, 4].sum().item() == pytest.approx(0.9 + 0.3 + 0.3)


def test_regions() -> None:
    """A ramp along x, read at bin centers; an odd box of the pooled map."""
    from mmcv.ops import point_sample, roi_align, roi_pool

    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    rois = torch.tensor([[0.0, 0, 0, 4, 4]])
    assert roi_align(ramp, rois, 2, 1.0, 2, "avg", True)[0, 0, 0].tolist() == pytest.approx([0.5625, 2.5], abs=0.07)
    assert roi_align(ramp, rois, 2, 1.0, 2, "avg", False)[0, 0, 0].tolist() == pytest.approx([1.0, 3.0])
    assert roi_pool(ramp, rois, 2)[0, 0].tolist() == [[2.0, 4.0], [2.0, 4.0]]
    assert point_sample(ramp, torch.tensor([[[0.5, 0.5]]])).item() == pytest.approx(3.5)


def test_maps() -> None:
    from mmcv.ops import CornerPool, carafe, sigmoid_focal_loss

    x = torch.arange(8.0).view(1, 2, 2, 2)
    middle = F.one_hot(torch.tensor(4), 9).float().view(1, 9, 1, 1).expand(1, 9, 4, 4)
    assert torch.equal(carafe(x, middle, 3, 1, 2), F.interpolate(x, scale_factor=2)), "the center's weight only"
    assert CornerPool("left")(x)[0, 0].tolist() == [[1.0, 1.0], [3.0, 3.0]]
    loss = sigmoid_focal_loss(torch.zeros(1, 2), torch.tensor([2]), reduction="sum")  # background: -log(1/2) / 4 * 3/4
    assert loss.item() == pytest.approx(2 * 0.75 * 0.25 * 0.693147, abs=1e-5)


def test_a_file_does_not_hide_its_function() -> None:
    import importlib

    import mmcv.ops

    importlib.import_module("mmcv.ops.nms")
    assert callable(mmcv.ops.nms)


def test_hooks_that_training_does_itself_refuse_subclasses() -> None:
    from mmengine.hooks import CheckpointHook, IterTimerHook

    with pytest.raises(TypeError, match="derive from mmengine"):
        type("Mine", (CheckpointHook,), {})
    assert type("Timer", (IterTimerHook,), {})().priority == "NORMAL"
