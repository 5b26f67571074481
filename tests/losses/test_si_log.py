"""SiLogLoss: numbers of the reference, and by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.losses.si_log import SiLogLoss
from tests.losses.reference_inputs import DEPTHS, TRUE_DEPTHS


def test_numbers_of_the_reference() -> None:
    each = SiLogLoss(reduction="none")(DEPTHS, TRUE_DEPTHS)
    assert each.tolist() == pytest.approx([1.23321, 1.354446], rel=1e-4)
    assert SiLogLoss()(DEPTHS, TRUE_DEPTHS).item() == pytest.approx(1.293828, rel=1e-4)
    assert SiLogLoss(loss_weight=3.0, eps=2.0)(DEPTHS, TRUE_DEPTHS).item() == pytest.approx(1.123898, rel=1e-4)


def test_equation_four_by_hand() -> None:
    """Everything twice too near: d = ln 2 everywhere, so sqrt(ln 2 ** 2 - ln 2 ** 2 / 2)."""
    depth = torch.rand(1, 1, 3, 3) + 1
    assert SiLogLoss()(depth, 2 * depth).item() == pytest.approx(math.log(2) / math.sqrt(2), rel=1e-5)


def test_missing_depths_have_no_gradient() -> None:
    pred = torch.tensor([[[[1.0, 0.0]]]], requires_grad=True)
    SiLogLoss()(pred, torch.tensor([[[[2.0, 0.0]]]])).backward()
    assert pred.grad[..., 1] == 0 and pred.grad[..., 0] != 0


def test_no_depth_or_no_error_costs_nothing() -> None:
    pred = torch.rand(2, 1, 2, 2).add(1).requires_grad_()
    target = pred.detach().clone()
    target[0] = 0
    loss = SiLogLoss()(pred, target)
    loss.backward()
    assert loss.item() == 0 and not pred.grad.any()
