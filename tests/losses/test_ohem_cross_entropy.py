"""Cross-entropy of hard pixels: worked by hand, and against the reference."""

from __future__ import annotations

import math

import pytest
import torch

from segue.losses.ohem_cross_entropy import OhemCrossEntropy


def _pred(*probabilities: float) -> torch.Tensor:
    """Logits (1, 2, 1, W) whose softmax gives class 0 these probabilities."""
    p = torch.tensor(probabilities)
    return torch.stack([p.log(), (1 - p).log()])[None, :, None]


def test_pixels_below_the_threshold_count() -> None:
    """By hand: of 0.9, 0.5 and 0.2 the last two are below 0.7, so the mean of their losses."""
    loss = OhemCrossEntropy(thres=0.7, min_kept=1)(_pred(0.9, 0.5, 0.2), torch.zeros(1, 1, 3, dtype=torch.long))
    assert loss.item() == pytest.approx((-math.log(0.5) - math.log(0.2)) / 2)


def test_at_least_min_kept_pixels_count() -> None:
    """By hand: all are above 0.1, but the two least probable are kept."""
    loss = OhemCrossEntropy(thres=0.1, min_kept=2)(_pred(0.9, 0.5, 0.2), torch.zeros(1, 1, 3, dtype=torch.long))
    assert loss.item() == pytest.approx((-math.log(0.5) - math.log(0.2)) / 2)


def test_class_weights_and_ignored_pixels() -> None:
    """By hand: the ignored pixel counts for nothing, class 0 twice, and the mean divides by pixels."""
    target = torch.tensor([[[0, 255, 1]]])
    loss = OhemCrossEntropy(thres=0.99, class_weight=[2.0, 1.0])(_pred(0.5, 0.01, 0.4), target)
    # 0.6 is the largest probability of a true class, and none is below the threshold but these two.
    assert loss.item() == pytest.approx((-2 * math.log(0.5) - math.log(0.6)) / 2)


@pytest.mark.parametrize("probability", [0.99, 0.5])
def test_nothing_to_count_is_zero(probability: float) -> None:
    """Only ignored pixels, or a single sure one (the reference: NaN); the gradient is finite."""
    pred = _pred(probability, 0.5).requires_grad_()
    labels = torch.tensor([[[0 if probability > 0.9 else 255, 255]]])
    loss = OhemCrossEntropy(thres=0.7)(pred, labels)
    loss.backward()
    assert loss == 0
    assert pred.grad is not None and pred.grad.isfinite().all()
