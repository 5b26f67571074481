"""TverskyLoss: numbers of the reference, and by hand."""

from __future__ import annotations

import pytest
import torch

from segue.losses.tversky import TverskyLoss
from tests.losses.reference_inputs import LABELS, LOGITS, PARTLY


def test_numbers_of_the_reference() -> None:
    weighted = TverskyLoss(class_weight=[1.0, 2.0, 3.0, 4.0], alpha=0.6, beta=0.4, smooth=2, loss_weight=0.5)
    assert TverskyLoss()(LOGITS, LABELS).item() == pytest.approx(0.7142504, rel=1e-5)
    assert weighted(LOGITS, LABELS).item() == pytest.approx(0.8404811, rel=1e-5)
    assert TverskyLoss(ignore_index=1)(LOGITS, LABELS).item() == pytest.approx(0.5054021, rel=1e-5)
    assert TverskyLoss()(LOGITS, PARTLY).item() == pytest.approx(0.7170783, rel=1e-5)


def test_equation_three_by_hand() -> None:
    """Two pixels, even logits, labels 0 and 0, no smoothing.

    Class 0: hits 1, alarms 0, misses 1: 1 - 1 / (1 + 0.7). Class 1: no hits, so 1. Their mean.
    """
    loss = TverskyLoss(smooth=0)(torch.zeros(1, 2, 1, 2), torch.zeros(1, 1, 2, dtype=torch.long))
    assert loss.item() == pytest.approx(((1 - 1 / 1.7) + 1) / 2)


def test_one_logit_is_two_classes() -> None:
    logit, labels = torch.randn(1, 1, 2, 2), torch.tensor([[[0, 1], [1, 255]]])
    both = torch.cat([torch.zeros_like(logit), logit], dim=1)
    assert torch.equal(TverskyLoss()(logit, labels), TverskyLoss()(both, labels))


def test_the_heads_ignored_label_counts_nowhere() -> None:
    """Label 3 of the head is ignored as 255 is."""
    logits = torch.randn(1, 3, 1, 3, requires_grad=True)
    TverskyLoss()(logits, torch.tensor([[[0, 255, 3]]]), ignore_index=3).backward()
    assert not logits.grad[..., 1:].any() and logits.grad[..., 0].any()
