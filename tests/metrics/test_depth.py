"""DepthMetric against numbers of the reference, and against the formulas in plain NumPy."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from segue.errors import InputError
from segue.metrics.depth import MEASURES, DepthMetric


def maps(seed: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Depths of 0.5 to 9.5, a fifth of which is missing, and predictions that are off by a factor of 0.6 to 1.6."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 9.5, (height, width)).astype(np.float32)
    pred = (truth * rng.uniform(0.6, 1.6, (height, width))).astype(np.float32)
    truth[rng.random((height, width)) < 0.2] = 0
    return torch.from_numpy(pred), torch.from_numpy(truth)


def eigen(pred: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The formulas of the paper, of depths (N,)."""
    d = np.log(pred) - np.log(truth)
    ratio = np.maximum(pred / truth, truth / pred)
    values = [np.mean(ratio < 1.25**k) for k in (1, 2, 3)]
    values += [np.mean(np.abs(pred - truth) / truth), np.mean((pred - truth) ** 2 / truth)]
    values += [np.sqrt(np.mean((pred - truth) ** 2)), np.sqrt(np.mean(d**2))]
    values += [np.mean(np.abs(np.log10(pred) - np.log10(truth))), np.sqrt(np.mean(d**2) - np.mean(d) ** 2 / 2)]
    return dict(zip(MEASURES, map(float, values), strict=True))


# What mmseg 1.2.2 computes from `maps`, in the order of MEASURES.
TWO = [0.33111955, 0.91413662, 1.0, 0.30504638, 0.59014115, 1.91732615, 0.31133768, 0.12287518, 0.30299157]
BETWEEN = [0.30838556, 0.90869907, 1.0, 0.31221075, 0.56833285, 1.76203424, 0.31686859, 0.12573949, 0.30776782]
CROPPED = [0.45027375, 0.92313629, 1.0, 0.26003745, 0.46748510, 1.72345459, 0.28241837, 0.10655126, 0.27927583]


@pytest.mark.parametrize(
    ("arguments", "images", "expected"),
    [
        ({}, [(0, 8, 10), (1, 6, 7)], TWO),
        ({"min_depth_eval": 1.0, "max_depth_eval": 8.0}, [(0, 8, 10), (1, 6, 7)], BETWEEN),
        ({"min_depth_eval": 1e-3, "max_depth_eval": 10.0, "crop_type": "nyu_crop"}, [(3, 480, 640)], CROPPED),
    ],
)
def test_numbers_of_the_reference(
    arguments: dict[str, object], images: list[tuple[int, int, int]], expected: list[float]
) -> None:
    metric = DepthMetric(**arguments)  # type: ignore[arg-type]
    for image in images:
        metric.update(*maps(*image))
    found = metric.compute()
    assert list(found) == list(MEASURES)
    assert list(found.values()) == pytest.approx(expected, rel=1e-5)
    assert metric.table()[5] == {"measure": "rmse", "value": f"{expected[5]:.4f}"}


def test_formulas_order_and_prefix() -> None:
    pred, truth = maps(4, 9, 5)
    metric = DepthMetric(depth_metrics=["rmse", "d2"], prefix="depth")
    metric.update(pred, truth)
    expected = eigen(pred[truth > 0].double().numpy(), truth[truth > 0].double().numpy())
    assert metric.compute() == pytest.approx({"depth/rmse": expected["rmse"], "depth/d2": expected["d2"]})


def test_states_add_up() -> None:
    whole, first, second = DepthMetric(), DepthMetric(), DepthMetric()
    for seed, part in ((0, first), (1, second), (2, second)):
        whole.update(*maps(seed, 6, 6))
        part.update(*maps(seed, 6, 6))
    first.load({key: value + second.state()[key] for key, value in first.state().items()})
    assert first.compute() == pytest.approx(whole.compute())
    second.load({"sums": first.state()["sums"]})
    assert second.compute() == pytest.approx(whole.compute())
    second.set_dataset({})
    assert all(math.isnan(value) for value in second.compute().values())
    with pytest.raises(InputError, match=r"sums of shape \(3,\), expected \(10,\)"):
        first.load({"sums": torch.zeros(3)})


def test_an_image_without_depths_does_not_count() -> None:
    metric, alone = DepthMetric(), DepthMetric()
    metric.update(torch.ones(3, 3), torch.zeros(3, 3))
    for each in (metric, alone):
        each.update(*maps(0, 8, 10))
    assert metric.compute() == alone.compute()


def test_depths_that_are_not_positive_are_wrong_but_finite() -> None:
    """By hand: |ln 1e-6 - ln 2| of both pixels; errors by the values themselves."""
    metric = DepthMetric()
    metric.update(torch.tensor([[0.0, -1.0]]), torch.tensor([[2.0, 2.0]]))
    found = metric.compute()
    assert found["d1"] == found["d3"] == 0
    assert found["rmse_log"] == pytest.approx(math.log(2e6))
    assert found["abs_rel"] == pytest.approx((1 + 1.5) / 2)


def test_files(tmp_path: Path) -> None:
    metric = DepthMetric(output_dir=str(tmp_path), format_only=True, depth_scale_factor=1000)
    metric.update(torch.tensor([[1.2346, 70.0, -2.0]], dtype=torch.bfloat16), None, {"img_path": "/a/room.jpg"})
    assert metric.compute() == {} and metric.table() == []
    written = cv2.imread(str(tmp_path / "room.png"), cv2.IMREAD_UNCHANGED)
    assert written.dtype == np.uint16 and written.tolist() == [[1234, 65535, 0]]
    with pytest.raises(InputError, match="output_dir needs img_path"):
        metric.update(torch.ones(1, 1), None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth_metrics": ["mae"]}, r"depth_metrics must be among d1, .*got \['mae'\]"),
        ({"min_depth_eval": 5, "max_depth_eval": 5}, "min_depth_eval=5 must be at least 0 and below max_depth_eval=5"),
        ({"crop_type": "kb_crop"}, "crop_type must be 'nyu_crop' or None, got 'kb_crop'"),
        ({"depth_scale_factor": 0}, "depth_scale_factor must be positive, got 0"),
        ({"format_only": True}, "needs output_dir"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DepthMetric(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pred", "label", "message"),
    [
        (torch.ones(2, 2, dtype=torch.int64), torch.ones(2, 2), "room.jpg: the model predicts classes"),
        (torch.full((2, 2), math.nan), torch.ones(2, 2), "room.jpg: .* depths that are not finite numbers"),
        (torch.ones(2, 2), None, "room.jpg has no depths; put LoadDepthAnnotation"),
        (torch.ones(2, 2), torch.ones(2, 3), r"the prediction is \(2, 2\), the depth map \(2, 3\)"),
    ],
)
def test_maps_are_checked(pred: Tensor, label: Tensor | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DepthMetric().update(pred, label, {"img_path": "room.jpg"})
