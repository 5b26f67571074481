"""High-resolution network (Wang et al. 2019, arXiv:1908.07919): parallel branches at 1/4 to 1/32 that exchange
features.

Deviation: where a transition changes the width of an existing branch it reads that branch; the reference reads the last
one. No published configuration has such a transition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.freezing import Freezing
from segue.layers.norm import BN, Norm
from segue.layers.residual import BasicBlock, Bottleneck, ResidualBlock, initialize_residual, residual_stage
from segue.layers.resize import resize

BLOCKS: dict[str, type[ResidualBlock]] = {"BASIC": BasicBlock, "BOTTLENECK": Bottleneck}


@dataclass(frozen=True, kw_only=True)
class StageOptions:
    """One stage: ``num_modules`` exchange units of ``num_branches`` branches, with blocks and widths per branch."""

    num_modules: int
    num_branches: int
    block: Literal["BASIC", "BOTTLENECK"]
    num_blocks: Sequence[int]
    num_channels: Sequence[int]


class HRModule(nn.Module):
    """Residual blocks in each branch, then every branch gets the sum of all (section 3.2, figure 3).

    Args:
        in_channels: of each branch; replaced by its output's.
        stage: widths and blocks.
        num_outputs: how many branches are fused and returned, finest first.
        with_cp, norm: of the blocks.
    """

    def __init__(
        self, in_channels: Sequence[int], stage: StageOptions, *, num_outputs: int, with_cp: bool, norm: Norm
    ) -> None:
        super().__init__()
        block = BLOCKS[stage.block]
        self.branches = nn.ModuleList(
            residual_stage(block, in_channels[i], width, num_blocks=stage.num_blocks[i], with_cp=with_cp, norm=norm)
            for i, width in enumerate(stage.num_channels)
        )
        widths = [width * block.expansion for width in stage.num_channels]
        count = len(widths)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_exchange(widths, source=j, target=i, norm=norm) for j in range(count))
            for i in range(num_outputs if count > 1 else 0)
        )
        self.relu = nn.ReLU(inplace=False)

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """One (B, C_i, H_i, W_i) per branch to the same, or to the first few of them."""
        branches = [blocks(x) for blocks, x in zip(self.branches, branches, strict=True)]
        if not self.fuse_layers:
            return branches
        outputs = []
        for i, layers in enumerate(self.fuse_layers):
            size = branches[i].shape[-2:]
            exchanged = (resize(layer(x), size) for layer, x in zip(layers, branches, strict=True))  # type: ignore
            first, *others = exchanged
            outputs.append(self.relu(sum(others, first)))
        return outputs


class HRStage(nn.Sequential):
    """Modules one after another, each of which takes and returns a list of feature maps."""

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """One (B, C_i, H_i, W_i) per branch to the same, or to the first few of them."""
        for module in self:
            branches = module(branches)
        return list(branches)


class HRNet(Freezing):
    """High-resolution network of four stages.

    Args:
        extra: ``stage1`` to ``stage4``, each with ``num_modules``, ``num_branches``, ``block``, ``num_blocks``,
            ``num_channels``.
        in_channels: channels of the image.
        norm, norm_eval: the normalization, and whether it keeps its statistics in training.
        with_cp: recompute blocks in the backward pass, to save memory.
        frozen_stages: the stem (0) and this many stages are not trained; -1: everything is.
        zero_init_residual: let each block start as its shortcut.
        multiscale_output: return all branches; False: the finest only.

    Raises:
        InputError: stages that do not fit together.
    """

    def __init__(
        self,
        extra: Mapping[str, StageOptions],
        *,
        in_channels: int = 3,
        norm: Norm = BN,
        norm_eval: bool = False,
        with_cp: bool = False,
        frozen_stages: int = -1,
        zero_init_residual: bool = False,
        multiscale_output: bool = True,
    ) -> None:
        super().__init__()
        for i in range(1, 5):
            stage = extra.get(f"stage{i}")
            if stage is None:
                raise InputError(f"HRNet: extra has no stage{i}; it needs stage1 to stage4")
            if not len(stage.num_blocks) == len(stage.num_channels) == stage.num_branches:
                raise InputError(
                    f"HRNet: extra.stage{i} has num_branches={stage.num_branches}, but {len(stage.num_blocks)} "
                    f"num_blocks and {len(stage.num_channels)} num_channels; give one value per branch"
                )
        self.norm_eval = norm_eval
        self.frozen_stages = frozen_stages
        self.conv1 = nn.Conv2d(in_channels, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = norm(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = norm(64)
        self.relu = nn.ReLU(inplace=True)

        first = extra["stage1"]
        block = BLOCKS[first.block]
        self.layer1 = residual_stage(
            block, 64, first.num_channels[0], num_blocks=first.num_blocks[0], with_cp=with_cp, norm=norm
        )
        widths = [first.num_channels[0] * block.expansion]
        for i in range(2, 5):
            stage = extra[f"stage{i}"]
            new = [width * BLOCKS[stage.block].expansion for width in stage.num_channels]
            self.add_module(f"transition{i - 1}", _transition(widths, new, norm))
            modules = []
            for m in range(stage.num_modules):
                last = i == 4 and m == stage.num_modules - 1
                outputs = 1 if last and not multiscale_output else len(new)
                modules.append(HRModule(new, stage, num_outputs=outputs, with_cp=with_cp, norm=norm))
            self.add_module(f"stage{i}", HRStage(*modules))
            widths = new
        initialize_residual(self, zero_init_residual)
        self.freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps at 1/4, 1/8, 1/16 and 1/32."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        branches = [self.layer1(x)]
        for i in range(2, 5):
            transition = getattr(self, f"transition{i - 1}")
            branches = [layer(branches[min(b, len(branches) - 1)]) for b, layer in enumerate(transition)]
            branches = getattr(self, f"stage{i}")(branches)
        return branches

    def frozen(self) -> list[nn.Module]:
        """The stem, and the first ``frozen_stages`` stages with the transitions after them."""
        if self.frozen_stages < 0:
            return []
        names = ["conv1", "bn1", "conv2", "bn2"]
        for i in range(1, self.frozen_stages + 1):
            names += ["layer1" if i == 1 else f"stage{i}", *([f"transition{i}"] if i < 4 else [])]
        return [getattr(self, name) for name in names]


def _conv_norm(in_channels: int, channels: int, norm: Norm, stride: int = 1, relu: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False), norm(channels)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def _exchange(widths: Sequence[int], *, source: int, target: int, norm: Norm) -> nn.Module:
    """The path from one branch to another: 1 x 1 and upsampling to a finer one, strided 3 x 3 to a coarser one."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            nn.Conv2d(widths[source], widths[target], 1, bias=False),
            norm(widths[target]),
            # A fixed factor, then a resize to the branch's own size: for odd sizes the two differ by a pixel.
            nn.Upsample(scale_factor=2 ** (source - target), mode="bilinear", align_corners=False),
        )
    steps = target - source
    return nn.Sequential(
        *(_conv_norm(widths[source], widths[source], norm, stride=2) for _ in range(steps - 1)),
        _conv_norm(widths[source], widths[target], norm, stride=2, relu=False),
    )


def _transition(old: Sequence[int], new: Sequence[int], norm: Norm) -> nn.ModuleList:
    """One layer per branch of the next stage; the branches that are new stride down from the last old one."""
    layers: list[nn.Module] = []
    for i, width in enumerate(new):
        if i < len(old):
            layers.append(nn.Identity() if width == old[i] else _conv_norm(old[i], width, norm))
            continue
        steps = i - len(old) + 1
        layers.append(
            nn.Sequential(
                *(_conv_norm(old[-1], width if step == steps - 1 else old[-1], norm, stride=2) for step in range(steps))
            )
        )
    return nn.ModuleList(layers)
