"""Who would notice that a module is not called as it is written."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def is_watched(module: nn.Module) -> bool:
    """Whether hooks look at what goes into ``module``, what comes out, or at gradients of either."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def unnoticed(x: Tensor, layers: Iterable[nn.Module]) -> bool:
    """Whether ``layers`` may be called twice, or with something else than ``x``, in training, without anyone seeing."""
    traced = not isinstance(x, Tensor) or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if traced or not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return False
    if torch._C._are_functorch_transforms_active():
        return False
    return not any("forward" in vars(part) or is_watched(part) for layer in layers for part in layer.modules())
