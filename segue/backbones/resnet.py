"""ResNet (He et al. 2015, arXiv:1512.03385), with the stems and dilations that segmentation uses.

- V1c: three 3 x 3 convolutions in place of the 7 x 7 stem (``deep_stem``); V1d also averages in the shortcut
  (``avg_down``): He et al. 2018, arXiv:1812.01187, section 4.
- ``strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)`` keeps the last stages at 1/8 of the image (arXiv:1706.05587);
  ``multi_grid`` multiplies nothing: it *is* the dilation of each block of the last stage, as in the reference;
  ``contract_dilation`` halves the dilation of the first block of a dilated stage, against gridding.

Deviation: deformable convolutions and plugins of the reference are not offered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.freezing import Freezing
from segue.layers.norm import BN, Norm
from segue.layers.residual import BasicBlock, Bottleneck, ResidualBlock, initialize_residual, residual_stage

BLOCKS: dict[int, tuple[type[ResidualBlock], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


class ResNet(Freezing):
    """Residual network of four stages.

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: channels of the image.
        stem_channels: width of the stem; ``base_channels`` that of the first stage.
        num_stages, strides, dilations: of the stages.
        out_indices: stages whose output is returned.
        style: which convolution of a bottleneck strides: the 3 x 3 (``pytorch``) or the first 1 x 1 (``caffe``).
        deep_stem, avg_down: see above.
        frozen_stages: stem and this many stages are not trained; -1: everything is.
        norm, norm_eval: the normalization, and whether it keeps its statistics in training.
        multi_grid: dilation of each block of the last stage.
        contract_dilation: see above.
        with_cp: recompute blocks in the backward pass, to save memory.
        zero_init_residual: let each block start as its shortcut.
        groups, base_width: split the 3 x 3 convolutions of bottlenecks into groups, each ``base_width`` channels wide
            in the first stage (ResNeXt).

    Raises:
        InputError: unknown depth, or stages that do not fit together.
    """

    #: by depth: the block, and how many of it each stage has
    blocks: Mapping[int, tuple[type[ResidualBlock] | partial[ResidualBlock], tuple[int, int, int, int]]] = BLOCKS

    def __init__(
        self,
        depth: int,
        *,
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        style: Literal["pytorch", "caffe"] = "pytorch",
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: int = -1,
        norm: Norm = BN,
        norm_eval: bool = False,
        multi_grid: Sequence[int] | None = None,
        contract_dilation: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        groups: int = 1,
        base_width: int = 4,
    ) -> None:
        super().__init__()
        if depth not in self.blocks:
            raise InputError(f"{type(self).__name__}: depth={depth}; there are {sorted(self.blocks)}")
        if not 1 <= num_stages <= 4 or max(out_indices) >= num_stages:
            raise InputError(f"ResNet: num_stages={num_stages} (of at most 4) with out_indices={tuple(out_indices)}")
        if len(strides) != num_stages or len(dilations) != num_stages:
            raise InputError(f"ResNet: strides and dilations need {num_stages} values each, one per stage")
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.deep_stem = deep_stem
        if deep_stem:
            half = stem_channels // 2
            self.stem = nn.Sequential(
                *_conv_norm_relu(in_channels, half, norm, stride=2),
                *_conv_norm_relu(half, half, norm),
                *_conv_norm_relu(half, stem_channels, norm),
            )
        else:
            self.conv1 = nn.Conv2d(in_channels, stem_channels, 7, stride=2, padding=3, bias=False)
            self.bn1 = norm(stem_channels)
            self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)

        block, depths = self.blocks[depth]
        if groups > 1 and block is BasicBlock:
            raise InputError(f"ResNet: groups={groups} with depth={depth}; groups need bottlenecks, from depth 50")
        channels = stem_channels
        self.stages: list[str] = []
        for i in range(num_stages):
            width = base_channels * 2**i
            stage = residual_stage(
                block,
                channels,
                width,
                num_blocks=depths[i],
                stride=strides[i],
                dilations=_block_dilations(
                    dilations[i], depths[i], contract_dilation, multi_grid if i == num_stages - 1 else None
                ),
                avg_down=avg_down,
                style=style,
                groups=groups,
                width=int(width * base_width / base_channels) * groups if groups > 1 else width,
                with_cp=with_cp,
                norm=norm,
            )
            self.add_module(f"layer{i + 1}", stage)
            self.stages.append(f"layer{i + 1}")
            channels = width * stage[-1].expansion
        initialize_residual(self, zero_init_residual)
        self.freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps; with default strides at 1/4, 1/8, 1/16 and 1/32."""
        x = self.embed(x)
        features = []
        for i, name in enumerate(self.stages):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                features.append(x)
        return features

    def embed(self, x: Tensor) -> Tensor:
        """What comes before the first stage: (B, in_channels, H, W) to (B, stem_channels, H / 4, W / 4)."""
        pooled: Tensor = self.maxpool(self.stem(x) if self.deep_stem else self.relu(self.bn1(self.conv1(x))))
        return pooled

    def frozen(self) -> list[nn.Module]:
        """The stem and the first ``frozen_stages`` stages."""
        if self.frozen_stages < 0:
            return []
        stem: list[nn.Module] = [self.stem] if self.deep_stem else [self.conv1, self.bn1]
        return stem + [getattr(self, name) for name in self.stages[: self.frozen_stages]]


def _block_dilations(dilation: int, num_blocks: int, contract: bool, multi_grid: Sequence[int] | None) -> list[int]:
    """The dilation of each block of a stage."""
    if multi_grid is not None:
        if len(multi_grid) < num_blocks:
            raise InputError(f"ResNet: multi_grid={tuple(multi_grid)} for a last stage of {num_blocks} blocks")
        return list(multi_grid[:num_blocks])
    first = dilation // 2 if contract and dilation > 1 else dilation
    return [first] + [dilation] * (num_blocks - 1)


def _conv_norm_relu(in_channels: int, channels: int, norm: Norm, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
    return [conv, norm(channels), nn.ReLU(inplace=True)]


ResNetV1c = partial(ResNet, deep_stem=True, avg_down=False)
ResNetV1d = partial(ResNet, deep_stem=True, avg_down=True)
