"""OHEMPixelSampler on pixels whose hardness is known."""

from __future__ import annotations

import math

import pytest
import torch

from segue.errors import InputError
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.losses.dice import DiceLoss
from segue.losses.ohem import OHEMPixelSampler

# Probability of the true class: 0.9, 0.5, 0.2, 0.6, ignored.
PROBS = torch.tensor([0.9, 0.5, 0.2, 0.6, 0.5])
LOGITS = torch.stack([PROBS.log(), (1 - PROBS).log()]).view(1, 2, 1, 5)
LABELS = torch.tensor([[[0, 0, 0, 0, 255]]])


def sample(sampler: OHEMPixelSampler, losses: list) -> list[float]:
    return sampler.sample(LOGITS, LABELS, losses, 255).flatten().tolist()


def test_hardest_by_loss() -> None:
    assert sample(OHEMPixelSampler(min_kept=2), [CrossEntropyLoss()]) == [0, 1, 1, 0, 0]


def test_all_pixels_when_there_are_few() -> None:
    assert sample(OHEMPixelSampler(min_kept=100), [CrossEntropyLoss()]) == [1, 1, 1, 1, 0]


def test_below_the_threshold() -> None:
    """0.7 keeps three; with 0.3 the threshold rises to the third lowest probability (0.6), below which lie two."""
    assert sample(OHEMPixelSampler(thresh=0.7, min_kept=2), []) == [0, 1, 1, 1, 0]
    assert sample(OHEMPixelSampler(thresh=0.3, min_kept=2), []) == [0, 1, 1, 0, 0]


def test_nothing_labeled() -> None:
    labels = torch.full_like(LABELS, 255)
    assert not OHEMPixelSampler().sample(LOGITS, labels, [CrossEntropyLoss()], 255).any()


def test_the_kept_pixels_make_the_loss() -> None:
    weight = OHEMPixelSampler(min_kept=2).sample(LOGITS, LABELS, [CrossEntropyLoss()], 255)
    loss = CrossEntropyLoss()(LOGITS, LABELS, weight=weight)
    assert loss.item() == pytest.approx(-(math.log(0.5) + math.log(0.2)) / 5, rel=1e-5)


def test_messages() -> None:
    with pytest.raises(InputError, match="DiceLoss cannot give per pixel; set thresh"):
        sample(OHEMPixelSampler(min_kept=2), [DiceLoss()])
    with pytest.raises(InputError, match="min_kept=1; it must be at least 2"):
        OHEMPixelSampler(min_kept=1)
