"""Losses of several classes per pixel. Oracle: the definitions, worked out below for two classes of two pixels.

Logits 0, log 3 and -log 3 are the probabilities 1/2, 3/4 and 1/4.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from segue.errors import InputError
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.losses.dice import DiceLoss
from segue.losses.focal import FocalLoss
from segue.losses.tversky import TverskyLoss

LOG3 = math.log(3)
#: p = (3/4, 1/2) of class 0, (1/4, 3/4) of class 1.
LOGITS = torch.tensor([[[[LOG3, 0.0]], [[-LOG3, LOG3]]]])
#: Both classes at the first pixel; at the second not class 0, and nobody knows about class 1.
LABELS = torch.tensor([[[[1, 0]], [[1, 255]]]], dtype=torch.uint8)


def test_cross_entropy() -> None:
    """-log 3/4, -log 1/2, -log 1/4, and nothing for the unknown."""
    parts = [-math.log(3 / 4), -math.log(1 / 2), -math.log(1 / 4)]
    loss = CrossEntropyLoss(use_sigmoid=True)
    assert loss(LOGITS, LABELS).item() == pytest.approx(sum(parts) / 4)
    known = CrossEntropyLoss(use_sigmoid=True, avg_non_ignore=True)
    assert known(LOGITS, LABELS).item() == pytest.approx(sum(parts) / 3)
    weighted = CrossEntropyLoss(use_sigmoid=True, class_weight=[2.0, 3.0], reduction="sum")
    assert weighted(LOGITS, LABELS).item() == pytest.approx(2 * parts[0] + parts[1] + 3 * parts[2])
    with pytest.raises(InputError, match="several classes per pixel need use_sigmoid=True"):
        CrossEntropyLoss()(LOGITS, LABELS)


def test_dice() -> None:
    """Overlap 3/4 + 1/4; sums of p 3/4 + 1/2 + 1/4 and of truth 2, of squares 9/16 + 4/16 + 1/16 and 2."""
    plain = DiceLoss(naive_dice=True, eps=0.0)
    assert plain(LOGITS, LABELS, ignore_index=255).item() == pytest.approx(1 - 2 * 1 / (1.5 + 2))
    squares = DiceLoss(eps=0.0)
    assert squares(LOGITS, LABELS, ignore_index=255).item() == pytest.approx(1 - 2 * 1 / (14 / 16 + 2))


def test_focal() -> None:
    """alpha_t (1 - p_t)^2 times each part of the cross-entropy; alpha 1/4 of positives, so 3/4 of negatives."""
    expected = (
        0.25 * (1 / 4) ** 2 * -math.log(3 / 4)
        + 0.75 * (1 / 2) ** 2 * -math.log(1 / 2)
        + 0.25 * (3 / 4) ** 2 * -math.log(1 / 4)
    )
    loss = FocalLoss(alpha=0.25, reduction="sum")
    assert loss(LOGITS, LABELS).item() == pytest.approx(expected)


def test_tversky() -> None:
    """Class 0: hits 3/4, alarms 1/2, misses 1/4; class 1: hits 1/4, misses 3/4."""
    first = 0.75 / (0.75 + 0.3 * 0.5 + 0.7 * 0.25)
    second = 0.25 / (0.25 + 0.7 * 0.75)
    loss = TverskyLoss(smooth=0)
    assert loss(LOGITS, LABELS, ignore_index=255).item() == pytest.approx(((1 - first) + (1 - second)) / 2)


@pytest.mark.parametrize("loss", [CrossEntropyLoss(use_sigmoid=True), DiceLoss(), FocalLoss(), TverskyLoss()])
def test_what_is_unknown_has_no_gradient(loss: torch.nn.Module) -> None:
    logits: Tensor = LOGITS.clone().requires_grad_()
    loss(logits, LABELS, ignore_index=255).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1, 0, 1] == 0 and (logits.grad.flatten()[:3] != 0).all()
