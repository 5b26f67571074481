"""Losses of masks, worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import distributed, multiprocessing

from segue.layers.mask_losses import CrossEntropyLoss, DiceLoss, FocalLoss, mean_over_processes

#: one mask of two pixels, both right with probability 3/4
MASKS, TRUTH = torch.tensor([[math.log(3), -math.log(3)]]), torch.tensor([[1.0, 0.0]])
TWO = torch.tensor(2.0)


def test_classes() -> None:
    """Weighted mean: (1 * log 2 + 0.1 * log 4) / 1.1, of probabilities 1/2 and 1/4."""
    scores = torch.tensor([[math.log(2), 0.0, 0.0], [math.log(2), 0.0, 0.0]])
    loss = CrossEntropyLoss(class_weight=[1.0, 1.0, 0.1], loss_weight=2.0)
    found = loss.classes(scores, torch.tensor([0, 2]))
    torch.testing.assert_close(found, torch.tensor(2 * (math.log(2) + 0.1 * math.log(4)) / 1.1))


def test_masks() -> None:
    """Sums over masks by a count of 2: cross-entropy log(4/3) per pixel, focal a 32nd of that, dice 1/4."""
    torch.testing.assert_close(
        CrossEntropyLoss(use_sigmoid=True).masks(MASKS, TRUTH, TWO), torch.tensor(math.log(4 / 3) / 2)
    )
    torch.testing.assert_close(FocalLoss().masks(MASKS, TRUTH, TWO), torch.tensor(math.log(4 / 3) / 64))
    torch.testing.assert_close(DiceLoss(naive_dice=True, eps=0.0).masks(MASKS, TRUTH, TWO), torch.tensor(0.125))
    squares = DiceLoss(eps=0.0).masks(MASKS, TRUTH, TWO)
    torch.testing.assert_close(squares, torch.tensor((1 - 1.5 / 1.625) / 2))


def _process(rank: int, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    assert mean_over_processes(torch.tensor(2.0 + 4 * rank)) == 4.0
    distributed.destroy_process_group()


def test_mean_over_processes(tmp_path: Path) -> None:
    """Counts of 2 and 6 masks: every process divides by 4."""
    assert mean_over_processes(TWO) is TWO
    multiprocessing.spawn(_process, args=(str(tmp_path),), nprocs=2)  # raises what a process raised
