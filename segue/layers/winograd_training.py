"""Training's wide 3 x 3 convolutions by minimal filtering: the result and both gradients in a quarter of the products.

`filtering` looks at every ``F.conv2d`` that runs within, whoever calls it, and takes `segue.layers.winograd` for those
that take less time so. Rounding differs from the direct way by some 1e-5 of a map's deviation at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from segue.layers import winograd

#: products of input and output channels between which three passes take less time than directly (benchmarks/winograd.py
#: ``--training``); what lies between two steps takes 144 bytes for each of them
WORTH = (2**17, 2**20)
_DIRECT = F.conv2d


@contextmanager
def filtering() -> Iterator[None]:
    """Within, wide convolutions in float32 on the processor, of which gradients are asked, use minimal filtering.

    ``F.conv2d`` is another function there, since a mode of torch does not see what the backward pass computes again.
    Where a project has put its own function in that place, that one stays.
    """
    before = F.conv2d
    if before in (_DIRECT, _conv2d):  # the second within another
        F.conv2d = _conv2d  # type: ignore[assignment]
    try:
        yield
    finally:
        if F.conv2d is _conv2d:
            F.conv2d = before


def takes_all(conv: nn.Conv2d, maps: Sequence[Tensor]) -> bool:
    """Whether ``conv`` of these maps, concatenated along their channels, will be filtered."""
    if F.conv2d is not _conv2d or not torch.is_grad_enabled():
        return False
    whole = maps[0][:, :1].expand(-1, sum(x.shape[1] for x in maps), -1, -1)
    return conv.padding_mode == "zeros" and _is_worth(
        whole, conv.weight, conv.stride, conv.padding, conv.dilation, conv.groups
    )


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """``F.conv2d``, of which it has the arguments."""
    plain = type(input) is Tensor and type(weight) in (Tensor, nn.Parameter) and input.dim() == 4
    learns = torch.is_grad_enabled() and (input.requires_grad or weight.requires_grad)
    if plain and learns and _is_worth(input, weight, stride, padding, dilation, groups):
        found: Tensor = _Filtered.apply(input, weight, bias, winograd.both(dilation)[0])  # type: ignore[no-untyped-call]
        return found
    return _DIRECT(input, weight, bias, stride, padding, dilation, groups)


def _is_worth(x: Tensor, weight: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> bool:
    outputs, channels, *kernel = weight.shape
    if kernel != [3, 3] or weight.dtype != torch.float32 or not WORTH[0] <= outputs * channels <= WORTH[1]:
        return False
    return not torch.compiler.is_compiling() and winograd.suits(x, outputs, stride, padding, dilation, groups)


class _Filtered(torch.autograd.Function):
    """conv2d of (B, C, H, W), (K, C, 3, 3) and a bias or none to (B, K, H, W), laid out in memory as the input is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        return _as(x, winograd.convolved(x, winograd.transformed(weight), bias, dilation))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        found: list[Tensor | None] = [None, None, None, None]
        if ctx.needs_input_grad[0]:
            turned = winograd.transformed(weight.flip(2, 3).transpose(0, 1))
            found[0] = _as(x, winograd.convolved(gradient, turned, None, ctx.dilation))
        if ctx.needs_input_grad[1]:
            found[1] = winograd.weight_gradient(x, gradient, ctx.dilation)
        if ctx.needs_input_grad[2]:
            found[2] = gradient.sum((0, 2, 3))
        return tuple(found)


def _as(x: Tensor, found: Tensor) -> Tensor:
    """``found``, which lies channels last, as ``x`` does: what follows would go on in another layout."""
    last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return found if last else found.contiguous()
