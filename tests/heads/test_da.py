"""DAHead: numbers of the reference, and the attention over channels by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.heads.da import ChannelAttention, DAHead
from segue.layers.decode_head import HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.types import Targets
from tests.goldens_check import check_golden, check_heads


def test_numbers_of_the_reference() -> None:
    check_golden("danet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("da")


def test_channel_attention_by_hand() -> None:
    """One pixel with channels 1 and 2: products (1, 2) and (2, 4); weights from (1, 0) and (2, 0)."""
    attention = ChannelAttention()
    torch.nn.init.ones_(attention.gamma.scale)
    out = attention(torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)).flatten().tolist()
    first, second = math.e / (math.e + 1), math.e**2 / (math.e**2 + 1)
    expected = [1 + first * 1 + (1 - first) * 2, 2 + second * 1 + (1 - second) * 2]
    assert out == pytest.approx(expected)


def test_each_output_has_its_loss_and_the_sum_predicts() -> None:
    options = HeadOptions(in_channels=4, channels=8, num_classes=3, loss_decode=CrossEntropyLoss())
    head = DAHead(options, pam_channels=2).eval()
    features = [torch.randn(1, 4, 6, 6)]
    losses = head.loss(features, Targets(labels=torch.zeros(1, 12, 12, dtype=torch.long)))
    assert list(losses) == [f"{part}.{name}" for part in ("pam_cam", "pam", "cam") for name in ("loss_ce", "acc_seg")]
    assert torch.equal(head.predict(features, (6, 6)), head(features)[0])
