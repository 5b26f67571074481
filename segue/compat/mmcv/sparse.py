"""mmcv.ops of sparse maps (arXiv:1711.10275), in plain PyTorch: convolutions that look at the places that are filled.

A map of K sides holds features (N, C) at indices (N, 1 + K): the scene, then the place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Pairs(NamedTuple):
    """Which input meets which output under each place of a kernel, and both sides' indices and shapes."""

    pairs: list[tuple[Tensor, Tensor]]
    inside: Tensor
    outside: Tensor
    shape_in: list[int]
    shape_out: list[int]


class SparseConvTensor:
    """A sparse map.

    Args:
        features: (N, C).
        indices: (N, 1 + K) integers.
        spatial_shape: the K sides.
        batch_size: scenes.
        grid: accepted; nothing is kept there.
    """

    def __init__(
        self,
        features: Tensor,
        indices: Tensor,
        spatial_shape: Sequence[int],
        batch_size: int,
        grid: Tensor | None = None,
    ) -> None:
        self.features, self.indices, self.batch_size = features, indices, batch_size
        self.spatial_shape, self.grid = [int(side) for side in spatial_shape], grid
        self.indice_dict: dict[str, Pairs] = {}

    @property
    def spatial_size(self) -> int:
        """Places of a scene."""
        return math.prod(self.spatial_shape)

    @property
    def sparity(self) -> float:
        """The filled part of all places."""
        return self.indices.shape[0] / self.spatial_size / self.batch_size

    def find_indice_pair(self, key: str | None) -> Pairs | None:
        """What a convolution of that ``indice_key`` found."""
        return None if key is None else self.indice_dict.get(key)

    def dense(self, channels_first: bool = True) -> Tensor:
        """(B, C, *sides), or (B, *sides, C); zero where nothing is."""
        out = self.features.new_zeros(self.batch_size, *self.spatial_shape, self.features.shape[1])
        out[tuple(self.indices.long().unbind(1))] = self.features
        return out.movedim(-1, 1) if channels_first else out

    def derived(self, features: Tensor, indices: Tensor, shape: Sequence[int]) -> SparseConvTensor:
        """Another map of the same scenes, which knows the same pairs."""
        made = SparseConvTensor(features, indices, shape, self.batch_size, self.grid)
        made.indice_dict = self.indice_dict
        return made


class SparseModule(nn.Module):
    """A layer that takes and gives `SparseConvTensor`."""


class SparseSequential(SparseModule):
    """Layers in a row; those that are no SparseModule get the features."""

    def __init__(self, *args: Any, **kwargs: nn.Module) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], dict) else enumerate(args)
        for name, module in (*named, *kwargs.items()):
            self.add_module(str(name), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: int) -> Any:
        return list(self._modules.values())[index]

    def add(self, module: nn.Module, name: str | None = None) -> None:
        """Add a layer at the end."""
        self.add_module(str(len(self._modules)) if name is None else name, module)

    def forward(self, input: Any) -> Any:
        """A sparse map, or what the first layer takes."""
        for module in self.children():
            if isinstance(module, SparseModule) or not isinstance(input, SparseConvTensor):
                input = module(input)
            elif len(input.indices):
                input = input.derived(module(input.features), input.indices, input.spatial_shape)
        return input


def _all(value: Any, sides: int) -> list[int]:
    return [int(v) for v in value] if isinstance(value, (list, tuple)) else [int(value)] * sides


class _Kernel(SparseModule):
    """A window that goes over a map: what convolutions and poolings share."""

    sides = 2
    same = transposed = False

    def _window(self, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> None:
        self.kernel_size, self.stride = _all(kernel_size, self.sides), _all(stride, self.sides)
        self.padding, self.dilation = _all(padding, self.sides), _all(dilation, self.sides)

    def _places(self) -> list[tuple[int, ...]]:
        return list(itertools.product(*(range(size) for size in self.kernel_size)))

    def _shape(self, shape: Sequence[int]) -> list[int]:
        out = []
        for side, k, s, p, d in zip(shape, self.kernel_size, self.stride, self.padding, self.dilation, strict=True):
            span = d * (k - 1) + 1
            out.append(side if self.same else (side - 1) * s - 2 * p + span if self.transposed else
                       (side + 2 * p - span) // s + 1)  # fmt: skip
        return out

    def _find(self, x: SparseConvTensor) -> Pairs:
        indices = x.indices.long()
        scene, place = indices[:, :1], indices[:, 1:]
        shape = self._shape(x.spatial_shape)
        limit = place.new_tensor(shape)
        stride, dilation = place.new_tensor(self.stride), place.new_tensor(self.dilation)
        padding = place.new_tensor(self.padding)
        if self.same:
            stride, padding = torch.ones_like(stride), (place.new_tensor(self.kernel_size) // 2) * dilation
        found = []
        for offset in self._places():
            step = place.new_tensor(offset) * dilation
            target = place * stride - padding + step if self.transposed else place + padding - step
            known = ((target >= 0) & (target < limit)).all(1)
            if not self.transposed:
                known = (target >= 0).all(1) & (target % stride == 0).all(1)
                target = target // stride
                known &= (target < limit).all(1)
            rows = known.nonzero()[:, 0]
            found.append((rows, torch.cat([scene, target], 1)[rows]))
        outside = indices if self.same else torch.unique(torch.cat([out for _, out in found]), dim=0)
        numbers = _numbers(outside, shape)
        order = numbers.argsort()
        pairs = []
        for rows, out in found:
            wanted = _numbers(out, shape)
            at = torch.searchsorted(numbers[order], wanted).clamp(max=max(len(order) - 1, 0))
            there = numbers[order][at] == wanted if len(order) else torch.zeros_like(wanted, dtype=torch.bool)
            pairs.append((rows[there], order[at[there]]))
        return Pairs(pairs, x.indices, outside.to(x.indices.dtype), list(x.spatial_shape), shape)


def _numbers(indices: Tensor, shape: Sequence[int]) -> Tensor:
    number = indices[:, 0].long()
    for side, column in zip(shape, indices[:, 1:].unbind(1), strict=True):
        number = number * side + column
    return number


class SparseConvolution(_Kernel):
    """A convolution; its weight is (*kernel, in, out)."""

    inverse = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        indice_key: str | None = None,
    ) -> None:
        super().__init__()
        if groups != 1:
            raise AssertionError("groups: only 1 is there")
        self._window(kernel_size, stride, padding, dilation)
        self.in_channels, self.out_channels, self.indice_key = in_channels, out_channels, indice_key
        self.weight = nn.Parameter(torch.empty(*self.kernel_size, in_channels, out_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        bound = 1 / math.sqrt(in_channels * math.prod(self.kernel_size))
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, input: SparseConvTensor) -> SparseConvTensor:
        """A sparse map to another."""
        pairs = input.find_indice_pair(self.indice_key)
        if self.inverse:
            if pairs is None:
                raise AssertionError(f"no layer before has indice_key={self.indice_key!r}, which this one inverts")
            turned = [(out, row) for row, out in pairs.pairs]
            pairs = Pairs(turned, pairs.outside, pairs.inside, pairs.shape_out, pairs.shape_in)
        elif pairs is None or not self.same:
            pairs = self._find(input)
            if self.indice_key is not None:
                input.indice_dict[self.indice_key] = pairs
        out = input.features.new_zeros(len(pairs.outside), self.out_channels)
        for (rows, to), weight in zip(pairs.pairs, self.weight.flatten(0, -3), strict=True):
            out = out.index_add(0, to, input.features[rows] @ weight)
        out = out if self.bias is None else out + self.bias
        return input.derived(out, pairs.outside, pairs.shape_out)


class SparseConv2d(SparseConvolution):
    """Of two sides; outputs are wherever an input is met."""


class SparseConv3d(SparseConvolution):
    """Of three sides."""

    sides = 3


class SubMConv2d(SparseConvolution):
    """Of two sides; outputs are where inputs are."""

    same = True


class SubMConv3d(SubMConv2d):
    """Of three sides."""

    sides = 3


class SparseConvTranspose2d(SparseConvolution):
    """Transposed, of two sides."""

    transposed = True


class SparseConvTranspose3d(SparseConvTranspose2d):
    """Of three sides."""

    sides = 3


class SparseInverseConv2d(SparseConvolution):
    """Back to the places that the convolution of the same ``indice_key`` came from."""

    inverse = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, indice_key: str | None = None, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=bias, indice_key=indice_key)


class SparseInverseConv3d(SparseInverseConv2d):
    """Of three sides."""

    sides = 3


class SparseMaxPool2d(_Kernel):
    """The largest of the filled places of each window."""

    def __init__(self, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> None:
        super().__init__()
        self._window(kernel_size, stride, padding, dilation)

    def forward(self, input: SparseConvTensor) -> SparseConvTensor:
        """A sparse map to another."""
        pairs = self._find(input)
        out = input.features.new_zeros(len(pairs.outside), input.features.shape[1])
        rows, to = (torch.cat(part) for part in zip(*pairs.pairs, strict=True))
        index = to[:, None].expand(-1, out.shape[1])
        out = out.scatter_reduce(0, index, input.features[rows], "amax", include_self=False)
        return input.derived(out, pairs.outside, pairs.shape_out)


class SparseMaxPool3d(SparseMaxPool2d):
    """Of three sides."""

    sides = 3
