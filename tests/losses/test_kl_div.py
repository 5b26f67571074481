"""KLDivLoss by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.losses.kl_div import KLDivLoss


def test_by_hand() -> None:
    """Teacher (3/4, 1/4), student (1/2, 1/2)."""
    teacher = torch.tensor([math.log(3), 0.0]).view(1, 2, 1, 1)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert KLDivLoss()(torch.zeros(1, 2, 1, 1), teacher).item() == pytest.approx(expected)
    hot = KLDivLoss(temperature=2.0)(torch.zeros(1, 2, 1, 1), 2 * teacher)
    assert hot.item() == pytest.approx(4 * expected)


def test_equal_logits_cost_nothing_and_others_something() -> None:
    logits = torch.randn(2, 3, 4, 4)
    assert KLDivLoss()(logits, logits + 5).abs().item() < 1e-6
    loss = KLDivLoss(reduction="none")(logits, torch.randn(2, 3, 4, 4))
    assert loss.shape == (2, 4, 4) and (loss > 0).all()


def test_pixels_of_weight_zero_have_no_gradient() -> None:
    logits = torch.randn(1, 3, 1, 2, requires_grad=True)
    KLDivLoss()(logits, torch.randn(1, 3, 1, 2), weight=torch.tensor([[[1.0, 0.0]]])).backward()
    assert not logits.grad[..., 1].any() and logits.grad[..., 0].any()
