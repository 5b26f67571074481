"""Balanced cross-entropy of boundaries, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.errors import InputError
from segue.losses.boundary import BoundaryLoss


def test_classes_weigh_the_share_of_the_other() -> None:
    """By hand: logits 0 have loss log 2; 1 boundary pixel weighs 3/4, 3 others 1/4 each, and 4 pixels divide."""
    target = torch.tensor([[[1, 0], [0, 0]]])
    loss = BoundaryLoss(loss_weight=20.0)(torch.zeros(1, 1, 2, 2), target)
    assert loss.item() == pytest.approx(20 * math.log(2) * (0.75 + 3 * 0.25) / 4)


def test_padding_counts_for_nothing() -> None:
    """By hand: 255 has no weight and is in neither share, but divides; all padding is 0."""
    target = torch.tensor([[[1, 255], [0, 255]]])
    loss = BoundaryLoss()(torch.zeros(1, 1, 2, 2), target)
    assert loss.item() == pytest.approx(math.log(2) * (0.5 + 0.5) / 4)
    assert BoundaryLoss()(torch.zeros(1, 1, 2, 2), torch.full((1, 2, 2), 255)) == 0


def test_needs_one_logit() -> None:
    """The message says how many there are."""
    with pytest.raises(InputError, match="2 logits per pixel; a boundary needs one"):
        BoundaryLoss()(torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2))
