"""Blocks of mmseg's heads and backbones.

Oracle: state-dict keys and layers as mmseg 1.2.2 prints them; numbers by torch's own layers and by Segue's pyramid.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import segue.compat  # noqa: F401

BN = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]


def conv_bn(name: str) -> list[str]:
    return [f"{name}.conv.weight", *(f"{name}.bn.{one}" for one in BN)]


def test_ppm() -> None:
    from mmseg.models.decode_heads.psp_head import PPM, PSPHead
    from mmseg.models.decode_heads.uper_head import PPM as SAME

    assert PPM is SAME and PSPHead.__name__ == "PSPHead"
    pool = PPM((1, 2, 3, 6), 8, 4, None, dict(type="BN"), dict(type="ReLU"), False).eval()
    assert isinstance(pool, nn.ModuleList) and pool.pool_scales == (1, 2, 3, 6)
    assert list(pool.state_dict()) == [key for i in range(4) for key in conv_bn(f"{i}.1")]
    x = torch.randn(1, 8, 7, 9)
    found = pool(x)
    assert [tuple(one.shape) for one in found] == [(1, 4, 7, 9)] * 4
    small = torch.relu(pool[1][1].bn(pool[1][1].conv(nn.functional.adaptive_avg_pool2d(x, 2))))
    assert torch.allclose(found[1], nn.functional.interpolate(small, (7, 9), mode="bilinear"))
    plain = PPM((1, 2), 8, 4, conv_cfg=None, norm_cfg=None, act_cfg=dict(type="ReLU"), align_corners=True)
    assert list(plain.state_dict()) == ["0.1.conv.weight", "0.1.conv.bias", "1.1.conv.weight", "1.1.conv.bias"]
    assert len(PPM((1, 2), 8, 4, None, None, None, False, bias=False).state_dict()) == 2


def test_up_conv_block() -> None:
    from mmseg.models.backbones.unet import BasicConvBlock
    from mmseg.models.utils import UpConvBlock

    block = UpConvBlock(BasicConvBlock, 8, 3, 5)
    block_keys = conv_bn("conv_block.convs.0") + conv_bn("conv_block.convs.1")
    assert list(block.state_dict()) == block_keys + conv_bn("upsample.interp_upsample.1")
    assert block(torch.randn(1, 3, 8, 8), torch.randn(1, 8, 4, 4)).shape == (1, 5, 8, 8)
    same = UpConvBlock(BasicConvBlock, 8, 3, 5, upsample_cfg=None)
    assert list(same.state_dict()) == block_keys + conv_bn("upsample")
    deconv = UpConvBlock(BasicConvBlock, 8, 3, 5, upsample_cfg=dict(type="DeconvModule", kernel_size=2))
    keys = ["upsample.deconv_upsamping.0.weight", "upsample.deconv_upsamping.0.bias"]
    assert list(deconv.state_dict()) == block_keys + keys + [f"upsample.deconv_upsamping.1.{one}" for one in BN]
    assert deconv(torch.randn(1, 3, 8, 8), torch.randn(1, 8, 4, 4)).shape == (1, 5, 8, 8)
    with pytest.raises(AssertionError, match="dcn and plugins"):
        UpConvBlock(BasicConvBlock, 8, 3, 5, dcn={})


def test_a_block_of_the_users() -> None:
    """It is called with what mmseg passes."""
    from mmseg.models.utils import UpConvBlock

    class Spy(nn.Module):
        def __init__(self, **arguments: Any) -> None:
            super().__init__()
            self.arguments = arguments

        def forward(self, x: Tensor) -> Tensor:
            return x

    block = UpConvBlock(Spy, 8, 3, 5, num_convs=3, dilation=2)
    layers = {"conv_cfg": None, "norm_cfg": {"type": "BN"}, "act_cfg": {"type": "ReLU"}, "dcn": None, "plugins": None}
    sizes = {"in_channels": 6, "out_channels": 5, "num_convs": 3, "stride": 1, "dilation": 2, "with_cp": False}
    assert block.conv_block.arguments == sizes | layers
    assert block(torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 4, 4)).shape == (1, 6, 8, 8)


def test_parts_of_unet() -> None:
    from mmseg.models.backbones.unet import BasicConvBlock, DeconvModule, InterpConv, UNet

    assert UNet.__name__ == "UNet"
    first, second = BasicConvBlock(3, 4, stride=2, dilation=3, with_cp=True).convs
    assert (first.conv.stride, first.conv.dilation, first.conv.padding) == ((2, 2), (1, 1), (1, 1))
    assert (second.conv.stride, second.conv.dilation, second.conv.padding) == ((1, 1), (3, 3), (3, 3))
    after = InterpConv(3, 4, kernel_size=3, padding=1, upsample_cfg=dict(scale_factor=4, mode="nearest"))
    assert after(torch.randn(1, 3, 5, 5)).shape == (1, 4, 20, 20)
    assert list(InterpConv(3, 4, conv_first=True).state_dict()) == conv_bn("interp_upsample.0")
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    DeconvModule(3, 4, with_cp=True, kernel_size=5, scale_factor=3)(x).sum().backward()
    assert x.grad is not None and DeconvModule(3, 4, kernel_size=6)(x).shape == (2, 4, 10, 10)
    with pytest.raises(ValueError, match="kernel_size=3 must be scale_factor=2 or an even number more"):
        DeconvModule(3, 4, kernel_size=3)
