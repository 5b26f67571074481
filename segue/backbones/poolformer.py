"""PoolFormer (Yu et al. 2021, arXiv:2111.11418): a transformer whose attention is average pooling.

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
from segue.layers.recompute import in_turn
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class ArchOptions:
    """Blocks, width and ratio of the MLP's width per stage; what the scales of the branches start from."""

    layers: Sequence[int]
    embed_dims: Sequence[int]
    mlp_ratios: Sequence[float] = (4, 4, 4, 4)
    layer_scale_init_value: float = 1e-5


NARROW, WIDE = (64, 128, 320, 512), (96, 192, 384, 768)
ARCHS: dict[str, ArchOptions] = {
    "s12": ArchOptions(layers=(2, 2, 6, 2), embed_dims=NARROW),
    "s24": ArchOptions(layers=(4, 4, 12, 4), embed_dims=NARROW),
    "s36": ArchOptions(layers=(6, 6, 18, 6), embed_dims=NARROW, layer_scale_init_value=1e-6),
    "m36": ArchOptions(layers=(6, 6, 18, 6), embed_dims=WIDE, layer_scale_init_value=1e-6),
    "m48": ArchOptions(layers=(8, 8, 24, 8), embed_dims=WIDE, layer_scale_init_value=1e-6),
}
GN1 = Norm("GN", num_groups=1)


class PatchProjection(nn.Module):
    """A strided convolution."""

    def __init__(self, in_channels: int, channels: int, patch_size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, patch_size, stride=stride, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H / stride, W / stride)."""
        return self.proj(x)


class Pooling(nn.Module):
    """The mean of the neighborhood, without the position itself (equation 4)."""

    def __init__(self, pool_size: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(pool_size, stride=1, padding=pool_size // 2, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.pool(x) - x


class PointwiseMLP(nn.Module):
    """Two 1 x 1 convolutions."""

    def __init__(self, channels: int, hidden: int, act: Activation, drop: float) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.act = act()
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return in_turn(x, self.fc1, self.act, self.drop, self.fc2, self.drop)


class PoolFormerBlock(nn.Module):
    """Pooling and MLP on normalized maps, scaled per channel and added to them (equations 2 and 3)."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        *,
        pool_size: int,
        norm: Norm,
        act: Activation,
        drop: float,
        drop_path: float,
        layer_scale: float,
    ) -> None:
        super().__init__()
        self.norm1 = norm(channels)
        self.token_mixer = Pooling(pool_size)
        self.norm2 = norm(channels)
        self.mlp = PointwiseMLP(channels, hidden, act, drop)
        self.drop_path = DropPath(drop_path)
        self.layer_scale_1 = nn.Parameter(layer_scale * torch.ones(channels))
        self.layer_scale_2 = nn.Parameter(layer_scale * torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        x = x + self.drop_path(self.layer_scale_1[:, None, None] * self.token_mixer(self.norm1(x)))
        return x + self.drop_path(self.layer_scale_2[:, None, None] * self.mlp(self.norm2(x)))


class PoolFormer(nn.Module):
    """PoolFormer of four stages.

    Args:
        arch: ``s12``, ``s24``, ``s36``, ``m36`` or ``m48``, or a dict with ``layers`` and ``embed_dims`` per stage.
        in_channels: channels of the image.
        pool_size: side of the pooling.
        norm, act: of the blocks.
        in_patch_size, in_stride, in_pad: of the first convolution; ``down_...`` of those between stages.
        drop_rate, drop_path_rate: dropout of outputs, and of whole branches (grows linearly over the blocks).
        out_indices: entries of the network whose output is returned: 0, 2, 4 and 6 are the stages; -1: the last.
        frozen_stages: the first convolution (0) and this many entries of the network are not trained; -1: everything
            is. (With the default 0, as published, the first convolution keeps its pretrained weights.)

    Raises:
        InputError: unknown ``arch``; outputs that do not exist.
    """

    def __init__(
        self,
        arch: str | ArchOptions = "s12",
        *,
        in_channels: int = 3,
        pool_size: int = 3,
        norm: Norm = GN1,
        act: Activation = GELU,
        in_patch_size: int = 7,
        in_stride: int = 4,
        in_pad: int = 2,
        down_patch_size: int = 3,
        down_stride: int = 2,
        down_pad: int = 1,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(arch, str) and arch not in ARCHS:
            raise InputError(f"PoolFormer: arch={arch!r}; there are {', '.join(ARCHS)}")
        setting = ARCHS[arch] if isinstance(arch, str) else arch
        widths, count = setting.embed_dims, 2 * len(setting.layers) - 1
        indices = [out_indices] if isinstance(out_indices, int) else out_indices
        if not all(-count <= i < count for i in indices):
            raise InputError(f"PoolFormer: out_indices={tuple(indices)}, but the network has {count} entries")
        self.out_indices = [i % count for i in indices]
        self.frozen_stages = frozen_stages
        self.patch_embed = PatchProjection(in_channels, widths[0], in_patch_size, in_stride, in_pad)
        rates = iter(drop_path_rates(drop_path_rate, sum(setting.layers)))
        self.network = nn.ModuleList()
        for i, width in enumerate(widths):
            if i > 0:
                self.network.append(PatchProjection(widths[i - 1], width, down_patch_size, down_stride, down_pad))
            self.network.append(
                nn.Sequential(
                    *(
                        PoolFormerBlock(
                            width,
                            int(width * setting.mlp_ratios[i]),
                            pool_size=pool_size,
                            norm=norm,
                            act=act,
                            drop=drop_rate,
                            drop_path=next(rates),
                            layer_scale=setting.layer_scale_init_value,
                        )
                        for _ in range(setting.layers[i])
                    )
                )
            )
        for i in self.out_indices:
            self.add_module(f"norm{i}", norm(widths[(i + 1) // 2]))
        for module in self.modules():
            if isinstance(module, PointwiseMLP):
                for conv in (module.fc1, module.fc2):
                    nn.init.trunc_normal_(conv.weight, std=0.02)
                    zero(conv.bias)
        self._freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps; the stages are at 1/4, 1/8, 1/16 and 1/32."""
        x = self.patch_embed(x)
        outputs = []
        for i, part in enumerate(self.network):
            x = part(x)
            if i in self.out_indices:
                outputs.append(getattr(self, f"norm{i}")(x))
        return outputs

    def train(self, mode: bool = True) -> PoolFormer:
        """Set the mode; frozen parts stay in evaluation."""
        super().train(mode)
        self._freeze()
        return self

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        for module in [self.patch_embed, *list(self.network)[: self.frozen_stages]]:
            module.eval().requires_grad_(False)
