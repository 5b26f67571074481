"""DiceLoss worked by hand."""

from __future__ import annotations

import pytest
import torch

from segue.losses.dice import DiceLoss

# Probabilities of two classes at two pixels, and a third that is ignored.
PROBS = torch.tensor([[0.5, 1.0, 0.7], [0.5, 0.0, 0.9]]).view(1, 2, 1, 3)
LABELS = torch.tensor([[[0, 0, 255]]])


def test_squares_in_the_denominator() -> None:
    """Overlap 0.5 + 1; squares 0.25 + 1 + 0.25 of the prediction, 2 of the truth."""
    loss = DiceLoss(activate=False, eps=0.0)(PROBS, LABELS)
    assert loss.item() == pytest.approx(1 - 2 * 1.5 / (1.5 + 2), rel=1e-6)


def test_naive_dice() -> None:
    loss = DiceLoss(activate=False, naive_dice=True, eps=0.0)(PROBS, LABELS)
    assert loss.item() == pytest.approx(1 - 2 * 1.5 / (2 + 2), rel=1e-6)


def test_count_ignored_counts_what_is_predicted_there_as_wrong() -> None:
    """As the reference: 0.7 and 0.9 enter the denominator, nothing of theirs the overlap."""
    loss = DiceLoss(activate=False, eps=0.0, count_ignored=True)(PROBS, LABELS)
    assert loss.item() == pytest.approx(1 - 3 / (1.5 + 0.49 + 0.81 + 2), rel=1e-6)


def test_ignored_pixels_have_no_gradient() -> None:
    logits = torch.randn(1, 2, 1, 3, requires_grad=True)
    DiceLoss()(logits, LABELS, ignore_index=255).backward()
    assert not logits.grad[..., 2].any() and logits.grad[..., :2].all()


def test_a_class_left_out() -> None:
    """``ignore_index=0`` with two classes leaves class 1: no overlap, so the loss is 1."""
    assert DiceLoss(activate=False, ignore_index=0)(PROBS, LABELS).item() == pytest.approx(1.0)


def test_one_logit() -> None:
    """Sigmoid of 0 is 1/2: overlap 1/2, squares 1/4 + 1/4 and 1."""
    loss = DiceLoss(eps=0.0)(torch.zeros(1, 1, 1, 3), torch.tensor([[[1, 0, 255]]]))
    assert loss.item() == pytest.approx(1 - 2 * 0.5 / (0.5 + 1))


def test_reductions() -> None:
    logits, labels = torch.randn(2, 2, 1, 3), LABELS.expand(2, 1, 3)
    each = DiceLoss(reduction="none")(logits, labels)
    assert each.shape == (2,)
    assert DiceLoss()(logits, labels).item() == pytest.approx(each.mean().item())
    assert DiceLoss(reduction="sum", loss_weight=3.0)(logits, labels).item() == pytest.approx(3 * each.sum().item())
