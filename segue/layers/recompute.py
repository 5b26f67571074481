"""Memory for time: activations computed again when the gradient needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from segue.layers.watched import is_watched

P = ParamSpec("P")
T = TypeVar("T")


def recompute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args)``, whose activations are not kept but computed again in the backward pass."""
    run: Callable[..., T] = checkpoint
    return run(function, *args, use_reentrant=False, **kwargs)


def in_turn(x: Tensor, *layers: nn.Module) -> Tensor:
    """``layers`` one after the other; what a GELU or SiLU among them, or in a sequence of them, makes is not kept.

    Its argument is kept anyway, for its own gradient; in the backward pass, what the next layer needs is made of that
    again, which costs little beside the layer. Result and gradients are the same bit for bit.

    Where a call twice would be noticed, or the compiler decides what is kept, the layers are called as they are.
    """
    unnoticed = _unnoticed(layers)
    rest = list(_single(layers) if unnoticed else layers)
    while rest and not (unnoticed and x.requires_grad and _cheap(rest[0])):
        x = rest.pop(0)(x)
    return recompute(nn.Sequential(*rest), x) if rest else x


def _single(layers: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """``layers``, and instead of sequences what is in them."""
    for layer in layers:
        if type(layer) is nn.Sequential:
            yield from _single(layer)
        else:
            yield layer


def _cheap(layer: nn.Module) -> bool:
    return type(layer) is nn.GELU or (type(layer) is nn.SiLU and not layer.inplace)


def _unnoticed(layers: Iterable[nn.Module]) -> bool:
    """Whether nobody sees that ``layers``, or parts of them, are called twice."""
    if not torch.is_grad_enabled() or torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return False
    return not any("forward" in vars(part) or is_watched(part) for layer in layers for part in layer.modules())
