"""mmcv.ops: multi-scale deformable attention, and deformable convolutions, in plain PyTorch: right, but slow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.utils import _pair

from segue.compat.mmcv.attention_registries import ATTENTION
from segue.compat.mmcv.layers import CONVOLUTIONS
from segue.compat.mmengine.modules import BaseModule


def multi_scale_deformable_attn_pytorch(
    value: Tensor, value_spatial_shapes: Any, sampling_locations: Tensor, attention_weights: Tensor
) -> Tensor:
    """What is found at places of several maps, added up with weights.

    Args:
        value: (B, sum of H * W, heads, D).
        value_spatial_shapes: (H, W) of each map.
        sampling_locations: (B, N, heads, maps, points, 2), (x, y) in 0..1.
        attention_weights: (B, N, heads, maps, points).

    Returns:
        (B, N, heads * D).
    """
    b, _, heads, width = value.shape
    queries = sampling_locations.shape[1]
    sizes = [(int(h), int(w)) for h, w in value_spatial_shapes]
    grids = 2 * sampling_locations - 1
    out: Any = 0
    for level, part in enumerate(value.split([h * w for h, w in sizes], dim=1)):
        image = part.permute(0, 2, 3, 1).reshape(b * heads, width, *sizes[level])
        grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)
        found = F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        weights = attention_weights[:, :, :, level].transpose(1, 2).reshape(b * heads, 1, queries, -1)
        out = out + (found * weights).sum(-1)
    return out.view(b, heads * width, queries).transpose(1, 2).contiguous()


@ATTENTION.register_module()
class MultiScaleDeformableAttention(BaseModule):
    """Attention of queries to a few points of each of several maps (Deformable DETR)."""

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        num_levels: int = 4,
        num_points: int = 4,
        im2col_step: int = 64,
        dropout: float = 0.1,
        batch_first: bool = False,
        norm_cfg: Any = None,
        init_cfg: Any = None,
        value_proj_ratio: float = 1.0,
    ) -> None:
        super().__init__(init_cfg)
        if embed_dims % num_heads:
            raise ValueError(f"embed_dims must be divisible by num_heads, but got {embed_dims} and {num_heads}")
        self.norm_cfg, self.batch_first, self.im2col_step = norm_cfg, batch_first, im2col_step
        self.embed_dims, self.num_heads, self.num_levels, self.num_points = (
            embed_dims,
            num_heads,
            num_levels,
            num_points,
        )
        samples, width = num_heads * num_levels * num_points, int(embed_dims * value_proj_ratio)
        self.dropout = nn.Dropout(dropout)
        self.sampling_offsets = nn.Linear(embed_dims, samples * 2)
        self.attention_weights = nn.Linear(embed_dims, samples)
        self.value_proj = nn.Linear(embed_dims, width)
        self.output_proj = nn.Linear(width, embed_dims)
        self.init_weights()

    def init_weights(self) -> None:
        """Each head looks in a direction of its own, each point a pixel further; all weigh the same."""
        for layer in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        angles = torch.arange(self.num_heads, dtype=torch.float32) * (2 * math.pi / self.num_heads)
        ways = torch.stack([angles.cos(), angles.sin()], -1)
        ways = (ways / ways.abs().amax(-1, keepdim=True)).view(self.num_heads, 1, 1, 2)
        steps = torch.arange(1, self.num_points + 1).view(1, 1, -1, 1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_((ways * steps).expand(-1, self.num_levels, -1, -1).flatten())
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self._is_init = True

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        identity: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        reference_points: Tensor | None = None,
        spatial_shapes: Tensor | None = None,
        level_start_index: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Queries (N, B, C), or (B, N, C) with ``batch_first``, to the same.

        Args:
            query, value: tokens; those of ``value`` are maps of ``spatial_shapes`` (maps, 2), one after the other.
            reference_points: (B, N, maps, 2) points in 0..1, or (B, N, maps, 4) boxes.
        """
        if reference_points is None or spatial_shapes is None:
            raise TypeError("MultiScaleDeformableAttention needs reference_points and spatial_shapes")
        value = query if value is None else value
        identity = query if identity is None else identity
        query = query if query_pos is None else query + query_pos
        if not self.batch_first:
            query, value = query.transpose(0, 1), value.transpose(0, 1)
        b, n, _ = query.shape
        value = self.value_proj(value)
        if key_padding_mask is not None:
            value = value.masked_fill(key_padding_mask[..., None], 0.0)
        value = value.view(b, value.shape[1], self.num_heads, -1)
        offsets = self.sampling_offsets(query).view(b, n, self.num_heads, self.num_levels, self.num_points, 2)
        weights = self.attention_weights(query).view(b, n, self.num_heads, -1).softmax(-1)
        weights = weights.view(b, n, self.num_heads, self.num_levels, self.num_points)
        points = reference_points[:, :, None, :, None]
        if points.shape[-1] == 2:
            places = points + offsets / spatial_shapes.flip(-1)[None, None, None, :, None]
        elif points.shape[-1] == 4:
            places = points[..., :2] + offsets / self.num_points * points[..., 2:] * 0.5
        else:
            raise ValueError(f"Last dim of reference_points must be 2 or 4, but get {points.shape[-1]} instead.")
        out = self.output_proj(multi_scale_deformable_attn_pytorch(value, spatial_shapes, places, weights))
        out = out if self.batch_first else out.transpose(0, 1)
        return self.dropout(out) + identity


def modulated_deform_conv2d(
    input: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    deform_groups: int = 1,
) -> Tensor:
    """A convolution whose taps are read at offset places, each with a factor (Deformable ConvNets v2).

    Args:
        input: (B, C, H, W).
        offset: (B, deform_groups * kh * kw * 2, H', W'), y before x.
        mask: (B, deform_groups * kh * kw, H', W'), or None for ones.
        weight: (C', C / groups, kh, kw).

    Returns:
        (B, C', H', W').
    """
    (sy, sx), (py, px), (dy, dx) = _pair(stride), _pair(padding), _pair(dilation)
    b, c, height, width = input.shape
    kh, kw = weight.shape[2:]
    rows, columns = offset.shape[2:]
    offset = offset.view(b * deform_groups, kh * kw, 2, rows, columns)
    like: dict[str, Any] = {"device": input.device, "dtype": input.dtype}
    tap_y, tap_x = torch.meshgrid(torch.arange(kh, **like) * dy, torch.arange(kw, **like) * dx, indexing="ij")
    y = torch.arange(rows, **like).view(-1, 1) * sy - py + tap_y.reshape(-1, 1, 1) + offset[:, :, 0]
    x = torch.arange(columns, **like).view(1, -1) * sx - px + tap_x.reshape(-1, 1, 1) + offset[:, :, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)  # pixel centers
    maps = input.reshape(b * deform_groups, c // deform_groups, height, width)
    taps = F.grid_sample(maps, grid.flatten(2, 3), align_corners=False)  # zeros outside
    if mask is not None:
        taps = taps * mask.reshape(b * deform_groups, 1, kh * kw, rows * columns)
    taps = taps.reshape(b, groups, c // groups * kh * kw, rows * columns)
    filters = weight.reshape(groups, weight.shape[0] // groups, -1)
    out = torch.einsum("gok,bgkn->bgon", filters, taps).reshape(b, weight.shape[0], rows, columns)
    return out if bias is None else out + bias.view(1, -1, 1, 1)


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    deform_groups: int = 1,
    bias: bool = False,
    im2col_step: int = 32,
) -> Tensor:
    """The same without factors (Deformable ConvNets v1)."""
    if bias:
        raise AssertionError("Only support bias is False.")
    return modulated_deform_conv2d(input, offset, None, weight, None, stride, padding, dilation, groups, deform_groups)


class _Deform(nn.Module):
    modulated: bool

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.groups, self.deform_groups = (
            in_channels, out_channels, groups, deform_groups,
        )  # fmt: skip
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding, self.dilation = _pair(padding), _pair(dilation)
        self.transposed, self.output_padding = False, (0, 0)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        bound = (in_channels * math.prod(self.kernel_size)) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def _run(self, x: Tensor, offset: Tensor, mask: Tensor | None) -> Tensor:
        return modulated_deform_conv2d(
            x, offset, mask, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups,
            self.deform_groups,
        )  # fmt: skip

    def _offsets(self, taps: int) -> nn.Conv2d:
        count = self.deform_groups * taps * math.prod(self.kernel_size)
        conv = nn.Conv2d(self.in_channels, count, self.kernel_size, self.stride, self.padding, self.dilation, bias=True)
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        return conv


class DeformConv2d(_Deform):
    """Deformable ConvNets v1; the offsets are given."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = False,
        im2col_step: int = 32,
    ) -> None:
        if bias:
            raise AssertionError("bias=True is not supported in DeformConv2d.")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, deform_groups, bias)

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        """(B, in_channels, H, W) and offsets to (B, out_channels, H', W')."""
        return self._run(x, offset, None)


class DeformConv2dPack(DeformConv2d):
    """The same with offsets from a convolution of its own, which starts at zero."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conv_offset = self._offsets(2)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        return self._run(x, self.conv_offset(x), None)


class ModulatedDeformConv2d(_Deform):
    """Deformable ConvNets v2; offsets and factors are given."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool | str = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, deform_groups, bool(bias)
        )

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """(B, in_channels, H, W), offsets and factors to (B, out_channels, H', W')."""
        return self._run(x, offset, mask)


class ModulatedDeformConv2dPack(ModulatedDeformConv2d):
    """The same with offsets and factors from a convolution of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conv_offset = self._offsets(3)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """(B, in_channels, H, W) to (B, out_channels, H', W')."""
        rows, columns, mask = self.conv_offset(x).chunk(3, dim=1)
        return self._run(x, torch.cat([rows, columns], dim=1), mask.sigmoid())


def register_convolutions(names: Sequence[str] = ("DCN", "DCNv2")) -> None:
    """``conv_cfg=dict(type='DCN')`` and ``'DCNv2'`` build these classes."""
    CONVOLUTIONS.update(dict(zip(names, (DeformConv2dPack, ModulatedDeformConv2dPack), strict=True)))


register_convolutions()
