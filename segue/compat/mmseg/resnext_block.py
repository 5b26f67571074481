"""The bottleneck of ResNeXt with the arguments of mmseg: its 3 x 3 convolution is split into groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.compat.mmcv.layers import build_conv_layer
from segue.compat.mmseg.residual import BN
from segue.compat.mmseg.residual import Bottleneck as Plain


class Bottleneck(Plain):
    """ResNet's, ``planes * base_width / base_channels`` channels wide in each of ``groups``."""

    def __init__(
        self,
        inplanes: int,
        planes: int,
        groups: int = 1,
        base_width: int = 4,
        base_channels: int = 64,
        norm_cfg: Mapping[str, Any] = BN,
        conv_cfg: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inplanes, planes, norm_cfg=norm_cfg, conv_cfg=conv_cfg, **kwargs)
        self.groups = groups
        self.width = width = planes if groups == 1 else int(planes * base_width / base_channels) * groups
        first = build_conv_layer(conv_cfg, inplanes, width, kernel_size=1, stride=self.conv1_stride, bias=False)
        self._layer(1, first, norm_cfg, width)
        self._layer(2, self._middle(), norm_cfg, width)
        wide = planes * self.expansion
        self._layer(3, build_conv_layer(conv_cfg, width, wide, kernel_size=1, bias=False), norm_cfg, wide)

    def _middle(self) -> Any:
        return build_conv_layer(
            self.conv_cfg, self.width, self.width, kernel_size=3, stride=self.conv2_stride, padding=self.dilation,
            dilation=self.dilation, groups=self.groups, bias=False,
        )  # fmt: skip
