"""Fully connected conditional random field (Kraehenbuehl and Koltun 2011, arXiv:1210.5644) on a model's probabilities.

Labels cost ``-ln p_i(l)`` each, and ``w_m k_m(f_i, f_j)`` for every pair of pixels that differ (Potts). The kernels k_m
(equation 3) are a Gaussian in place and color, which draws borders to edges of the image, and one in place alone, which
takes away specks. The mean field (equation 4, algorithm 1) is iterated in parallel:

    Q_i(l)  ~  p_i(l) exp( sum_m w_m sum_{j != i} k_m(f_i, f_j) Q_j(l) )

As in the authors' program, k_m(f_i, f_j) is divided by the root of ``n_i n_j``, with ``n_i = sum_j k_m(f_i, f_j)``, so
that the weights mean the same whatever the widths; ``normalize=False`` leaves it as the paper prints it.

Small pictures are computed exactly. Larger ones filter on the permutohedral lattice (`segue.inference.lattice`) for
place and color, and by two passes of a row for place alone, cut off at four widths; very large ones do so in windows
that overlap by two widths. docs/crf.md has the measured errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from segue.errors import InputError, nearest
from segue.inference.lattice import Lattice

#: Pixels up to which all pairs are looked at.
EXACT = 64 * 64
_PAIRS = 1 << 22  # of pixels at once
_NUMBERS = 1 << 25  # of a window's probabilities, margins included
_INNER = 256  # least side of a window's own part

Message: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class CRF:
    """Probabilities and a picture to probabilities that follow the picture's edges.

    The defaults are those that helped the borders of labels seen in blocks of 8 pixels most (docs/crf.md): they look a
    few pixels far, and move a pixel only where the network is in doubt.

    Attributes:
        sxy, srgb: widths of the kernel in place (pixels) and color (0 to 255).
        compat: its weight; 0: none.
        smooth_sxy, smooth_compat: the same of the kernel in place alone.
        iterations: of the mean field.
        normalize: see above.
        method: ``exact`` or ``lattice``; ``auto``: exact up to 64 x 64 pixels.
    """

    sxy: float = 3.0
    srgb: float = 9.0
    compat: float = 1.5
    smooth_sxy: float = 1.0
    smooth_compat: float = 0.0
    iterations: int = 5
    normalize: bool = True
    method: Literal["auto", "exact", "lattice"] = "auto"

    def __post_init__(self) -> None:
        for name in ("sxy", "srgb", "smooth_sxy"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InputError(f"crf: {name}={getattr(self, name)!r}: a width is a positive number")
        for name in ("compat", "smooth_compat"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"crf: {name}={getattr(self, name)!r}: a weight is 0 or more")
        if not isinstance(self.iterations, int) or self.iterations < 1:
            raise InputError(f"crf: iterations={self.iterations!r}: at least 1")
        if self.method not in ("auto", "exact", "lattice"):
            raise InputError(f"crf: method={self.method!r}: 'auto', 'exact' or 'lattice'")

    @torch.no_grad()
    def __call__(self, probabilities: Tensor, image: np.ndarray | Tensor) -> Tensor:
        """Refine one picture.

        Args:
            probabilities: (K, H, W) of sum 1, or (1, H, W) of one class against none; any float type and device.
            image: (H, W, 3), 0 to 255, RGB.

        Returns:
            Probabilities of the same shape, type and device.

        Raises:
            InputError: shapes that do not fit.
        """
        picture = torch.as_tensor(np.ascontiguousarray(image) if isinstance(image, np.ndarray) else image)
        if probabilities.ndim != 3 or picture.ndim != 3 or tuple(picture.shape) != (*probabilities.shape[1:], 3):
            raise InputError(
                f"crf: probabilities (K, H, W) need a picture (H, W, 3) of their size, got "
                f"{tuple(probabilities.shape)} and {tuple(picture.shape)}"
            )
        shares = probabilities.detach().float()
        if len(shares) == 1:
            shares = torch.cat([1 - shares, shares])
        picture = picture.to(shares.device, torch.float32)
        result = torch.empty_like(shares)
        for inner, outer, own in _windows(shares.shape, math.ceil(2 * max(self.sxy, self.smooth_sxy))):
            found = self._mean_field(shares[:, outer[0], outer[1]], picture[outer])
            result[:, inner[0], inner[1]] = found[:, own[0], own[1]]
        return result[len(result) - len(probabilities) :].to(probabilities.dtype)

    def _mean_field(self, shares: Tensor, picture: Tensor) -> Tensor:
        """Algorithm 1 on (K, H, W) and (H, W, 3)."""
        classes, *size = shares.shape
        unary = shares.flatten(1).T.clamp(min=1e-8).log()  # (N, K)
        messages = [(weight, message) for weight, message in self._messages(picture) if weight > 0]
        if self.normalize:
            messages = [(weight, _normalized(message, unary)) for weight, message in messages]
        state = shares.flatten(1).T.contiguous()
        for _ in range(self.iterations):
            logits = unary.clone()
            for weight, message in messages:
                logits.add_(message(state), alpha=weight)
            state = torch.softmax(logits, dim=1, out=logits)
        return state.T.reshape(classes, *size)

    def _messages(self, picture: Tensor) -> Iterator[tuple[float, Message]]:
        """Weight and ``sum over j != i of k(f_i, f_j) v_j`` of either kernel, values (N, K) to (N, K)."""
        size = (picture.shape[0], picture.shape[1])
        rows, columns = (torch.arange(length, dtype=torch.float32, device=picture.device) for length in size)
        place = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).flatten(0, 1)
        features = torch.cat([place / self.sxy, picture.flatten(0, 1) / self.srgb], dim=1)
        exact = self.method == "exact" or (self.method == "auto" and len(place) <= EXACT)
        if exact:
            yield self.compat, _every_pair(features)
            yield self.smooth_compat, _every_pair(place / self.smooth_sxy)
            return
        if self.compat > 0:
            yield self.compat, _on_lattice(features)
        yield self.smooth_compat, _by_rows(size, self.smooth_sxy)


def crf_from(settings: Sequence[str]) -> CRF:
    """A CRF with settings ``key=value``.

    Raises:
        InputError: an unknown key, or a value that it cannot have.
    """
    kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(CRF)}
    given: dict[str, Any] = {}
    for setting in settings:
        key, _, text = setting.partition("=")
        kind = kinds.get(key)
        if kind is None or not text:
            raise InputError(
                f"crf: {setting!r} is not KEY=VALUE of {', '.join(kinds)}{nearest(key, list(kinds), listed=0)}"
            )
        try:
            given[key] = text.lower() in ("true", "1") if kind is bool else kind(text)
        except ValueError:
            raise InputError(f"crf: {setting!r}: {key} is {'an integer' if kind is int else 'a number'}") from None
        if kind is bool and text.lower() not in ("true", "false", "0", "1"):
            raise InputError(f"crf: {setting!r}: {key} is true or false")
    return CRF(**given)


def _normalized(message: Message, like: Tensor) -> Message:
    """With the kernel divided by ``sqrt(n_i n_j)``; a pixel itself counts in n with 1."""
    scale = (message(torch.ones_like(like[:, :1])).clamp_(min=0) + 1).rsqrt_()
    return lambda values: message(values * scale).mul_(scale)


def _every_pair(features: Tensor) -> Message:
    """The exact sum, some pixels against all at a time; the kernel of a small picture is kept."""
    rows = max(1, _PAIRS // len(features))
    features = features - features.mean(dim=0)  # small numbers have small rounding errors
    squares = features.square().sum(dim=1)

    def kernel(start: int) -> Tensor:
        part = features[start : start + rows]
        distances = torch.addmm(squares, part, features.T, beta=-0.5)  # of the exponent: f_i f_j - f_j^2 / 2
        return distances.sub_(squares[start : start + rows, None] / 2).clamp_(max=0).exp_()

    starts = range(0, len(features), rows)
    kept = [kernel(start) for start in starts] if len(features) <= EXACT else None

    def message(values: Tensor) -> Tensor:
        parts = kept or (kernel(start) for start in starts)
        return torch.cat([part @ values for part in parts]).sub_(values)

    return message


def _on_lattice(features: Tensor) -> Message:
    lattice = Lattice(features)
    own = lattice.own()[:, None]
    return lambda values: lattice.filter(values).addcmul_(own, values, value=-1).clamp_(min=0)


def _by_rows(size: tuple[int, int], width: float) -> Message:
    """The kernel of place alone is a product of one of rows and one of columns."""
    reach = math.ceil(4 * width)
    line = torch.exp(-torch.arange(-reach, reach + 1, dtype=torch.float32).square() / (2 * width**2))

    def message(values: Tensor) -> Tensor:
        kernel = line.to(values)
        maps = values.T.reshape(-1, 1, *size)
        maps = F.conv2d(maps, kernel.view(1, 1, -1, 1), padding=(reach, 0))
        maps = F.conv2d(maps, kernel.view(1, 1, 1, -1), padding=(0, reach))
        return maps.reshape(values.shape[1], -1).T.sub(values)

    return message


def _windows(shape: Any, margin: int) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice], tuple[slice, slice]]]:
    """(own part, with its margin, own part within that) of windows of bounded memory; one window if all fits."""
    classes, height, width = shape
    if classes * height * width <= _NUMBERS:
        inner = max(height, width)
    else:
        inner = max(_INNER, int(math.sqrt(_NUMBERS / classes)) - 2 * margin)
    for top in range(0, height, inner):
        for left in range(0, width, inner):
            starts = (top, left)
            stops = (min(top + inner, height), min(left + inner, width))
            outer = [
                slice(max(0, start - margin), min(length, stop + margin))
                for start, stop, length in zip(starts, stops, (height, width), strict=True)
            ]
            own = [slice(a - o.start, b - o.start) for a, b, o in zip(starts, stops, outer, strict=True)]
            whole = [slice(a, b) for a, b in zip(starts, stops, strict=True)]
            yield (whole[0], whole[1]), (outer[0], outer[1]), (own[0], own[1])
