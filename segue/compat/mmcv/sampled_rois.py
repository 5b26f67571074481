"""mmcv.ops of regions that are turned, moved, bordered or integrated, in plain PyTorch; see also `rois`."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair


def values_at(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear values of (C, H, W) at points (...): (C, ...); 0 further out than a pixel, the border's within it."""
    height, width = image.shape[1:]
    known = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    (top, bottom, down), (left, right, across) = _between(y, height), _between(x, width)
    upper = image[:, top, left] * (1 - across) + image[:, top, right] * across
    lower = image[:, bottom, left] * (1 - across) + image[:, bottom, right] * across
    return (upper * (1 - down) + lower * down) * known.to(image)


def _between(place: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    place = place.clamp(min=0)
    low = place.detach().floor().long().clamp(max=side - 1)
    high = (low + 1).clamp(max=side - 1)
    return low, high, torch.where(low >= side - 1, torch.zeros_like(place), place - low)


def _steps(count: int, inner: int, like: Tensor) -> Tensor:
    """Places of ``inner`` points in each of ``count`` bins of side 1: (count, inner)."""
    return torch.arange(count, device=like.device)[:, None] + (torch.arange(inner, device=like.device) + 0.5) / inner


def roi_align_rotated(
    input: Tensor,
    rois: Tensor,
    output_size: Any,
    spatial_scale: float,
    sampling_ratio: int = 0,
    aligned: bool = True,
    clockwise: bool = False,
) -> Tensor:
    """Turned regions of maps, read at points between pixels.

    Args:
        input: (B, C, H, W).
        rois: (N, 6): the image's index, then center, width, height, and angle in radians.
        output_size: (height, width) of a region.
        sampling_ratio: points per side of a bin; 0: about one per pixel.
        aligned: pixel centers are at half numbers.
        clockwise: the sense of the angle in the picture.

    Returns:
        (N, C, height, width).
    """
    rows, columns = _pair(output_size)
    out = []
    for roi in rois:
        x, y = roi[1:3] * spatial_scale - (0.5 if aligned else 0)
        width, height = roi[3:5] * spatial_scale
        if not aligned:
            width, height = width.clamp(min=1), height.clamp(min=1)
        angle = -roi[5] if clockwise else roi[5]
        down = sampling_ratio or max(math.ceil(float(height) / rows), 1)
        across = sampling_ratio or max(math.ceil(float(width) / columns), 1)
        v = (_steps(rows, down, roi) / rows - 0.5)[:, None, :, None] * height
        u = (_steps(columns, across, roi) / columns - 0.5)[None, :, None, :] * width
        v, u = torch.broadcast_tensors(v, u)
        read = values_at(
            input[int(roi[0])], v * angle.cos() - u * angle.sin() + y, v * angle.sin() + u * angle.cos() + x
        )
        out.append(read.mean((-1, -2)))
    return torch.stack(out) if out else input.new_zeros(0, input.shape[1], rows, columns)


class RoIAlignRotated(nn.Module):
    """`roi_align_rotated` as a module."""

    def __init__(
        self,
        output_size: Any,
        spatial_scale: float,
        sampling_ratio: int = 0,
        aligned: bool = True,
        clockwise: bool = False,
    ) -> None:
        super().__init__()
        self.output_size, self.spatial_scale, self.sampling_ratio = _pair(output_size), spatial_scale, sampling_ratio
        self.aligned, self.clockwise = aligned, clockwise

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """(B, C, H, W) and (N, 6) to (N, C, height, width)."""
        options = self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned, self.clockwise
        return roi_align_rotated(input, rois, *options)


def prroi_pool(features: Tensor, rois: Tensor, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """The mean of the bilinear surface over each bin, by its integral (arXiv:1807.11590).

    (B, C, H, W) and rois (N, 5) to (N, C, height, width); 0 outside the map.
    """
    rows, columns = _pair(output_size)
    out = []
    for roi in rois:
        x1, y1, x2, y2 = roi[1:] * spatial_scale
        down = _integrals(y1, (y2 - y1).clamp(min=0) / rows, rows, features.shape[2])
        across = _integrals(x1, (x2 - x1).clamp(min=0) / columns, columns, features.shape[3])
        size = (y2 - y1).clamp(min=0) * (x2 - x1).clamp(min=0) / (rows * columns)
        total = torch.einsum("rh,chw,sw->crs", down, features[int(roi[0])], across)
        out.append(torch.where(size > 0, total / size.clamp(min=1e-12), torch.zeros_like(total)))
    return torch.stack(out) if out else features.new_zeros(0, features.shape[1], rows, columns)


def _integrals(start: Tensor, step: Tensor, count: int, side: int) -> Tensor:
    """Integrals of each pixel's hat function over each bin: (count, side)."""
    edges = start + step * torch.arange(count + 1, device=start.device)
    away = (edges[:, None] - torch.arange(side, device=start.device)).clamp(-1, 1)
    up_to = torch.where(away < 0, (away + 1) ** 2 / 2, 1 - (1 - away) ** 2 / 2)
    return up_to[1:] - up_to[:-1]


class PrRoIPool(nn.Module):
    """`prroi_pool` as a module."""

    def __init__(self, output_size: Any, spatial_scale: float = 1.0) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = _pair(output_size), float(spatial_scale)

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """(B, C, H, W) and (N, 5) to (N, C, height, width)."""
        return prroi_pool(features, rois, self.output_size, self.spatial_scale)


def border_align(input: Tensor, boxes: Tensor, pool_size: int) -> Tensor:
    """The largest value along each side of boxes (arXiv:2007.11056).

    Args:
        input: (B, 4 C, H, W): C channels for each of top, left, bottom and right.
        boxes: (B, N, 4), x1, y1, x2, y2.
        pool_size: the side is read at one point more.

    Returns:
        (B, C, N, 4).
    """
    if input.shape[1] % 4:
        raise AssertionError(f"{input.shape[1]} channels: a quarter for each side of a box is expected")
    t = torch.arange(pool_size + 1, device=input.device) / pool_size
    x1, y1, x2, y2 = (part[..., None] for part in boxes.unbind(-1))
    along_x, along_y = x1 + (x2 - x1) * t, y1 + (y2 - y1) * t
    sides = [(y1.expand_as(along_x), along_x), (along_y, x1.expand_as(along_y))]
    sides += [(y2.expand_as(along_x), along_x), (along_y, x2.expand_as(along_y))]
    parts = input.chunk(4, 1)
    out = []
    for part, (y, x) in zip(parts, sides, strict=True):
        out.append(torch.stack([values_at(image, y[i], x[i]).amax(-1) for i, image in enumerate(part)]))
    return torch.stack(out, -1)


class BorderAlign(nn.Module):
    """`border_align` as a module."""

    def __init__(self, pool_size: int) -> None:
        super().__init__()
        self.pool_size = pool_size

    def forward(self, input: Tensor, boxes: Tensor) -> Tensor:
        """(B, 4 C, H, W) and (B, N, 4) to (B, C, N, 4)."""
        return border_align(input, boxes, self.pool_size)


def deform_roi_pool(
    input: Tensor,
    rois: Tensor,
    offset: Tensor | None,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    gamma: float = 0.1,
) -> Tensor:
    """Regions (N, 5) whose bins are moved by ``offset`` (N, 2, height, width), x and y, in parts ``gamma`` of the
    region's sides (arXiv:1811.11168): (N, C, height, width).
    """
    rows, columns = _pair(output_size)
    out = []
    for index, roi in enumerate(rois):
        x1, y1, x2, y2 = roi[1:] * spatial_scale - 0.5
        width, height = x2 - x1, y2 - y1
        down = sampling_ratio or max(math.ceil(float(height) / rows), 1)
        across = sampling_ratio or max(math.ceil(float(width) / columns), 1)
        y = (y1 + _steps(rows, down, roi) * height / rows)[:, None, :, None]
        x = (x1 + _steps(columns, across, roi) * width / columns)[None, :, None, :]
        y, x = torch.broadcast_tensors(y, x)
        if offset is not None and offset.numel():
            x = x + gamma * width * offset[index, 0][..., None, None]
            y = y + gamma * height * offset[index, 1][..., None, None]
        out.append(values_at(input[int(roi[0])], y, x).mean((-1, -2)))
    return torch.stack(out) if out else input.new_zeros(0, input.shape[1], rows, columns)


class DeformRoIPool(nn.Module):
    """`deform_roi_pool` as a module."""

    def __init__(
        self, output_size: Any, spatial_scale: float = 1.0, sampling_ratio: int = 0, gamma: float = 0.1
    ) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = _pair(output_size), float(spatial_scale)
        self.sampling_ratio, self.gamma = int(sampling_ratio), float(gamma)

    def forward(self, input: Tensor, rois: Tensor, offset: Tensor | None = None) -> Tensor:
        """(B, C, H, W), (N, 5) and offsets to (N, C, height, width)."""
        options = self.output_size, self.spatial_scale, self.sampling_ratio, self.gamma
        return deform_roi_pool(input, rois, offset, *options)


class DeformRoIPoolPack(DeformRoIPool):
    """Finds the offsets itself, from the region before; at first they are zero."""

    def __init__(
        self,
        output_size: Any,
        output_channels: int,
        deform_fc_channels: int = 1024,
        spatial_scale: float = 1.0,
        sampling_ratio: int = 0,
        gamma: float = 0.1,
    ) -> None:
        super().__init__(output_size, spatial_scale, sampling_ratio, gamma)
        self.output_channels, self.deform_fc_channels = output_channels, deform_fc_channels
        bins = self.output_size[0] * self.output_size[1]
        self.offset_fc = nn.Sequential(
            nn.Linear(bins * output_channels, deform_fc_channels),
            nn.ReLU(inplace=True),
            nn.Linear(deform_fc_channels, deform_fc_channels),
            nn.ReLU(inplace=True),
            nn.Linear(deform_fc_channels, bins * 2),
        )
        _start_at_zero(self.offset_fc[-1])

    def forward(self, input: Tensor, rois: Tensor, offset: Tensor | None = None) -> Tensor:
        """(B, C, H, W) and (N, 5) to (N, C, height, width)."""
        fixed = super().forward(input, rois)
        return super().forward(input, rois, self.offset_fc(fixed.flatten(1)).view(len(rois), 2, *self.output_size))


class ModulatedDeformRoIPoolPack(DeformRoIPoolPack):
    """Weighs each bin, too."""

    def __init__(
        self,
        output_size: Any,
        output_channels: int,
        deform_fc_channels: int = 1024,
        spatial_scale: float = 1.0,
        sampling_ratio: int = 0,
        gamma: float = 0.1,
    ) -> None:
        super().__init__(output_size, output_channels, deform_fc_channels, spatial_scale, sampling_ratio, gamma)
        bins = self.output_size[0] * self.output_size[1]
        self.mask_fc = nn.Sequential(
            nn.Linear(bins * output_channels, deform_fc_channels),
            nn.ReLU(inplace=True),
            nn.Linear(deform_fc_channels, bins),
            nn.Sigmoid(),
        )
        _start_at_zero(self.mask_fc[2])

    def forward(self, input: Tensor, rois: Tensor, offset: Tensor | None = None) -> Tensor:
        """(B, C, H, W) and (N, 5) to (N, C, height, width)."""
        fixed = DeformRoIPool.forward(self, input, rois)
        weights = self.mask_fc(fixed.flatten(1)).view(len(rois), 1, *self.output_size)
        return super().forward(input, rois) * weights


def _start_at_zero(layer: nn.Module) -> None:
    """A linear layer whose first outputs are zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
