"""FocalLoss: numbers of the reference (given one-hot labels, since it cannot take others on a CPU), and by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.errors import InputError
from segue.losses.focal import FocalLoss
from tests.losses.reference_inputs import BINARY, LABELS, LOGITS


def test_numbers_of_the_reference() -> None:
    weighted = FocalLoss(gamma=1.5, alpha=[0.1, 0.2, 0.3, 0.4], class_weight=[1.0, 2.0, 3.0, 4.0], loss_weight=2.0)
    assert FocalLoss()(LOGITS, LABELS).item() == pytest.approx(0.5010422, rel=1e-5)
    assert weighted(LOGITS, LABELS).item() == pytest.approx(3.230596, rel=1e-5)
    assert FocalLoss(reduction="sum")(LOGITS, LABELS).item() == pytest.approx(256.5336, rel=1e-5)
    assert FocalLoss()(LOGITS[:, :1], BINARY).item() == pytest.approx(0.4948182, rel=1e-5)


def test_equation_five_by_hand() -> None:
    """Two even logits: p_t = 1/2, alpha_t = 1/2, so each term is 1/2 * 1/4 * ln 2."""
    loss = FocalLoss(reduction="none")(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long))
    assert torch.allclose(loss, torch.full((1, 2, 1, 1), math.log(2) / 8))


def test_labels_are_one_hot_probabilities() -> None:
    truth = torch.nn.functional.one_hot(LABELS, 4).permute(0, 3, 1, 2)
    assert torch.equal(FocalLoss()(LOGITS, LABELS), FocalLoss()(LOGITS, truth))


def test_ignored_pixels_have_no_gradient() -> None:
    for channels in (1, 3):
        logits = torch.randn(1, channels, 1, 2, requires_grad=True)
        FocalLoss()(logits, torch.tensor([[[1, 255]]])).backward()
        assert not logits.grad[..., 1].any() and logits.grad[..., 0].all()


def test_per_pixel_and_weight() -> None:
    weight = torch.zeros(2, 8, 8)
    weight[1, 3, 4] = 1.0
    loss = FocalLoss(reduction="sum")
    assert loss(LOGITS, LABELS, weight=weight).item() == pytest.approx(loss.per_pixel(LOGITS, LABELS)[1, 3, 4].item())


def test_there_is_only_the_sigmoid() -> None:
    with pytest.raises(InputError, match="only the form with the sigmoid"):
        FocalLoss(use_sigmoid=False)
