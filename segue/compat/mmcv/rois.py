"""mmcv.ops of regions of maps: pooling, and reading at points, in plain PyTorch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.utils import _pair


def _read(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear values of (C, H, W) at (R,) x (S,); 0 further out than a pixel, the border's within it: (C, R, S)."""
    height, width = image.shape[1:]
    rows, columns = _corners(y, height), _corners(x, width)
    out: Any = 0
    for row, by in rows:
        for column, across in columns:
            out = out + image[:, row][:, :, column] * (by[:, None] * across[None])
    return out


def _corners(place: Tensor, side: int) -> list[tuple[Tensor, Tensor]]:
    inside = ((place >= -1) & (place <= side)).to(place.dtype)
    place = place.clamp(min=0)
    low = place.floor().long().clamp(max=side - 1)
    high = (low + 1).clamp(max=side - 1)
    part = torch.where(low >= side - 1, torch.zeros_like(place), place - low)
    return [(low, (1 - part) * inside), (high, part * inside)]


def roi_align(
    input: Tensor,
    rois: Tensor,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    pool_mode: str = "avg",
    aligned: bool = True,
) -> Tensor:
    """Regions of maps, read at points between pixels.

    Args:
        input: (B, C, H, W).
        rois: (N, 5): the image's index, then x1, y1, x2, y2.
        output_size: (height, width) of a region.
        sampling_ratio: points per side of a bin; 0: about one per pixel.
        aligned: pixel centers are at half numbers.

    Returns:
        (N, C, height, width).
    """
    height, width = _pair(output_size)
    out = input.new_zeros(len(rois), input.shape[1], height, width)
    regions = []
    for roi in rois:
        x1, y1, x2, y2 = roi[1:] * spatial_scale - (0.5 if aligned else 0)
        w, h = x2 - x1, y2 - y1
        if not aligned:
            w, h = w.clamp(min=1), h.clamp(min=1)
        down = sampling_ratio or max(math.ceil(float(h) / height), 1)
        across = sampling_ratio or max(math.ceil(float(w) / width), 1)
        ys = y1 + (torch.arange(height * down).to(roi) + 0.5) * h / (height * down)
        xs = x1 + (torch.arange(width * across).to(roi) + 0.5) * w / (width * across)
        found = _read(input[int(roi[0])], ys, xs).unflatten(2, (width, across)).unflatten(1, (height, down))
        regions.append(found.mean((2, 4)) if pool_mode == "avg" else found.amax((2, 4)))
    return torch.stack(regions) if regions else out


class RoIAlign(nn.Module):
    """`roi_align` as a module."""

    def __init__(
        self, output_size: Any, spatial_scale: float = 1.0, sampling_ratio: int = 0, pool_mode: str = "avg",
        aligned: bool = True, use_torchvision: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.output_size, self.spatial_scale = _pair(output_size), float(spatial_scale)
        self.sampling_ratio, self.pool_mode, self.aligned = int(sampling_ratio), pool_mode, aligned

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """(B, C, H, W) and (N, 5) to (N, C, h, w)."""
        return roi_align(
            input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.pool_mode, self.aligned
        )


def roi_pool(
    input: Tensor,
    rois: Tensor,
    output_size: Any,
    spatial_scale: float = 1.0,
) -> Tensor:
    """The largest value of each bin of whole pixels: (B, C, H, W) and (N, 5) to (N, C, h, w)."""
    rows, columns = _pair(output_size)
    height, width = input.shape[2:]
    out = input.new_zeros(len(rois), input.shape[1], rows, columns)
    for number, roi in enumerate(rois):
        x1, y1, x2, y2 = (math.floor(float(v) * spatial_scale + 0.5) for v in roi[1:])
        h, w = max(y2 - y1 + 1, 1) / rows, max(x2 - x1 + 1, 1) / columns
        for i in range(rows):
            for j in range(columns):
                top, bottom = (min(max(f, 0), height) for f in (math.floor(i * h) + y1, math.ceil((i + 1) * h) + y1))
                left, right = (min(max(f, 0), width) for f in (math.floor(j * w) + x1, math.ceil((j + 1) * w) + x1))
                if top < bottom and left < right:
                    out[number, :, i, j] = input[int(roi[0]), :, top:bottom, left:right].amax((1, 2))
    return out


class RoIPool(nn.Module):
    """`roi_pool` as a module."""

    def __init__(self, output_size: Any, spatial_scale: float = 1.0) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = _pair(output_size), float(spatial_scale)

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """(B, C, H, W) and (N, 5) to (N, C, h, w)."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)


def point_sample(
    input: Tensor,
    points: Tensor,
    align_corners: bool = False,
    **kwargs: Any,
) -> Tensor:
    """Values of a map (B, C, H, W) at points (x, y) in 0..1: (B, P, 2) to (B, C, P), (B, h, w, 2) to (B, C, h, w)."""
    grid = points.unsqueeze(2) if points.ndim == 3 else points
    out = F.grid_sample(input, grid * 2 - 1, align_corners=align_corners, **kwargs)
    return out.squeeze(3) if points.ndim == 3 else out


def rel_roi_point_to_rel_img_point(
    rois: Tensor, rel_roi_points: Tensor, img: Any, spatial_scale: float = 1.0
) -> Tensor:
    """Points in 0..1 of regions (N, P, 2) as points in 0..1 of the image: a size (h, w) or a map."""
    h, w = img.shape[-2:] if isinstance(img, Tensor) else img
    corner = (rois[:, 1:] if rois.shape[1] == 5 else rois).to(rel_roi_points)
    points = rel_roi_points * (corner[:, None, 2:] - corner[:, None, :2]) + corner[:, None, :2]
    return points / points.new_tensor([w, h]) * spatial_scale


class SimpleRoIAlign(nn.Module):
    """Regions read once per bin."""

    def __init__(self, output_size: Any, spatial_scale: float, aligned: bool = True) -> None:
        super().__init__()
        self.output_size, self.spatial_scale, self.aligned = _pair(output_size), float(spatial_scale), aligned

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """(B, C, H, W) and (N, 5) to (N, C, h, w)."""
        rows, columns = self.output_size
        y = (torch.arange(rows, device=rois.device) + 0.5) / rows
        x = (torch.arange(columns, device=rois.device) + 0.5) / columns
        grid = torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns)], dim=-1).view(1, -1, 2).to(features)
        out = []
        for roi in rois:
            image = features[int(roi[0])][None]
            points = rel_roi_point_to_rel_img_point(roi[None], grid, image, self.spatial_scale)
            out.append(point_sample(image, points, align_corners=not self.aligned)[0].view(-1, rows, columns))
        return torch.stack(out) if out else features.new_zeros(0, features.shape[1], rows, columns)
