"""MobileNetV3: recorded numbers of the reference at odd sizes, TensorFlow's padding worked by hand."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.mobilenet_v3 import MobileNetV3, pad_same
from segue.errors import InputError
from tests.backbones.recorded import check_backbone
from tests.goldens_check import check_golden


def test_small_model() -> None:
    """Oracle: mmseg 1.2.2, with its LR-ASPP head, at a size that its pooling window allows."""
    check_golden("mobilenet_v3_small")


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small_reduced"])
def test_recorded(name: str) -> None:
    """Oracle: mmseg 1.2.2; the small one with half the width in its last stage."""
    check_backbone(name)


def test_padding_puts_the_odd_row_last() -> None:
    """By hand: 4 columns, kernel 3, stride 2: 2 outputs see columns 0-2 and 2-4, so one column is added at the end.

    5 columns: 3 outputs see -1 to 5, one on each side.
    """
    padded = pad_same(torch.ones(1, 1, 4, 5), 3, 2)
    assert padded.shape == (1, 1, 5, 7)
    assert padded[0, 0, :, 3].tolist() == [1, 1, 1, 1, 0]
    assert padded[0, 0, 0].tolist() == [0, 1, 1, 1, 1, 1, 0]


def test_frozen_layers() -> None:
    """By definition: layers 0 to 3 do not train."""
    net = MobileNetV3("small", frozen_stages=3).train()
    assert not any(p.requires_grad for p in net.layer3.parameters())
    assert all(p.requires_grad for p in net.layer4.parameters())


def test_a_layer_that_does_not_exist() -> None:
    """The small network has layers 0 to 12."""
    with pytest.raises(InputError, match=r"the layers of 'small' are 0 to 12"):
        MobileNetV3("small", out_indices=(0, 16))
