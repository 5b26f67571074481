"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381): inverted residuals with linear bottlenecks.

Deviation from the paper: the last 1 x 1 convolution to 1280 channels, which serves the classifier, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.activation import ACTIVATIONS
from segue.layers.conv import ConvModule
from segue.layers.freezing import Freezing
from segue.layers.inverted_residual import InvertedResidual, make_divisible
from segue.layers.norm import BN, Norm
from segue.types import Activation

#: table 2 of the paper: expansion, channels and blocks of each stage
STAGES = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))


class MobileNetV2(Freezing):
    """Seven stages of inverted residuals after one convolution.

    Args:
        widen_factor: factor of all widths, which are rounded to multiples of 8.
        strides, dilations: of each stage's first block.
        out_indices: stages whose output is returned.
        frozen_stages: the first convolution and this many stages are not trained; -1: everything is.
        in_channels: channels of the image.
        norm, act: of the convolutions; ``norm_eval`` keeps the statistics in training.
        with_cp: recompute blocks in the backward pass, to save memory.

    Raises:
        InputError: stages that do not exist.
    """

    def __init__(
        self,
        widen_factor: float = 1.0,
        *,
        strides: Sequence[int] = (1, 2, 2, 2, 1, 2, 1),
        dilations: Sequence[int] = (1, 1, 1, 1, 1, 1, 1),
        out_indices: Sequence[int] = (1, 2, 4, 6),
        frozen_stages: int = -1,
        in_channels: int = 3,
        norm: Norm | None = BN,
        act: Activation | None = ACTIVATIONS["ReLU6"],
        norm_eval: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        count = len(STAGES)
        if len(strides) != count or len(dilations) != count:
            raise InputError(f"MobileNetV2: strides and dilations need {count} values each, one per stage")
        if not all(0 <= i < count for i in out_indices) or not -1 <= frozen_stages <= count:
            raise InputError(
                f"MobileNetV2: out_indices={tuple(out_indices)} and frozen_stages={frozen_stages} for {count} stages; "
                f"the indices run from 0 to {count - 1}, frozen_stages from -1 to {count}"
            )
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        channels = make_divisible(32 * widen_factor, 8)
        self.conv1 = ConvModule(in_channels, channels, 3, stride=2, padding=1, norm=norm, act=act)
        self.layers = [f"layer{i + 1}" for i in range(count)]
        for name, (ratio, width, blocks), stride, dilation in zip(self.layers, STAGES, strides, dilations, strict=True):
            width = make_divisible(width * widen_factor, 8)
            stage = []
            for i in range(blocks):
                stage.append(
                    InvertedResidual(
                        channels,
                        width,
                        stride=stride if i == 0 else 1,
                        expand_ratio=ratio,
                        dilation=dilation if i == 0 else 1,
                        norm=norm,
                        act=act,
                        with_cp=with_cp,
                    )
                )
                channels = width
            self.add_module(name, nn.Sequential(*stage))
        self.freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to the feature maps of ``out_indices``."""
        x = self.conv1(x)
        features = []
        for i, name in enumerate(self.layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                features.append(x)
        return features

    def frozen(self) -> list[nn.Module]:
        """The first convolution and the first ``frozen_stages`` layers."""
        if self.frozen_stages < 0:
            return []
        return [self.conv1] + [getattr(self, name) for name in self.layers[: self.frozen_stages]]
