"""mmseg.models.utils: inverted residual blocks, squeeze and excitation, and round numbers of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from segue.compat.mmcv.layers import ConvModule
from segue.compat.mmcv.plugins import Conv2dAdaptivePadding
from segue.layers.recompute import recompute

BN: Mapping[str, Any] = {"type": "BN"}
RELU: Mapping[str, Any] = {"type": "ReLU"}
RELU6: Mapping[str, Any] = {"type": "ReLU6"}
SE_ACTS: Sequence[Mapping[str, Any]] = ({"type": "ReLU"}, {"type": "HSigmoid", "bias": 3.0, "divisor": 6.0})


def make_divisible(value: float, divisor: int, min_value: int | None = None, min_ratio: float = 0.9) -> int:
    """The nearest multiple of ``divisor``, at least ``min_value`` and ``min_ratio * value``."""
    rounded = max(divisor if min_value is None else min_value, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < min_ratio * value else rounded


class SELayer(nn.Module):
    """A factor per channel, from the means of all channels."""

    def __init__(
        self,
        channels: int,
        ratio: int = 16,
        conv_cfg: Mapping[str, Any] | None = None,
        act_cfg: Any = SE_ACTS,
    ) -> None:
        super().__init__()
        if not isinstance(act_cfg, Mapping) and len(act_cfg) != 2:
            raise AssertionError(f"act_cfg must be a dict or two of them, not {len(act_cfg)}")
        first, second = (act_cfg, act_cfg) if isinstance(act_cfg, Mapping) else act_cfg
        inner = make_divisible(channels // ratio, 8)
        self.global_avgpool = nn.AdaptiveAvgPool2d(1)
        self.conv1 = ConvModule(channels, inner, 1, stride=1, conv_cfg=conv_cfg, act_cfg=first)
        self.conv2 = ConvModule(inner, channels, 1, stride=1, conv_cfg=conv_cfg, act_cfg=second)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same."""
        return x * self.conv2(self.conv1(self.global_avgpool(x)))


class _Inverted(nn.Module):
    with_cp: bool
    with_res_shortcut: bool

    def _branch(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        out = recompute(self._branch, x) if self.with_cp and x.requires_grad else self._branch(x)
        return x + out if self.with_res_shortcut else out


class InvertedResidual(_Inverted):
    """MobileNetV2's block: wider by ``expand_ratio``, convolved per channel, narrow again."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expand_ratio: int,
        dilation: int = 1,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU6,
        with_cp: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise AssertionError(f"stride must in [1, 2]. But received {stride}.")
        self.stride, self.with_cp = stride, with_cp
        self.use_res_connect = self.with_res_shortcut = stride == 1 and in_channels == out_channels
        hidden = round(in_channels * expand_ratio)
        layers: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, **kwargs}
        convs = [ConvModule(in_channels, hidden, 1, act_cfg=act_cfg, **layers)] if expand_ratio != 1 else []
        convs += [
            ConvModule(
                hidden, hidden, 3, stride=stride, padding=dilation, dilation=dilation, groups=hidden, act_cfg=act_cfg,
                **layers,
            ),
            ConvModule(hidden, out_channels, 1, act_cfg=None, **layers),
        ]  # fmt: skip
        self.conv = nn.Sequential(*convs)

    def _branch(self, x: Tensor) -> Tensor:
        return self.conv(x)


class InvertedResidualV3(_Inverted):
    """MobileNetV3's block: ``mid_channels`` wide, with squeeze and excitation by ``se_cfg``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        se_cfg: Mapping[str, Any] | None = None,
        with_expand_conv: bool = True,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = BN,
        act_cfg: Mapping[str, Any] | None = RELU,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise AssertionError(f"stride={stride}: 1 or 2")
        if not with_expand_conv and mid_channels != in_channels:
            raise AssertionError("without the first convolution mid_channels is in_channels")
        self.with_res_shortcut = stride == 1 and in_channels == out_channels
        self.with_cp, self.with_se, self.with_expand_conv = with_cp, se_cfg is not None, with_expand_conv
        layers: dict[str, Any] = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg}
        if with_expand_conv:
            self.expand_conv = ConvModule(in_channels, mid_channels, 1, act_cfg=act_cfg, **layers)
        self.depthwise_conv = ConvModule(
            mid_channels,
            mid_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=mid_channels,
            conv_cfg={"type": Conv2dAdaptivePadding} if stride == 2 else conv_cfg,
            norm_cfg=norm_cfg,
            act_cfg=act_cfg,
        )
        if se_cfg is not None:
            self.se = SELayer(**se_cfg)
        self.linear_conv = ConvModule(mid_channels, out_channels, 1, act_cfg=None, **layers)

    def _branch(self, x: Tensor) -> Tensor:
        x = self.expand_conv(x) if self.with_expand_conv else x
        x = self.depthwise_conv(x)
        return self.linear_conv(self.se(x) if self.with_se else x)
