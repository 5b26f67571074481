"""EncHead: numbers of the reference, and its loss on the classes in the picture by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segue.heads.enc import EncHead, EncHeadOptions, classes_present
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.types import Targets
from tests.goldens_check import check_golden, check_heads


def test_numbers_of_the_reference() -> None:
    check_golden("encnet_r50")


def test_variants_of_the_reference() -> None:
    check_heads("enc-lat", "enc-nose", "enc-plain")


def test_classes_present() -> None:
    labels = torch.tensor([[[0, 2], [255, 2]], [[255, 255], [255, 1]]])
    assert classes_present(labels, 3, 255).tolist() == [[1, 0, 1], [0, 1, 0]]
    assert classes_present(labels, 3, 2).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_loss_by_hand() -> None:
    """Logits 0, 0 and 100 for classes 0, 1 and 2, of which 0 and 2 are there: (ln 2 + ln 2 + 0) / 3, times 0.2."""
    options = EncHeadOptions(
        in_channels=[4],
        in_index=[0],
        channels=8,
        num_classes=3,
        loss_decode=CrossEntropyLoss(),
        loss_se_decode=CrossEntropyLoss(use_sigmoid=True, loss_weight=0.2),
    )
    head = EncHead(options, num_codes=2)
    torch.nn.init.zeros_(head.se_layer.weight)
    head.se_layer.bias.data = torch.tensor([0.0, 0.0, 100.0])
    losses = head.loss([torch.randn(1, 4, 4, 4)], Targets(labels=torch.tensor([[[0, 2], [255, 2]]])))
    assert losses["loss_se"].item() == pytest.approx(0.2 * 2 * math.log(2) / 3)
    assert list(losses) == ["loss_ce", "acc_seg", "loss_se"]
