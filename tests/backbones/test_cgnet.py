"""CGNet: recorded numbers of the reference, and training where it crashed."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.cgnet import CGNet
from segue.errors import InputError
from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.models.encoder_decoder import EncoderDecoder
from segue.types import Targets
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_published_model() -> None:
    """Oracle: mmseg 1.2.2."""
    check_golden("cgnet")


def test_cgnet_odd() -> None:
    """Oracle: mmseg 1.2.2 at a size that no stride divides."""
    check_backbone("cgnet_odd")


def test_trains_with_ignored_pixels() -> None:
    """mmseg 1.2.2 looks up the class weight of label 255 and crashes; here the step is finite."""
    loss = CrossEntropyLoss(class_weight=[1.0, 2.0, 3.0])
    options = HeadOptions(in_channels=256, channels=256, num_classes=3, in_index=2, loss_decode=loss)
    head = FCNHead(options, num_convs=0, concat_input=False)
    model = EncoderDecoder(backbone=CGNet(num_blocks=(1, 1)), decode_head=head).train()
    labels = torch.randint(0, 3, (2, 64, 64))
    labels[:, :20] = 255
    losses = model.loss(torch.randn(2, 3, 64, 64), Targets(labels=labels))
    losses["decode.loss_ce"].backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_lists_of_another_length() -> None:
    """The message says which and how long."""
    with pytest.raises(InputError, match=r"dilations=\(2,\) needs 2 values"):
        CGNet(dilations=(2,))
