"""The head of Fast-SCNN (arXiv:1902.04502, section 3.2.4): an FCN head whose convolutions are separable."""

from __future__ import annotations

from torch import nn

from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions
from segue.layers.depthwise_separable import DepthwiseSeparableConvModule
from segue.types import Activation


class DepthwiseSeparableFCNHead(FCNHead):
    """Separable convolutions on one feature map.

    Args:
        num_convs: number of convolutions, at least one.
        kernel_size: of these.
        concat_input: concatenate the input to their output, and join both by one more convolution.
        dw_act: activation between the two halves of a separable convolution; by default none.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        num_convs: int = 2,
        kernel_size: int = 3,
        concat_input: bool = True,
        dw_act: Activation | None = None,
    ) -> None:
        super().__init__(options, num_convs=num_convs, kernel_size=kernel_size, concat_input=concat_input)

        def separable(in_channels: int) -> nn.Module:
            return DepthwiseSeparableConvModule(
                in_channels,
                self.channels,
                kernel_size,
                padding=kernel_size // 2,
                norm=self.norm,
                act=self.act,
                depthwise_act=dw_act or nn.Identity,
            )

        self.convs = nn.Sequential(*(separable(self.channels if i else self.in_channels) for i in range(num_convs)))
        if concat_input:
            self.conv_cat = separable(self.in_channels + self.channels)  # type: ignore[assignment]
