"""Who would notice that a module is not called as it is written."""

from __future__ import annotations

from torch import nn


def is_watched(module: nn.Module) -> bool:
    """Whether hooks look at what goes into ``module``, what comes out, or at gradients of either."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
