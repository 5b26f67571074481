"""mmcv.ops of points in space and the boxes and cells that hold them, in plain PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segue.compat.mmcv.point_sets import furthest_point_sample, furthest_point_sample_with_dist


def points_in_boxes_all(points: Tensor, boxes: Tensor) -> Tensor:
    """Which points (B, M, 3) lie in which boxes (B, T, 7), whose z is that of the bottom: 1 or 0, (B, M, T) int32."""
    x, y, z, dx, dy, dz, angle = (part[:, None] for part in boxes.unbind(-1))
    across, along, up = points[..., 0, None] - x, points[..., 1, None] - y, points[..., 2, None] - z
    cos, sin = torch.cos(-angle), torch.sin(-angle)
    own_x, own_y = across * cos - along * sin, across * sin + along * cos
    return ((own_x.abs() < dx / 2) & (own_y.abs() < dy / 2) & (up >= 0) & (up <= dz)).int()


points_in_boxes_cpu = points_in_boxes_all


def points_in_boxes_part(points: Tensor, boxes: Tensor) -> Tensor:
    """The first box that each point lies in, -1 for none: (B, M) int32."""
    inside = points_in_boxes_all(points, boxes)
    first = inside.argmax(-1).int()
    return torch.where(inside.any(-1), first, torch.full_like(first, -1))


class PointsSampler(nn.Module):
    """Chooses points that are far from each other, by place (``D-FPS``), by feature (``F-FPS``) or both (``FS``).

    Args:
        num_point: how many of each part.
        fps_mod_list: by what, one of each part.
        fps_sample_range_list: the end of each part among the points; -1 for all.
    """

    def __init__(
        self,
        num_point: Sequence[int],
        fps_mod_list: Sequence[str] = ("D-FPS",),
        fps_sample_range_list: Sequence[int] = (-1,),
    ) -> None:
        super().__init__()
        if not len(num_point) == len(fps_mod_list) == len(fps_sample_range_list):
            raise AssertionError("num_point, fps_mod_list and fps_sample_range_list have one entry for each part")
        unknown = [kind for kind in fps_mod_list if kind not in ("D-FPS", "F-FPS", "FS")]
        if unknown:
            raise AssertionError(f"fps_mod_list={unknown[0]!r}: 'D-FPS', 'F-FPS' or 'FS'")
        self.num_point, self.kinds, self.ends = list(num_point), list(fps_mod_list), list(fps_sample_range_list)

    def forward(self, points_xyz: Tensor, features: Tensor | None = None) -> Tensor:
        """(B, N, 3) and features (B, C, N) to indices (B, sum of num_point), int32; ``FS`` gives twice as many."""
        found, begin = [], 0
        for count, kind, end in zip(self.num_point, self.kinds, self.ends, strict=True):
            stop = points_xyz.shape[1] if end == -1 else end
            places = points_xyz[:, begin:stop]
            parts = []
            if kind in ("F-FPS", "FS"):
                if features is None:
                    raise AssertionError(f"{kind} needs features")
                both = torch.cat([places, features[:, :, begin:stop].transpose(1, 2)], -1)
                squared = (both[:, :, None] - both[:, None]).square().sum(-1)
                parts.append(furthest_point_sample_with_dist(squared, count))
            if kind in ("D-FPS", "FS"):
                parts.append(furthest_point_sample(places.contiguous(), count))
            found += [part + begin for part in parts]
            begin = stop
        return torch.cat(found, 1)


def voxelization(
    points: Tensor,
    voxel_size: Sequence[float],
    coors_range: Sequence[float],
    max_points: int = 35,
    max_voxels: int = 20000,
    deterministic: bool = True,
) -> Any:
    """Sort points into cells.

    Args:
        points: (N, 3 or more), x, y, z and features.
        voxel_size: sides of a cell.
        coors_range: the lowest x, y, z, then the highest.
        max_points, max_voxels: of a cell, and cells; what comes later is dropped. -1: the cell of each point is found
            only.

    Returns:
        With -1 the cells (N, 3) int32 as z, y, x, -1 outside. Else points of each cell (V, max_points, C), cells (V, 3)
        and how many points each has (V,).
    """
    size, low = points.new_tensor(voxel_size), points.new_tensor(coors_range[:3])
    counts = ((points.new_tensor(coors_range[3:]) - low) / size).round().long()
    cells = ((points[:, :3] - low) / size).floor().long()
    inside = ((cells >= 0) & (cells < counts)).all(1)
    if max_points == -1 or max_voxels == -1:
        return torch.where(inside[:, None], cells.flip(1), torch.full_like(cells, -1)).int()
    kept, turned = points[inside], cells[inside].flip(1)
    unique, cell_of = torch.unique(turned, dim=0, return_inverse=True)
    first = torch.full((len(unique),), len(kept), dtype=torch.long, device=points.device)
    first = first.scatter_reduce(0, cell_of, torch.arange(len(kept), device=points.device), "amin")
    rank = torch.empty_like(first)
    order = first.argsort()  # cells in the order in which their first points come
    rank[order] = torch.arange(len(first), device=points.device)
    cell_of, unique = rank[cell_of], unique[order]
    by_cell = cell_of.argsort(stable=True)
    starts = torch.bincount(cell_of, minlength=len(unique)).cumsum(0).roll(1)
    starts[:1] = 0
    place = torch.empty_like(cell_of)
    place[by_cell] = torch.arange(len(kept), device=points.device) - starts[cell_of[by_cell]]
    chosen = (place < max_points) & (cell_of < max_voxels)
    voxels = points.new_zeros(min(len(unique), max_voxels), max_points, points.shape[1])
    voxels[cell_of[chosen], place[chosen]] = kept[chosen]
    number = torch.bincount(cell_of, minlength=len(unique))[:max_voxels].clamp(max=max_points)
    return voxels, unique[:max_voxels].int(), number.int()


class Voxelization(nn.Module):
    """`voxelization` as a module; ``max_voxels`` is one number, or that of training and that of tests."""

    def __init__(
        self,
        voxel_size: Sequence[float],
        point_cloud_range: Sequence[float],
        max_num_points: int,
        max_voxels: int | Sequence[int] = 20000,
        deterministic: bool = True,
    ) -> None:
        super().__init__()
        self.voxel_size, self.point_cloud_range = voxel_size, point_cloud_range
        self.max_num_points, self.deterministic = max_num_points, deterministic
        self.max_voxels = (max_voxels, max_voxels) if isinstance(max_voxels, int) else tuple(max_voxels)

    def forward(self, input: Tensor) -> Any:
        """Points (N, C) to what `voxelization` gives."""
        most = self.max_voxels[0 if self.training else 1]
        return voxelization(input, self.voxel_size, self.point_cloud_range, self.max_num_points, most)


def dynamic_scatter(feats: Tensor, coors: Tensor, reduce_type: str = "max") -> tuple[Tensor, Tensor]:
    """Features (N, C) of points in cells (N, 3) to those of the cells, by ``max``, ``mean`` or ``sum``, and the cells.

    Cells are in ascending order; points whose cell is negative are dropped.
    """
    kinds = {"max": "amax", "mean": "mean", "sum": "sum"}
    if reduce_type not in kinds:
        raise AssertionError(f"reduce_type={reduce_type!r}: {', '.join(kinds)}")
    known = (coors >= 0).all(1)
    cells, of = torch.unique(coors[known], dim=0, return_inverse=True)
    index = of[:, None].expand(-1, feats.shape[1])
    out = feats.new_zeros(len(cells), feats.shape[1])
    return out.scatter_reduce(0, index, feats[known], kinds[reduce_type], include_self=False), cells


class DynamicScatter(nn.Module):
    """`dynamic_scatter` of the points of several scenes, whose number is the first column of the cells."""

    def __init__(self, voxel_size: Sequence[float], point_cloud_range: Sequence[float], average_points: bool) -> None:
        super().__init__()
        self.voxel_size, self.point_cloud_range, self.average_points = voxel_size, point_cloud_range, average_points

    def forward_single(self, points: Tensor, coors: Tensor) -> tuple[Tensor, Tensor]:
        """Of one scene."""
        return dynamic_scatter(points, coors, "mean" if self.average_points else "max")

    def forward(self, points: Tensor, coors: Tensor) -> tuple[Tensor, Tensor]:
        """Points (N, C) and cells (N, 3), or (N, 4) with the scene."""
        return self.forward_single(points, coors)


def scatter_nd(indices: Tensor, updates: Tensor, shape: Any) -> Tensor:
    """A tensor of zeros with ``updates`` at ``indices`` (..., K), of which later ones win."""
    out = updates.new_zeros(*[int(side) for side in shape])
    where = indices.reshape(-1, indices.shape[-1]).long().unbind(-1)
    out[where] = updates.reshape(len(where[0]), *out.shape[indices.shape[-1] :])
    return out


def assign_score_withk(
    scores: Tensor, point_features: Tensor, center_features: Tensor, knn_idx: Tensor, aggregate: str = "sum"
) -> Tensor:
    """PAConv's sum of kernels: scores (B, P, K, M), features (B, N, M, O) of points and centers, (B, O, P, K).

    The features of each point's K neighbors ``knn_idx`` (B, P, K), less those of the point itself, weighted by score.
    """
    if aggregate != "sum":
        raise AssertionError(f"aggregate={aggregate!r}: only 'sum' is there")
    batch = torch.arange(len(scores), device=scores.device)[:, None, None]
    neighbors = point_features[batch, knn_idx.long()]
    centers = center_features[batch, knn_idx[..., :1].long()]
    return torch.einsum("bpkm,bpkmo->bopk", scores, neighbors - centers)
