"""Prediction computes some sums in another order than training does, which is the same mathematics with fewer products.

Within `quickly` a batch normalization is part of the convolution before it (`Folded`), wide convolutions take
`segue.layers.winograd`, and layers that know such a way, as `segue.layers.pyramid_pooling` does, take it. Elsewhere, in
training (which has `segue.layers.winograd_training`) and for exports, nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from segue.layers import winograd, winograd_training
from segue.layers.conv import ConvModule
from segue.layers.watched import is_watched

#: channels of `in_parts`
AT_A_TIME = 1024
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
        self._filters: dict[tuple[int, int], Tensor] = {}

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
        self._of, self._filters = state, {}

    def __call__(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W'), normalized."""
        return self.of_channels(x, 0)

    def of_channels(self, x: Tensor, first: int) -> Tensor:
        """What ``x`` adds to the result if its channels are those from ``first`` on; of the first, with the bias."""
        conv, bias, channels = self.conv, None if first else self.bias, (first, first + x.shape[1])
        if winograd.is_worth(conv, x):
            if channels not in self._filters:
                self._filters[channels] = winograd.transformed(self.weight[:, slice(*channels)])
            return winograd.convolved(x, self._filters[channels], bias, conv.dilation[0])
        weight = self.weight if conv.groups > 1 else self.weight[:, slice(*channels)]
        return F.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def folded(module: nn.Module) -> Folded | None:
    """How the convolution of ``module`` computes at present, if it may be computed by parts and is folded."""
    found = vars(module.conv).get("forward") if is_quick() and is_bare(module) else None
    return found if isinstance(found, Folded) else None


def is_bare(module: nn.Module) -> TypeGuard[ConvModule]:
    """Whether nobody would notice that a convolution of one group is computed by parts: neither by hooks, nor because
    the module, or what its ``forward`` does, was replaced.
    """
    if type(module) is not ConvModule or type(module.conv) is not nn.Conv2d:
        return False
    conv, own, whole = module.conv, vars(module.conv).get("forward"), vars(module).get("forward")
    if conv.groups != 1 or conv.padding_mode != "zeros":
        return False
    # what training would compute again in the backward pass takes less memory by parts
    if whole is not None and not getattr(whole, "again", False):
        return False
    if not (own is None or (is_quick() and isinstance(own, Folded))):
        return False
    return not (is_watched(module) or is_watched(conv))


def of_all(module: ConvModule, maps: list[Tensor]) -> Tensor:
    """``module`` of maps (B, C_i, H, W) concatenated along their channels, (B, C', H', W'); ``maps`` is empty then.

    It is the sum of what each map gives, so that all maps are never held together, and without gradients each is let go
    after its turn.
    """
    if not _adds_up(module, maps[0]) or winograd_training.takes_all(module.conv, maps):
        joined = torch.cat(maps, dim=1)
        maps.clear()  # before the convolution takes memory
        whole: Tensor = module(joined)
        return whole
    conv, quick = module.conv, folded(module)
    first, found = 0, None
    while maps:
        x = maps.pop(0)
        if quick is not None:
            part = quick.of_channels(x, first)
        else:
            weight, bias = conv.weight[:, first : first + x.shape[1]], None if first else conv.bias
            part = F.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation)
        found = part if found is None else found.add_(part)
        first += x.shape[1]
        del x, part
    assert found is not None
    return module.finish(found)


def in_parts(module: ConvModule, x: Tensor) -> Tensor:
    """``module(x)``, (B, C, H, W) to (B, C', H', W'); without gradients of some of many channels at a time, since the
    library that computes a convolution may copy all of what it is given.
    """
    if torch.is_grad_enabled() or x.shape[1] <= AT_A_TIME or not _adds_up(module, x):
        whole: Tensor = module(x)
        return whole
    return of_all(module, list(torch.split(x, AT_A_TIME, dim=1)))


def _adds_up(module: nn.Module, x: Tensor) -> TypeGuard[ConvModule]:
    """Whether results of maps such as ``x`` may be added; not in a graph that is compiled, nor in a short precision."""
    short = x.dtype in (torch.float16, torch.bfloat16)
    # tensors without data have no autocast, and torch refuses the question
    short = short or (not x.is_meta and torch.is_autocast_enabled(x.device.type))
    return not (short or torch.compiler.is_compiling()) and is_bare(module)
