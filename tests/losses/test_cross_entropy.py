"""CrossEntropyLoss against sums worked out with logarithms in each test."""

from __future__ import annotations

import math

import pytest
import torch

from segue.losses.cross_entropy import CrossEntropyLoss

# Two classes; the pixels' probabilities of class 1 are 1/2, 3/4, 1/4 and (ignored) anything.
LOGITS = torch.tensor([[0.0, 0.0, 0.0, 9.0], [0.0, math.log(3), -math.log(3), 0.0]]).view(1, 2, 1, 4)
LABELS = torch.tensor([[[0, 1, 1, 255]]])
TERMS = [math.log(2), math.log(4 / 3), math.log(4)]


def test_mean_divides_by_all_pixels_unless_told_otherwise() -> None:
    assert CrossEntropyLoss()(LOGITS, LABELS).item() == pytest.approx(sum(TERMS) / 4, rel=1e-6)
    assert CrossEntropyLoss(avg_non_ignore=True)(LOGITS, LABELS).item() == pytest.approx(sum(TERMS) / 3, rel=1e-6)


def test_class_weights_ignore_the_ignored() -> None:
    """Weights 1 and 3: (1 t0 + 3 t1 + 3 t2) / (1 + 3 + 3); the reference looks up the weight of class 255 and fails."""
    expected = (TERMS[0] + 3 * TERMS[1] + 3 * TERMS[2]) / 7
    for avg_non_ignore in (False, True):
        loss = CrossEntropyLoss(class_weight=[1.0, 3.0], avg_non_ignore=avg_non_ignore)
        assert loss(LOGITS, LABELS).item() == pytest.approx(expected, rel=1e-6)


def test_reductions_and_loss_weight() -> None:
    assert CrossEntropyLoss(reduction="sum", loss_weight=0.5)(LOGITS, LABELS).item() == pytest.approx(sum(TERMS) / 2)
    pixels = CrossEntropyLoss(reduction="none")(LOGITS, LABELS)
    assert pixels.flatten().tolist() == pytest.approx([*TERMS, 0.0])


def test_pixel_weights() -> None:
    weight = torch.tensor([[[0.0, 2.0, 0.0, 5.0]]])
    assert CrossEntropyLoss()(LOGITS, LABELS, weight=weight).item() == pytest.approx(2 * TERMS[1] / 4, rel=1e-6)


def test_sigmoid_of_one_logit() -> None:
    """One logit 0 costs ln 2 either way; the ignored pixel nothing; mean over all pixels, or over the labeled."""
    logits, labels = torch.zeros(1, 1, 1, 4), torch.tensor([[[0, 1, 1, 255]]])
    assert CrossEntropyLoss(True)(logits, labels).item() == pytest.approx(3 * math.log(2) / 4)
    assert CrossEntropyLoss(True, avg_non_ignore=True)(logits, labels).item() == pytest.approx(math.log(2))


def test_sigmoid_per_class_weights_positive_pixels_of_a_class() -> None:
    """Three zero logits cost ln 2 each; a positive of class 2 costs four times that."""
    logits, labels = torch.zeros(1, 3, 1, 2), torch.tensor([[[2, 0]]])
    loss = CrossEntropyLoss(True, class_weight=[1.0, 1.0, 4.0])(logits, labels)
    assert loss.item() == pytest.approx(math.log(2) * (5 + 4) / 6)


def test_everything_ignored_is_zero_and_finite() -> None:
    labels = torch.full((1, 1, 4), 255)
    logits = LOGITS.clone().requires_grad_()
    for loss in (CrossEntropyLoss(), CrossEntropyLoss(avg_non_ignore=True), CrossEntropyLoss(class_weight=[1, 2])):
        value = loss(logits, labels)
        value.backward()
        assert value.item() == 0 and torch.isfinite(logits.grad).all()
