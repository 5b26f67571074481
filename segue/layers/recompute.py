"""Memory for time: activations computed again when the gradient needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ParamSpec, TypeVar

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from segue.layers.watched import unnoticed

P = ParamSpec("P")
T = TypeVar("T")


def recompute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args)``, whose activations are not kept but computed again in the backward pass."""
    run: Callable[..., T] = checkpoint
    return run(function, *args, use_reentrant=False, **kwargs)


def in_turn(x: Tensor, *layers: nn.Module) -> Tensor:
    """``layers`` one after the other; what a GELU or SiLU among them, or in a sequence of them, makes is not kept.

    What the activation takes, or a depthwise convolution before it, is kept anyway, for its own gradient; in the
    backward pass, what the next linear layer or convolution needs is made of that again, which costs little beside the
    layer. Result and gradients are the same bit for bit.

    Where a call twice would be noticed, or the model is traced or compiled, the layers are called as they are.
    """
    freely = unnoticed(x, layers)
    rest = list(_single(layers) if freely else layers)
    while rest:
        again = _made_again(rest) if freely and x.requires_grad else 0
        x = recompute(nn.Sequential(*rest[:again]), x) if again else rest[0](x)
        del rest[: max(again, 1)]
    return x


def _single(layers: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """``layers``, and instead of sequences what is in them."""
    for layer in layers:
        if type(layer) is nn.Sequential:
            yield from _single(layer)
        else:
            yield layer


def _made_again(layers: Sequence[nn.Module]) -> int:
    """How many ``layers`` an activation that leads them, dropout behind it, and the layer that takes its result are.

    A depthwise convolution may stand before the activation. 0 where it is otherwise: another class, such as one with a
    parametrization, may do more than compute its result.
    """
    first = next((at for at, layer in enumerate(layers) if not _is_depthwise(layer)), len(layers))
    if first > 1 or first == len(layers):
        return 0
    act = layers[first]
    if not (type(act) is nn.GELU or (type(act) is nn.SiLU and not act.inplace)):
        return 0
    behind = next((at for at, layer in enumerate(layers) if at > first and type(layer) is not nn.Dropout), 0)
    return behind + 1 if behind and type(layers[behind]) in (nn.Linear, nn.Conv2d) else 0


def _is_depthwise(layer: nn.Module) -> bool:
    """Whether a layer is a convolution of each channel by itself, which costs little."""
    return type(layer) is nn.Conv2d and layer.groups == layer.in_channels == layer.out_channels > 1
