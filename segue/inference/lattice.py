"""Gaussian filtering in a space of few dimensions, on the permutohedral lattice (Adams, Baek and Davis 2010).

Values are spread over the corners of the simplex around each point, blurred along the lattice's d + 1 directions, and
gathered again: linear in the number of points, whatever the width of the Gaussian. A corner that no point touches does
not exist, so what would pass through it is lost; how far the result is from the exact sum is in docs/crf.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from segue.errors import InputError

_CODES = 1 << 61  # numbers for corners
_CHUNK = 1 << 16  # points at once, where intermediate results are larger than they


class Lattice:
    """The lattice around points, for any number of filterings.

    ``filter(values)[i]`` is about ``sum_j exp(-|f_i - f_j|^2 / 2) values[j]``, j = i included with `own` in place of 1.

    Args:
        features: (N, d) float32, in units of the Gaussian's width.
    """

    def __init__(self, features: Tensor) -> None:
        count, d = features.shape
        low = features.amin(dim=0)
        # d of a corner's coordinates, which sum to zero, number it; each has a digit as large as it may become
        extent = (self._scale(d) * (features.amax(dim=0) - low).cpu()).double().tolist()
        spans = [sum(extent[i:]) + i * extent[i - 1] + 4 * (d + 1) + 4 for i in range(d)]
        if math.prod(spans) >= _CODES:
            raise InputError(
                f"crf: the widths are too small for {count} pixels, which are up to {max(extent):.0f} of them apart: "
                "enlarge sxy or srgb"
            )
        digits = [math.prod(int(span) + 1 for span in spans[:i]) for i in range(d)]
        self._radix = torch.tensor(digits, device=features.device)
        corners = torch.empty(count, d + 1, dtype=torch.int64, device=features.device)
        self._weights = torch.empty(count, d + 1, device=features.device)
        for start in range(0, count, _CHUNK):
            part = slice(start, start + _CHUNK)
            corners[part], self._weights[part] = self._around(features[part] - low)
        codes, places = torch.unique(corners, return_inverse=True)
        self._places = places.to(torch.int32)
        self._size = len(codes)
        # one step along direction j adds 1 to every coordinate and takes d + 1 from the j-th
        steps = [int(self._radix.sum())] * (d + 1)
        steps = [step - (d + 1) * int(self._radix[j]) if j < d else step for j, step in enumerate(steps)]
        self._neighbors = [(self._find(codes, codes + step), self._find(codes, codes - step)) for step in steps]
        # the sum over points of constant density is that of the Gaussian
        mass = 2.0 ** (d + 1) / ((2 / 3) ** (d / 2) * math.sqrt(d + 1))
        self._gain = (2 * math.pi) ** (d / 2) / mass

    def _around(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Codes and weights (n, d + 1) of the corners around points (n, d)."""
        d = features.shape[1]
        scaled = features * self._scale(d).to(features)
        # onto the plane whose coordinates sum to zero: x_i = sum of those after it, less i times its own
        after = scaled.flip(1).cumsum(1).flip(1)
        elevated = torch.cat([after, torch.zeros_like(after[:, :1])], dim=1)
        elevated[:, 1:] -= torch.arange(1, d + 1, device=features.device) * scaled
        # the nearest corner of remainder 0, then each coordinate's place in the order of what is left
        base = (elevated / (d + 1)).round()
        excess = base.sum(dim=1, keepdim=True).to(torch.int64)
        base = (base * (d + 1)).to(torch.int64)
        rest = elevated - base
        rank = rest.argsort(dim=1, descending=True, stable=True).argsort(dim=1, stable=True) + excess
        low, high = rank < 0, rank > d
        base += (d + 1) * (low.to(torch.int64) - high.to(torch.int64))
        rank += (d + 1) * (low.to(torch.int64) - high.to(torch.int64))
        rest = (elevated - base) / (d + 1)
        ordered = torch.zeros_like(rest).scatter_(1, rank, rest)  # largest first
        weights = torch.empty_like(rest)
        weights[:, 1:] = (ordered[:, :-1] - ordered[:, 1:]).flip(1)
        weights[:, 0] = 1 - (ordered[:, 0] - ordered[:, -1])
        codes = []
        for remainder in range(d + 1):
            corner = base[:, :d] + remainder - (d + 1) * (rank[:, :d] > d - remainder).to(torch.int64)
            codes.append((corner * self._radix).sum(dim=1))
        return torch.stack(codes, dim=1), weights

    @staticmethod
    def _scale(d: int) -> Tensor:
        """(d,) by which features are stretched, so that splatting, blurring and slicing have a variance of 1."""
        index = torch.arange(d)
        return math.sqrt(2 / 3) * (d + 1) / torch.sqrt((index + 1.0) * (index + 2.0))

    @staticmethod
    def _find(codes: Tensor, wanted: Tensor) -> Tensor:
        """Places of codes among sorted ones; one past the last for those that are not there."""
        place = torch.searchsorted(codes, wanted).clamp_(max=len(codes) - 1)
        return torch.where(codes[place] == wanted, place, len(codes)).to(torch.int32)

    def filter(self, values: Tensor) -> Tensor:
        """(N, K) float32 to the same shape."""
        corners = self._weights.shape[1]
        table = values.new_zeros(self._size + 1, values.shape[1])
        for corner in range(corners):
            for start in range(0, len(values), _CHUNK):
                part = slice(start, start + _CHUNK)
                table.index_add_(0, self._places[part, corner], values[part] * self._weights[part, corner, None])
        for forward, back in self._neighbors:
            blurred = table[forward]
            blurred += table[back]
            table[:-1] += blurred.mul_(0.5)
        result = torch.zeros_like(values)
        for corner in range(corners):
            for start in range(0, len(values), _CHUNK):
                part = slice(start, start + _CHUNK)
                result[part].addcmul_(table[self._places[part, corner]], self._weights[part, corner, None])
        return result.mul_(self._gain)

    def own(self) -> Tensor:
        """(N,) what `filter` gives back of a point's own value, where no corner is missing.

        From one corner of a simplex to the m-th after it lead m steps along as many directions, or all others back.
        """
        d = self._weights.shape[1] - 1
        steps = (torch.arange(d + 1)[:, None] - torch.arange(d + 1)).abs()
        gains = (0.5**steps + 0.5 ** (d + 1 - steps)).to(self._weights)
        found: Tensor = (self._weights @ gains * self._weights).sum(dim=1) * self._gain
        return found
