"""The head of PIDNet; its numbers are held by the golden of the backbone."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.pid import PIDHead, edges_of_labels
from segue.layers.decode_head import HeadOptions
from segue.losses.boundary import BoundaryLoss
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.losses.ohem_cross_entropy import OhemCrossEntropy
from segue.types import Targets


def _head() -> PIDHead:
    weight = [1.0, 2.0, 3.0]
    losses = [
        CrossEntropyLoss(class_weight=weight),
        OhemCrossEntropy(class_weight=weight),
        BoundaryLoss(),
        OhemCrossEntropy(class_weight=weight),
    ]
    return PIDHead(HeadOptions(in_channels=8, channels=4, num_classes=3, loss_decode=losses))


@pytest.mark.parametrize("ignored", [0, 8, 16])
def test_trains_without_an_edge_map_and_with_ignored_pixels(ignored: int) -> None:
    """mmseg 1.2.2 crashes on both; here losses and gradients are finite, even with every pixel ignored."""
    labels = torch.randint(0, 3, (2, 16, 16))
    labels[:, :ignored] = 255
    head = _head()
    features = [torch.randn(2, 4, 2, 2), torch.randn(2, 8, 2, 2), torch.randn(2, 4, 2, 2)]
    losses = head.loss(features, Targets(labels=labels))
    assert list(losses) == ["loss_sem_p", "loss_sem_i", "loss_bd", "loss_sem_bd", "acc_seg"]
    sum(losses[name] for name in losses if "loss" in name).backward()  # type: ignore[union-attr]
    assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())


def test_edges_lie_where_classes_meet() -> None:
    """By hand: classes meet between columns 3 and 4; a band of 4 pixels has 2 on each side."""
    labels = torch.zeros(1, 3, 9, dtype=torch.long)
    labels[:, :, 4:] = 1
    assert edges_of_labels(labels, 4, 255)[0].tolist() == [[0, 0, 1, 1, 1, 1, 0, 0, 0]] * 3
    assert edges_of_labels(labels, 1, 255)[0, 0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_the_ignored_label_has_no_edges() -> None:
    """By hand: the only change is to the ignored label."""
    labels = torch.zeros(1, 5, 9, dtype=torch.long)
    labels[:, :, 4:] = 255
    assert edges_of_labels(labels, 4, 255).sum() == 0


def test_given_edges_are_used() -> None:
    """The boundary loss without any boundary is that of one class: weight 0, so 0."""
    features = [torch.randn(1, 4, 2, 2), torch.randn(1, 8, 2, 2), torch.randn(1, 4, 2, 2)]
    labels = torch.randint(0, 3, (1, 16, 16))
    losses = _head().eval().loss(features, Targets(labels=labels, edges=torch.zeros_like(labels)))
    assert losses["loss_bd"] == 0


def test_needs_four_losses() -> None:
    """One for each target."""
    with pytest.raises(InputError, match="loss_decode holds 1 losses; it needs 4"):
        PIDHead(HeadOptions(in_channels=8, channels=4, num_classes=3, loss_decode=BoundaryLoss()))
