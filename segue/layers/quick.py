"""Prediction computes some sums in another order than training does, which is the same mathematics with fewer products.

Within `quickly` a batch normalization is part of the convolution before it (`Folded`), wide convolutions take
`segue.layers.winograd`, and layers that know such a way, as `segue.layers.pyramid_pooling` does, take it. Elsewhere, in
training and for exports, nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from segue.layers import winograd

_QUICK = ContextVar("quick", default=False)


def is_quick() -> bool:
    """Whether layers may take their quick way; never in a graph that is being compiled, which has its own ways."""
    return not torch.compiler.is_compiling() and _QUICK.get()


@contextmanager
def quickly() -> Iterator[None]:
    """Within, layers take their quick way."""
    token = _QUICK.set(True)
    try:
        yield
    finally:
        _QUICK.reset(token)


class Folded:
    """The ``forward`` of a convolution with the batch normalization that follows it.

    w' = w g / s and b' = (b - m) g / s + h, with the normalization's mean m, deviation s, weight g and bias h.
    """

    def __init__(self, conv: nn.Conv2d, norm: _BatchNorm) -> None:
        self.conv, self.norm = conv, norm
        self._of: tuple[tuple[int, int], ...] = ()
        self.weight, self.bias = conv.weight.data, conv.bias
        self._filters: Tensor | None = None

    def refresh(self) -> None:
        """Compute the weights anew where the modules' have changed."""
        norm = self.norm
        sources = (self.conv.weight, self.conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var)
        state = tuple((x.data_ptr(), -1 if x.is_inference() else x._version) for x in sources if x is not None)
        if state == self._of and all(version >= 0 for _, version in state):
            return
        assert norm.running_mean is not None and norm.running_var is not None
        with torch.no_grad():
            factor = (norm.running_var + norm.eps).rsqrt()
            factor = factor if norm.weight is None else factor * norm.weight
            mean = norm.running_mean if self.conv.bias is None else norm.running_mean - self.conv.bias
            bias = -mean * factor
            self.bias = (bias if norm.bias is None else bias + norm.bias).to(self.conv.weight.dtype)
            weight = self.conv.weight * factor[:, None, None, None].to(self.conv.weight.dtype)
            self.weight = weight.contiguous(memory_format=torch.channels_last)
        self._of, self._filters = state, None

    def __call__(self, x: Tensor) -> Tensor:
        """(B, C, H, W), perhaps without its last channels, to (B, C', H', W'), normalized."""
        conv = self.conv
        if winograd.is_worth(conv, x):
            filters = self._filters
            if filters is None or filters.shape[1] != x.shape[1]:
                self._filters = filters = winograd.transformed(self.weight[:, : x.shape[1]])
            return winograd.convolved(x, filters, self.bias, conv.dilation[0])
        weight = self.weight[:, : x.shape[1]] if conv.groups == 1 else self.weight
        return F.conv2d(x, weight, self.bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def weight_of(conv: nn.Conv2d) -> Tensor:
    """The weight that ``conv`` computes with at present."""
    folded = vars(conv).get("forward")
    return folded.weight if isinstance(folded, Folded) else conv.weight


def of_first_channels(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """``conv``, of one group, of its first channels alone, (B, C, H, W) to (B, C', H', W')."""
    folded = vars(conv).get("forward")
    if isinstance(folded, Folded):
        return folded(x)
    return F.conv2d(x, conv.weight[:, : x.shape[1]], conv.bias, conv.stride, conv.padding, conv.dilation)
