"""mmcv.ops of sets of points (B, N, 3): neighbors, sampling and interpolation, in plain PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def chamfer_distance(xyz1: Tensor, xyz2: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Squared distances of points (B, N, 2) and (B, M, 2) to the nearest of the other set, and their indices, int32."""
    squared = (xyz1[:, :, None] - xyz2[:, None]).square().sum(-1)
    first, second = squared.min(2), squared.min(1)
    return first.values, second.values, first.indices.int(), second.indices.int()


def knn(k: int, xyz: Tensor, center_xyz: Tensor | None = None, transposed: bool = False) -> Tensor:
    """The k nearest points of ``xyz`` (B, N, 3) to each center (B, M, 3): indices (B, k, M), int32."""
    if not 0 < k < 100:
        raise AssertionError("k should be in range(0, 100)")
    center = xyz if center_xyz is None else center_xyz
    if transposed:
        xyz, center = xyz.transpose(1, 2), center.transpose(1, 2)
    squared = (center[:, :, None] - xyz[:, None]).square().sum(-1)
    return squared.topk(k, dim=2, largest=False, sorted=True).indices.transpose(1, 2).int().contiguous()


def ball_query(min_radius: float, max_radius: float, sample_num: int, xyz: Tensor, center_xyz: Tensor) -> Tensor:
    """The first points within the radii of each center: (B, M, sample_num), int32, filled up with the first of them."""
    squared = (center_xyz[:, :, None] - xyz[:, None]).square().sum(-1)
    inside = ((squared >= min_radius**2) & (squared < max_radius**2)) | (squared == 0)
    count = xyz.shape[1]
    places = torch.arange(count, device=xyz.device).expand_as(squared)
    found = places.where(inside, torch.full_like(places, count)).sort(-1).values[..., :sample_num]
    if found.shape[-1] < sample_num:
        found = torch.cat([found, found.new_full((*found.shape[:-1], sample_num - found.shape[-1]), count)], -1)
    first = found[..., :1].where(found[..., :1] < count, torch.zeros_like(found[..., :1]))
    return found.where(found < count, first.expand_as(found)).int()


def gather_points(features: Tensor, indices: Tensor) -> Tensor:
    """(B, C, N) at indices (B, M): (B, C, M)."""
    return features.gather(2, indices.long()[:, None].expand(-1, features.shape[1], -1))


def grouping_operation(features: Tensor, indices: Tensor) -> Tensor:
    """(B, C, N) at indices (B, M, K): (B, C, M, K)."""
    b, m, k = indices.shape
    return gather_points(features, indices.reshape(b, m * k)).view(b, -1, m, k)


def _furthest(squared: Tensor, count: int) -> Tensor:
    b, n, _ = squared.shape
    chosen = torch.zeros(b, count, dtype=torch.long, device=squared.device)
    nearest = torch.full((b, n), 1e10, device=squared.device, dtype=squared.dtype)
    rows = torch.arange(b, device=squared.device)
    for place in range(1, count):
        nearest = torch.minimum(nearest, squared[rows, chosen[:, place - 1]])
        chosen[:, place] = nearest.argmax(1)
    return chosen.int()


def furthest_point_sample(points_xyz: Tensor, num_points: int) -> Tensor:
    """Indices (B, num_points), int32, of points (B, N, 3) that lie far apart; the first is point 0."""
    return _furthest((points_xyz[:, :, None] - points_xyz[:, None]).square().sum(-1), num_points)


def furthest_point_sample_with_dist(points_dist: Tensor, num_points: int) -> Tensor:
    """The same from distances (B, N, N)."""
    return _furthest(points_dist, num_points)


def three_nn(target: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """Distances to the three nearest of ``source`` (B, M, 3), and their indices, int32: both (B, N, 3)."""
    squared = (target[:, :, None] - source[:, None]).square().sum(-1)
    found = squared.topk(3, dim=2, largest=False, sorted=True)
    return found.values.sqrt(), found.indices.int()


def three_interpolate(features: Tensor, indices: Tensor, weight: Tensor) -> Tensor:
    """(B, C, M) at three indices (B, N, 3), weighted: (B, C, N)."""
    return (grouping_operation(features, indices) * weight[:, None]).sum(-1)


class GroupAll(nn.Module):
    """All points as one group."""

    def __init__(self, use_xyz: bool = True) -> None:
        super().__init__()
        self.use_xyz = use_xyz

    def forward(self, xyz: Tensor, new_xyz: Tensor | None, features: Tensor | None = None) -> Tensor:
        """(B, N, 3) and (B, C, N) to (B, C + 3, 1, N)."""
        points = xyz.transpose(1, 2).unsqueeze(2)
        if features is None:
            return points
        return torch.cat([points, features.unsqueeze(2)], 1) if self.use_xyz else features.unsqueeze(2)


class QueryAndGroup(nn.Module):
    """The neighbors of centers within a radius, relative to them, with their features."""

    def __init__(
        self, max_radius: float, sample_num: int, min_radius: float = 0.0, use_xyz: bool = True,
        return_grouped_xyz: bool = False, normalize_xyz: bool = False, uniform_sample: bool = False,
        return_unique_cnt: bool = False, return_grouped_idx: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if uniform_sample or return_unique_cnt or max_radius is None:
            raise ValueError("uniform_sample, return_unique_cnt and max_radius=None are not offered")
        self.max_radius, self.sample_num, self.min_radius, self.use_xyz = max_radius, sample_num, min_radius, use_xyz
        self.return_grouped_xyz, self.normalize_xyz = return_grouped_xyz, normalize_xyz
        self.return_grouped_idx = return_grouped_idx

    def forward(self, points_xyz: Tensor, center_xyz: Tensor, features: Tensor | None = None) -> Any:
        """(B, N, 3), (B, M, 3) and (B, C, N) to (B, 3 + C, M, sample_num)."""
        index = ball_query(self.min_radius, self.max_radius, self.sample_num, points_xyz, center_xyz)
        near = grouping_operation(points_xyz.transpose(1, 2), index)
        away = near - center_xyz.transpose(1, 2).unsqueeze(-1)
        away = away / self.max_radius if self.normalize_xyz else away
        if features is None:
            found = away
        else:
            own = grouping_operation(features, index)
            found = torch.cat([away, own], 1) if self.use_xyz else own
        more = ([near] if self.return_grouped_xyz else []) + ([index] if self.return_grouped_idx else [])
        return (found, *more) if more else found
