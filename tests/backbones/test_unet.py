"""U-Net: numbers from the goldens; any size, both upsamplings and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.unet import UNet, UpsampleOptions
from segue.errors import InputError
from tests.goldens_check import check_golden

SMALL = {
    "base_channels": 4,
    "num_stages": 3,
    "strides": (1, 1, 1),
    "enc_num_convs": (1, 1, 1),
    "dec_num_convs": (1, 1),
    "downsamples": (True, True),
    "enc_dilations": (1, 1, 1),
    "dec_dilations": (1, 1),
}


def test_numbers_of_the_reference() -> None:
    check_golden("unet_fcn_dice")


@pytest.mark.parametrize("kind", ["InterpConv", "DeconvModule"])
@pytest.mark.parametrize("size", [(32, 48), (97, 131)])
def test_outputs_coarse_to_full_size(kind: str, size: tuple[int, int]) -> None:
    model = UNet(in_channels=1, upsample=UpsampleOptions(type=kind), **SMALL).eval()
    outputs = model(torch.randn(1, 1, *size))
    assert [o.shape[1] for o in outputs] == [16, 8, 4]
    assert tuple(outputs[-1].shape[-2:]) == size
    assert tuple(outputs[0].shape[-2:]) == (size[0] // 4, size[1] // 4)


def test_a_stage_that_strides_needs_no_pooling() -> None:
    model = UNet(**(SMALL | {"strides": (1, 2, 1)})).eval()
    assert len(model.encoder[1]) == 1 and len(model.encoder[2]) == 2
    assert model(torch.randn(1, 3, 32, 32))[-1].shape[-1] == 32


def test_a_step_that_keeps_the_size() -> None:
    model = UNet(**(SMALL | {"downsamples": (True, False)})).eval()
    assert [o.shape[-1] for o in model(torch.randn(1, 3, 32, 32))] == [16, 16, 32]


def test_length_message() -> None:
    with pytest.raises(InputError, match="dec_num_convs has 4 values; num_stages=3 needs 2"):
        UNet(**(SMALL | {"dec_num_convs": (1, 1, 1, 1)}))


def test_kernel_message() -> None:
    with pytest.raises(InputError, match="kernel_size=3; an even number"):
        UNet(upsample=UpsampleOptions(type="DeconvModule", kernel_size=3), **SMALL)
