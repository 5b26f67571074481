"""LovaszLoss: numbers of the reference, and by hand."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.losses.lovasz import LovaszLoss, lovasz_gradient
from tests.losses.reference_inputs import BINARY, LABELS, LOGITS, PARTLY


def test_numbers_of_the_reference() -> None:
    assert LovaszLoss()(LOGITS, LABELS).item() == pytest.approx(0.8269901, rel=1e-5)
    each = LovaszLoss(per_image=True, reduction="none")(LOGITS, LABELS)
    assert each.tolist() == pytest.approx([0.7937763, 0.8663855], rel=1e-5)
    every = LovaszLoss(classes="all", class_weight=[1.0, 2.0, 3.0, 4.0], loss_weight=2.0)
    assert every(LOGITS, LABELS).item() == pytest.approx(4.115998, rel=1e-5)
    assert LovaszLoss(classes=[0, 2])(LOGITS, LABELS).item() == pytest.approx(0.8420299, rel=1e-5)
    assert LovaszLoss()(LOGITS, PARTLY).item() == pytest.approx(0.8417429, rel=1e-5)
    hinge = LovaszLoss("binary")(LOGITS[:, :1], BINARY)
    assert hinge.item() == pytest.approx(2.53148, rel=1e-5)
    hinge = LovaszLoss("binary", per_image=True)(LOGITS[:, :1], BINARY)
    assert hinge.item() == pytest.approx(2.529442, rel=1e-5)


def test_gradient_of_the_extension_by_hand() -> None:
    """Truth 1, 0, 1 by falling error. Wrong sets {1}, {1, 2}, {1, 2, 3} have Jaccard losses 1/2, 2/3 and 1."""
    assert lovasz_gradient(torch.tensor([1.0, 0.0, 1.0])).tolist() == pytest.approx([1 / 2, 1 / 6, 1 / 3])


def test_certain_predictions_cost_their_jaccard_loss() -> None:
    """Of two pixels of class 0 one is called 1: intersection 1, union 2 for class 0; 0 of 1 for class 1 (absent)."""
    logits = torch.tensor([[100.0, -100.0], [-100.0, 100.0]]).view(1, 2, 1, 2)
    labels = torch.zeros(1, 1, 2, dtype=torch.long)
    assert LovaszLoss()(logits, labels).item() == pytest.approx(0.5)
    assert LovaszLoss(classes="all")(logits, labels).item() == pytest.approx((0.5 + 1) / 2)


def test_ignored_and_weightless_pixels_are_left_out() -> None:
    logits = torch.randn(1, 3, 1, 3, requires_grad=True)
    LovaszLoss()(logits, torch.tensor([[[0, 255, 1]]]), weight=torch.tensor([[[1.0, 1.0, 0.0]]])).backward()
    assert not logits.grad[..., 1:].any() and logits.grad[..., 0].any()


def test_an_image_without_labels_costs_nothing() -> None:
    logits = torch.randn(2, 3, 2, 2, requires_grad=True)
    loss = LovaszLoss(per_image=True)(logits, torch.full((2, 2, 2), 255))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_messages() -> None:
    with pytest.raises(InputError, match="takes one logit per pixel, not 3"):
        LovaszLoss("binary")(torch.zeros(1, 3, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long))
    with pytest.raises(InputError, match="'present', 'all' or a list of class ids"):
        LovaszLoss(classes="some")  # type: ignore[arg-type]
