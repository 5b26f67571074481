"""The detail head of STDC; its losses are held by the golden of the backbone, with a random Laplacian."""

from __future__ import annotations

import torch

from segue.heads.stdc import STDCHead
from segue.layers.decode_head import HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.types import Targets
from tests.goldens_check import goldens_tool


def _head() -> STDCHead:
    loss = CrossEntropyLoss(use_sigmoid=True)
    options = HeadOptions(in_channels=4, channels=4, num_classes=2, loss_decode=loss)
    return STDCHead(options, num_convs=1, concat_input=False)


def test_no_details_inside_a_class() -> None:
    """By hand: the Laplacian of a constant is 0 but at the border of the image, where zeros are around it."""
    details = _head().details(torch.full((1, 16, 16), 3))
    assert details[:, 4:-4, 4:-4].sum() == 0


def test_details_lie_where_classes_meet() -> None:
    """By hand: only the larger label has a positive Laplacian; 0.6 of stride 1 alone exceeds the threshold."""
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[:, :, 8:] = 1
    details = _head().details(labels)[0, 8]
    assert details[8] == 1
    assert details[:7].sum() == 0


def test_details_of_blocks() -> None:
    """Oracle: mmseg 1.2.2 marks 1784 of the 6144 pixels of these labels, some of them ignored."""
    labels = goldens_tool().labels(64, 96, 5)
    details = _head().details(labels[None])
    assert details.sum() == 1784
    assert details.dtype == torch.int64


def test_trains_without_an_edge_map() -> None:
    """The truth comes from the labels; ignored pixels do no harm."""
    labels = torch.randint(0, 19, (2, 16, 16))
    labels[:, :5] = 255
    head = _head()
    losses = head.loss([torch.randn(2, 4, 2, 2)], Targets(labels=labels))
    losses["loss_ce"].backward()
    assert losses["loss_ce"].isfinite()
    assert head.fusion_kernel.grad is None
