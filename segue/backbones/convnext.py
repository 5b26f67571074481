"""ConvNeXt (Liu et al. 2022, arXiv:2201.03545) and V2 (Woo et al. 2023, arXiv:2301.00808: ``use_grn``).

The names of parameters are mmpretrain's, whose configs and weights these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.drop_path import DropPath, drop_path_rates
from segue.layers.ffn import GELU
from segue.layers.initialize import zero
from segue.layers.norm import Norm
from segue.layers.recompute import in_turn, recompute
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class ArchOptions:
    """Blocks and width of each stage."""

    depths: Sequence[int]
    channels: Sequence[int]


ARCHS: dict[str, ArchOptions] = {
    name: ArchOptions(depths=depths, channels=channels)
    for name, depths, channels in (
        ("atto", (2, 2, 6, 2), (40, 80, 160, 320)),
        ("femto", (2, 2, 6, 2), (48, 96, 192, 384)),
        ("pico", (2, 2, 6, 2), (64, 128, 256, 512)),
        ("nano", (2, 2, 8, 2), (80, 160, 320, 640)),
        ("tiny", (3, 3, 9, 3), (96, 192, 384, 768)),
        ("small", (3, 3, 27, 3), (96, 192, 384, 768)),
        ("base", (3, 3, 27, 3), (128, 256, 512, 1024)),
        ("large", (3, 3, 27, 3), (192, 384, 768, 1536)),
        ("xlarge", (3, 3, 27, 3), (256, 512, 1024, 2048)),
        ("huge", (3, 3, 27, 3), (352, 704, 1408, 2816)),
    )
}
LN2D = Norm("LN2d", eps=1e-6)


class GlobalResponseNorm(nn.Module):
    """Channels scaled by how strong they are among all, over the whole map (V2, algorithm 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to the same shape."""
        strength: Tensor = x.norm(p=2, dim=(1, 2), keepdim=True)
        relative = strength / (strength.mean(dim=-1, keepdim=True) + 1e-6)
        return self.gamma * (x * relative) + self.beta + x


class ConvNeXtBlock(nn.Module):
    """7 x 7 convolution per channel, normalization, MLP, scale per channel; and the input added (figure 4)."""

    def __init__(
        self,
        channels: int,
        *,
        act: Activation,
        norm: Norm,
        linear_pw_conv: bool,
        drop_path: float,
        layer_scale: float,
        use_grn: bool,
        with_cp: bool,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.linear_pw_conv = linear_pw_conv
        self.depthwise_conv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = norm(channels)
        if linear_pw_conv:
            self.pointwise_conv1: nn.Module = nn.Linear(channels, 4 * channels)
            self.pointwise_conv2: nn.Module = nn.Linear(4 * channels, channels)
        else:
            self.pointwise_conv1 = nn.Conv2d(channels, 4 * channels, 1)
            self.pointwise_conv2 = nn.Conv2d(4 * channels, channels, 1)
        self.act = act()
        self.grn = GlobalResponseNorm(4 * channels) if use_grn else None
        self.gamma = nn.Parameter(layer_scale * torch.ones(channels)) if layer_scale > 0 else None
        self.drop_path = DropPath(drop_path)

    def _mlp(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        x = self.norm(x)
        if self.linear_pw_conv:
            x = x.movedim(1, -1)
        if self.grn is None:
            x = in_turn(x, self.pointwise_conv1, self.act, self.pointwise_conv2)
        else:
            x = self.act(self.pointwise_conv1(x))
            x = self.grn(x) if self.linear_pw_conv else self.grn(x.movedim(1, -1)).movedim(-1, 1)
            x = self.pointwise_conv2(x)
        return x.movedim(-1, 1) if self.linear_pw_conv else x

    def _forward(self, x: Tensor) -> Tensor:
        branch = self._mlp(self.depthwise_conv(x))
        if self.gamma is not None:
            branch = branch * self.gamma[:, None, None]
        return x + self.drop_path(branch)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        if self.with_cp and x.requires_grad:
            return recompute(self._forward, x)
        return self._forward(x)


class ConvNeXt(nn.Module):
    """ConvNeXt of four stages.

    Args:
        arch: ``atto`` to ``huge``, or a dict of ``depths`` and ``channels`` per stage.
        in_channels: channels of the image.
        stem_patch_size: side and stride of the first convolution.
        norm, act: of the blocks.
        linear_pw_conv: 1 x 1 convolutions as linear layers, which changes the shape of their weights only.
        use_grn: V2's normalization in the MLPs; set ``layer_scale_init_value=0`` with it.
        drop_path_rate: dropout of whole branches; grows linearly over the blocks.
        layer_scale_init_value: what the scales of the branches start from; 0: there are none.
        out_indices: stages whose output is returned; -1: the last.
        frozen_stages: this many stages are not trained.
        gap_before_final_norm: average each map to one vector, for classification; not for segmentation.
        with_cp: recompute blocks in the backward pass, to save memory.

    Raises:
        InputError: unknown ``arch``; outputs that do not exist or are no maps.
    """

    def __init__(
        self,
        arch: str | ArchOptions = "tiny",
        *,
        in_channels: int = 3,
        stem_patch_size: int = 4,
        norm: Norm = LN2D,
        act: Activation = GELU,
        linear_pw_conv: bool = True,
        use_grn: bool = False,
        drop_path_rate: float = 0.0,
        layer_scale_init_value: float = 1e-6,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = 0,
        gap_before_final_norm: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(arch, str) and arch not in ARCHS:
            raise InputError(f"ConvNeXt: arch={arch!r}; there are {', '.join(ARCHS)}")
        if gap_before_final_norm:
            raise InputError("ConvNeXt: gap_before_final_norm=True gives vectors, not maps; set it to False")
        setting = ARCHS[arch] if isinstance(arch, str) else arch
        stages = len(setting.depths)
        indices = [out_indices] if isinstance(out_indices, int) else out_indices
        if len(setting.channels) != stages or not all(-stages <= i < stages for i in indices):
            raise InputError(f"ConvNeXt: {setting} with out_indices={tuple(indices)}")
        self.out_indices = [i % stages for i in indices]
        self.frozen_stages = frozen_stages
        rates = iter(drop_path_rates(drop_path_rate, sum(setting.depths)))
        self.downsample_layers = nn.ModuleList()
        self.stages = nn.ModuleList()
        previous = in_channels
        for i, width in enumerate(setting.channels):
            if i == 0:
                layers = [nn.Conv2d(previous, width, stem_patch_size, stride=stem_patch_size), norm(width)]
            else:
                layers = [norm(previous), nn.Conv2d(previous, width, 2, stride=2)]
            self.downsample_layers.append(nn.Sequential(*layers))
            blocks = [
                ConvNeXtBlock(
                    width,
                    act=act,
                    norm=norm,
                    linear_pw_conv=linear_pw_conv,
                    drop_path=next(rates),
                    layer_scale=layer_scale_init_value,
                    use_grn=use_grn,
                    with_cp=with_cp,
                )
                for _ in range(setting.depths[i])
            ]
            self.stages.append(nn.Sequential(*blocks))
            if i in self.out_indices:
                self.add_module(f"norm{i}", norm(width))
            previous = width
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, std=0.02)
                zero(module.bias)
        self._freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps at 1/4, 1/8, 1/16 and 1/32."""
        outputs = []
        for i, (downsample, blocks) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            x = blocks(downsample(x))
            if i in self.out_indices:
                outputs.append(getattr(self, f"norm{i}")(x))
        return outputs

    def train(self, mode: bool = True) -> ConvNeXt:
        """Set the mode; frozen stages stay in evaluation."""
        super().train(mode)
        self._freeze()
        return self

    def _freeze(self) -> None:
        for i in range(self.frozen_stages):
            self.downsample_layers[i].eval().requires_grad_(False)
            self.stages[i].eval().requires_grad_(False)
