"""MSCAN, the encoder of SegNeXt (Guo et al. 2022, arXiv:2209.08575): attention made of strip convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.drop_path import DropPath, drop_path_rates
from segue.layers.ffn import GELU
from segue.layers.initialize import initialize_transformer
from segue.layers.norm import BN, Norm
from segue.layers.patch_embed import to_map, to_tokens
from segue.layers.recompute import in_turn
from segue.types import Activation

Kernels = Sequence[int | Sequence[int]]


class Stem(nn.Module):
    """Two 3 x 3 convolutions of stride 2."""

    def __init__(self, in_channels: int, channels: int, act: Activation, norm: Norm) -> None:
        super().__init__()
        self.proj = nn.Sequential(
            nn.Conv2d(in_channels, channels // 2, 3, stride=2, padding=1),
            norm(channels // 2),
            act(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1),
            norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H / 4, W / 4)."""
        return self.proj(x)


class Downsample(nn.Module):
    """A 3 x 3 convolution of stride 2, normalized."""

    def __init__(self, in_channels: int, channels: int, norm: Norm) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, 3, stride=2, padding=1)
        self.norm = norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H / 2, W / 2)."""
        return self.norm(self.proj(x))


class MultiScaleAttention(nn.Module):
    """Weights for each channel and position, from convolutions of several widths (equations 1 and 2).

    Args:
        channels: of the map.
        kernels, paddings: the first of a square convolution; the others (1, k) of pairs of strips, 1 x k and k x 1.
    """

    def __init__(self, channels: int, kernels: Kernels, paddings: Kernels) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, _pair(kernels[0]), padding=_pair(paddings[0]), groups=channels)
        for i, (kernel, padding) in enumerate(zip(kernels[1:], paddings[1:], strict=True)):
            k, p = _pair(kernel), _pair(padding)
            self.add_module(f"conv{i}_1", nn.Conv2d(channels, channels, k, padding=p, groups=channels))
            self.add_module(f"conv{i}_2", nn.Conv2d(channels, channels, k[::-1], padding=p[::-1], groups=channels))
        self.branches = len(kernels) - 1
        self.conv3 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        base = self.conv0(x)
        total = base
        for i in range(self.branches):
            total = total + getattr(self, f"conv{i}_2")(getattr(self, f"conv{i}_1")(base))
        return self.conv3(total) * x


class SpatialAttention(nn.Module):
    """The attention between two 1 x 1 convolutions, and the input added."""

    def __init__(self, channels: int, kernels: Kernels, paddings: Kernels, act: Activation) -> None:
        super().__init__()
        self.proj_1 = nn.Conv2d(channels, channels, 1)
        self.activation = act()
        self.spatial_gating_unit = MultiScaleAttention(channels, kernels, paddings)
        self.proj_2 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return x + self.proj_2(self.spatial_gating_unit(self.activation(self.proj_1(x))))


class ConvMLP(nn.Module):
    """MLP of 1 x 1 convolutions with a 3 x 3 convolution per channel between."""

    def __init__(self, channels: int, hidden: int, act: Activation, drop: float) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.act = act()
        self.fc2 = nn.Conv2d(hidden, channels, 1)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return in_turn(x, self.fc1, self.dwconv, self.act, self.drop, self.fc2, self.drop)


class MSCABlock(nn.Module):
    """Attention and MLP on normalized maps, scaled per channel and added to them (figure 2a)."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        *,
        kernels: Kernels,
        paddings: Kernels,
        drop: float,
        drop_path: float,
        act: Activation,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.norm1 = norm(channels)
        self.attn = SpatialAttention(channels, kernels, paddings, act)
        self.norm2 = norm(channels)
        self.mlp = ConvMLP(channels, hidden, act, drop)
        self.drop_path = DropPath(drop_path)
        self.layer_scale_1 = nn.Parameter(1e-2 * torch.ones(channels))
        self.layer_scale_2 = nn.Parameter(1e-2 * torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        x = x + self.drop_path(self.layer_scale_1[:, None, None] * self.attn(self.norm1(x)))
        return x + self.drop_path(self.layer_scale_2[:, None, None] * self.mlp(self.norm2(x)))


class MSCAN(nn.Module):
    """Multi-scale convolutional attention network.

    Args:
        in_channels: channels of the image.
        embed_dims, mlp_ratios, depths: per stage: width, width of the MLPs over it, number of blocks.
        drop_rate, drop_path_rate: dropout of outputs, and of whole branches (grows linearly over the blocks).
        num_stages: number of stages.
        attention_kernel_sizes, attention_kernel_paddings: see ``MultiScaleAttention``.
        act, norm: of the blocks.

    Raises:
        InputError: arguments per stage that do not fit ``num_stages``.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        embed_dims: Sequence[int] = (64, 128, 256, 512),
        mlp_ratios: Sequence[float] = (4, 4, 4, 4),
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        depths: Sequence[int] = (3, 4, 6, 3),
        num_stages: int = 4,
        attention_kernel_sizes: Kernels = (5, (1, 7), (1, 11), (1, 21)),
        attention_kernel_paddings: Kernels = (2, (0, 3), (0, 5), (0, 10)),
        act: Activation = GELU,
        norm: Norm = BN,
    ) -> None:
        super().__init__()
        for key, value in (("embed_dims", embed_dims), ("mlp_ratios", mlp_ratios), ("depths", depths)):
            if len(value) < num_stages:
                raise InputError(f"MSCAN: {key} has {len(value)} values; num_stages={num_stages} needs {num_stages}")
        self.num_stages = num_stages
        rates = iter(drop_path_rates(drop_path_rate, sum(depths)))
        for i, width in enumerate(embed_dims[:num_stages]):
            embed = Stem(in_channels, width, act, norm) if i == 0 else Downsample(embed_dims[i - 1], width, norm)
            blocks = nn.ModuleList(
                MSCABlock(
                    width,
                    int(mlp_ratios[i] * width),
                    kernels=attention_kernel_sizes,
                    paddings=attention_kernel_paddings,
                    drop=drop_rate,
                    drop_path=next(rates),
                    act=act,
                    norm=norm,
                )
                for _ in range(depths[i])
            )
            self.add_module(f"patch_embed{i + 1}", embed)
            self.add_module(f"block{i + 1}", blocks)
            self.add_module(f"norm{i + 1}", nn.LayerNorm(width))
        initialize_transformer(self)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to feature maps at 1/4, 1/8, 1/16 and 1/32."""
        outputs = []
        for i in range(1, self.num_stages + 1):
            x = getattr(self, f"patch_embed{i}")(x)
            for block in getattr(self, f"block{i}"):
                x = block(x)
            x = to_map(getattr(self, f"norm{i}")(to_tokens(x)), (x.shape[2], x.shape[3]))
            outputs.append(x)
        return outputs


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
