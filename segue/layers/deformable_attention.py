"""Multi-scale deformable attention (Deformable DETR, arXiv:2010.04159, section 4.1), in plain PyTorch.

Every query looks at a few points of each feature map, at learned offsets from its own place, and adds up what it finds
there with learned weights: equation 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.types import Size


@dataclass(frozen=True, kw_only=True)
class DeformableAttentionOptions:
    """The arguments of a config.

    Attributes:
        embed_dims, num_heads: width of the tokens and number of heads.
        num_levels, num_points: feature maps, and points in each that one head of a query looks at.
        dropout: of the output.
        im2col_step, batch_first: mean nothing here; the reference's kernel has them.
    """

    embed_dims: int = 256
    num_heads: int = 8
    num_levels: int = 4
    num_points: int = 4
    dropout: float = 0.1
    im2col_step: int = 64
    batch_first: bool = True


class MultiScaleDeformableAttention(nn.Module):
    """Attention of tokens to points of several feature maps.

    Raises:
        InputError: heads that do not divide the width.
    """

    def __init__(self, options: DeformableAttentionOptions) -> None:
        super().__init__()
        width, heads = options.embed_dims, options.num_heads
        if width % heads:
            raise InputError(f"deformable attention: num_heads={heads} must divide embed_dims={width}")
        self.num_heads, self.num_levels, self.num_points = heads, options.num_levels, options.num_points
        samples = heads * options.num_levels * options.num_points
        self.sampling_offsets = nn.Linear(width, 2 * samples)
        self.attention_weights = nn.Linear(width, samples)
        self.value_proj = nn.Linear(width, width)
        self.output_proj = nn.Linear(width, width)
        self.dropout = nn.Dropout(options.dropout)
        self.initialize()

    def initialize(self) -> None:
        """Every head starts looking in its own direction, at its i-th point i pixels away, with equal weights."""
        for layer in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(layer.weight)
        angle = 2 * math.pi / self.num_heads * torch.arange(self.num_heads, dtype=torch.float32)
        direction = torch.stack([angle.cos(), angle.sin()], dim=1)
        direction = direction / direction.abs().amax(dim=1, keepdim=True)
        steps = torch.arange(1, self.num_points + 1).view(1, 1, -1, 1)
        offsets = (direction.view(-1, 1, 1, 2) * steps).expand(-1, self.num_levels, -1, -1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.flatten())
        nn.init.zeros_(self.attention_weights.bias)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, query: Tensor, value: Tensor, places: Tensor, sizes: Sequence[Size]) -> Tensor:
        """Queries (B, N, C) at places (N, 2) and values (B, M, C) to (B, N, C).

        A place is (x, y) in units of width and height. ``value`` holds the tokens of maps of the given sizes, row by
        row, one map after the other.
        """
        b, n, _ = query.shape
        heads, points = self.num_heads, self.num_points
        # In float32 whatever the precision of training: half a pixel of a large map is less than float16 resolves.
        offsets = self.sampling_offsets(query).float().view(b, n, heads, self.num_levels, points, 2)
        weights = self.attention_weights(query).view(b, n, heads, self.num_levels * points).softmax(dim=-1)
        weights = weights.view(b, n, heads, self.num_levels, points).permute(3, 0, 2, 1, 4).flatten(1, 2)
        maps = torch.split(self.value_proj(value), [h * w for h, w in sizes], dim=1)
        found: list[Tensor] = []
        for level, (size, tokens) in enumerate(zip(sizes, maps, strict=True)):
            away = offsets[:, :, :, level]
            away = torch.stack([away[..., 0] / size[1], away[..., 1] / size[0]], dim=-1)  # a tensor of sizes fixes them
            grid = places.view(1, n, 1, 1, 2) + away
            grid = (2 * grid - 1).transpose(1, 2).flatten(0, 1)  # (B * heads, N, points, 2)
            tokens = tokens.float().transpose(1, 2).reshape(b * heads, -1, *size)
            sampled = F.grid_sample(tokens, grid, align_corners=False)  # (B * heads, D, N, points)
            found.append((sampled * weights[level].unsqueeze(1)).sum(dim=-1))
        gathered = torch.unflatten(torch.stack(found).sum(dim=0), 0, (b, heads)).flatten(1, 2)
        return self.dropout(self.output_proj(gathered.transpose(1, 2).to(query.dtype)))


def grid_places(sizes: Sequence[Size], like: Tensor) -> Tensor:
    """The centers (x, y) of the pixels of maps of several sizes, row by row: (sum of H * W, 2) float32, 0 to 1."""
    places = []
    for h, w in sizes:
        y = (torch.arange(h, device=like.device, dtype=torch.float32) + 0.5) / h
        x = (torch.arange(w, device=like.device, dtype=torch.float32) + 0.5) / w
        places.append(torch.stack([x.expand(h, -1), y[:, None].expand(-1, w)], dim=2).flatten(0, 1))
    return torch.cat(places)
