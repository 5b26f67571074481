"""The head of DDRNet; its numbers are held by the golden of the backbone."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.ddr import DDRHead
from segue.layers.decode_head import HeadOptions
from segue.losses.ohem_cross_entropy import OhemCrossEntropy
from segue.types import Targets


def _head(losses: int) -> DDRHead:
    loss = [OhemCrossEntropy(class_weight=[1.0, 2.0, 3.0]) for _ in range(losses)]
    return DDRHead(HeadOptions(in_channels=8, channels=4, num_classes=3, loss_decode=loss))


@pytest.mark.parametrize("ignored", [0, 8, 16])
def test_trains_with_ignored_pixels(ignored: int) -> None:
    """By definition: finite losses and gradients with none, half and all of the pixels ignored."""
    labels = torch.randint(0, 3, (2, 16, 16))
    labels[:, :ignored] = 255
    head = _head(2)
    losses = head.loss([torch.randn(2, 4, 2, 2), torch.randn(2, 8, 2, 2)], Targets(labels=labels))
    assert list(losses) == ["loss_context", "loss_spatial", "acc_seg"]
    (losses["loss_context"] + losses["loss_spatial"]).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


def test_needs_two_losses() -> None:
    """One for each classifier."""
    with pytest.raises(InputError, match="loss_decode holds 1 losses; it needs 2"):
        _head(1)
