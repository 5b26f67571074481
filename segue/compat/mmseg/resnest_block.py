"""The bottleneck of ResNeSt with the arguments of mmseg: its 3 x 3 convolution has splits that are weighed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from segue.backbones.resnest import SplitAttentionConv2d
from segue.compat.mmseg.residual import BN
from segue.compat.mmseg.resnext_block import Bottleneck as Grouped
from segue.config.builder.plan import Planner, make


class Bottleneck(Grouped):
    """ResNeXt's with a split attention; with ``avg_down_stride`` a pooling strides in place of the convolution."""

    def __init__(
        self,
        inplanes: int,
        planes: int,
        groups: int = 1,
        base_width: int = 4,
        base_channels: int = 64,
        radix: int = 2,
        reduction_factor: int = 4,
        avg_down_stride: bool = True,
        norm_cfg: Mapping[str, Any] = BN,
        **kwargs: Any,
    ) -> None:
        super().__init__(inplanes, planes, groups, base_width, base_channels, norm_cfg=norm_cfg, **kwargs)
        self.radix, self.reduction_factor = radix, reduction_factor
        self.avg_down_stride = avg_down_stride and self.conv2_stride > 1
        options = {
            "channels": self.width, "stride": 1 if self.avg_down_stride else self.conv2_stride, "groups": groups,
            "dilation": self.dilation, "radix": radix, "reduction_factor": reduction_factor, "norm_cfg": norm_cfg,
        }  # fmt: skip
        plan = Planner({}).call(SplitAttentionConv2d, options, "Bottleneck")
        self.conv2 = SplitAttentionConv2d(**{key: make(value) for key, value in plan.arguments.items()})
        self.conv2.channels = self.width  # type: ignore[assignment]
        delattr(self, self.norm2_name)
        if self.avg_down_stride:
            self.avd_layer = nn.AvgPool2d(3, self.conv2_stride, padding=1)

    def _branch(self: Any, x: Tensor) -> Tensor:
        x = self.relu(self.norm1(self.conv1(x)))
        x = self.forward_plugin(x, self.after_conv1_plugin_names)
        x = self.conv2(x)
        x = self.avd_layer(x) if self.avg_down_stride else x
        x = self.forward_plugin(x, self.after_conv2_plugin_names)
        found: Tensor = self.forward_plugin(self.norm3(self.conv3(x)), self.after_conv3_plugin_names)
        return found
