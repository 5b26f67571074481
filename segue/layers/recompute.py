"""Memory for time: activations computed again when the gradient needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from torch.utils.checkpoint import checkpoint

P = ParamSpec("P")
T = TypeVar("T")


def recompute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args)``, whose activations are not kept but computed again in the backward pass."""
    run: Callable[..., T] = checkpoint
    return run(function, *args, use_reentrant=False, **kwargs)
