"""Low-rank adapters: beside a weight that stays, two small matrices that are trained (LoRA, Hu et al. 2021,
arXiv:2106.09685, section 4.1).

A layer with an adapter computes with ``W + alpha / r * B A``. The sum is formed where the weight is asked for, so the
layer may be called or its weight be used by an attention that has queries, keys and values in one matrix, and merging
changes no number. ``W`` keeps its name in the state dict; ``lora_A``, ``lora_B`` and ``lora_scale`` stand beside it.
Deviation: dropout leaves out input channels of an adapter, for all tokens of a step alike.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError, nearest

#: by the last part of a layer's name, what gets an adapter where nothing is named: what makes queries and values
ATTENTION = ("qkv", "in_proj", "q", "v", "kv", "query", "value", "q_proj", "v_proj", "to_q", "to_v", "to_kv", "to_qkv")


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Adapters of a backbone (the config's ``lora``).

    Attributes:
        r: rank of the adapters, less than the sides of the matrices.
        targets: names of linear layers, or their ends (``qkv``, ``attn.proj``), or patterns (``blocks.1?.*``, ``*``);
            a ``nn.MultiheadAttention``'s joint matrix is called ``in_proj``. None: queries and values of attention.
        alpha: the product is scaled by ``alpha / r``; None: by 1.
        dropout: share of the input channels that an adapter does not see in a step.

    Raises:
        InputError: a rank below 1, an ``alpha`` that is not positive, a dropout outside [0, 1), no target.
    """

    r: int = 8
    targets: str | Sequence[str] | None = None
    alpha: float | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.r, bool) or self.r < 1:
            raise InputError(f"lora: r={self.r!r}; a rank of 1 or more is expected")
        if self.alpha is not None and not 0 < self.alpha < math.inf:
            raise InputError(f"lora: alpha={self.alpha}; more than 0 is expected (the default is r)")
        if not 0 <= self.dropout < 1:
            raise InputError(f"lora: dropout={self.dropout}; a share from 0 to below 1 is expected")
        names = self.names
        if names is not None and (not names or not all(isinstance(name, str) and name for name in names)):
            raise InputError(f"lora: targets={self.targets!r}; names of layers are expected, or leave it out")

    @property
    def names(self) -> list[str] | None:
        """``targets`` as a list."""
        return [self.targets] if isinstance(self.targets, str) else None if self.targets is None else list(self.targets)


class Adapted:
    """A layer with an adapter, in front of the layer's own class."""

    lora_weight: ClassVar[str]  # its name
    lora_bare: ClassVar[type]  # the class without the adapter

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _blank, (type(self).lora_bare, type(self).lora_weight), self.__dict__


def _sum(layer: Any) -> Tensor:
    """The weight (out, in) that a layer with an adapter computes with."""
    weight: Tensor = layer._parameters[type(layer).lora_weight]
    down: Tensor = layer.lora_A
    if layer.training and layer.lora_dropout > 0:
        down = down * F.dropout(torch.ones_like(down[:1]), layer.lora_dropout)
    total: Tensor = weight + layer.lora_scale * (layer.lora_B @ down)
    return total


@functools.cache
def _class_of(bare: type[Any], name: str) -> type[Any]:
    """The class of a layer of class ``bare`` with an adapter of its weight ``name``."""
    fields: dict[str, Any] = {name: property(_sum), "lora_weight": name, "lora_bare": bare}
    fields |= {"__module__": __name__, "__doc__": bare.__doc__}
    return type(bare.__name__, (Adapted, bare), fields)


def _blank(bare: type, name: str) -> Any:
    """A layer with an adapter before it has its state, for copies."""
    cls: Any = _class_of(bare, name)
    return cls.__new__(cls)


def linear_layers(module: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """What can have an adapter: (layer, name of its weight) by the name that ``targets`` match."""
    found: dict[str, tuple[nn.Module, str]] = {}
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear) and layer._parameters.get("weight") is not None:
            found[name] = (layer, "weight")
        elif layer._parameters.get("in_proj_weight") is not None:
            found[f"{name}.in_proj"] = (layer, "in_proj_weight")
    return found


def adapt(module: nn.Module, lora: Lora, but: Sequence[str] = ()) -> list[str]:
    """Give layers of a backbone adapters, which change nothing before they are trained; the names of these layers.

    Args:
        module: the backbone.
        lora: which layers, and the adapters' size.
        but: names of parts that get none.

    Raises:
        InputError: a target that is nowhere, a rank that is too large, a layer that has an adapter already.
    """
    layers = linear_layers(module)
    chosen = _chosen(type(module).__name__, layers, lora.names)
    chosen = [name for name in chosen if not any(name.startswith(f"{part}.") for part in but)]
    if not chosen:
        raise InputError(f"lora: all layers that targets name are in the frozen parts of {type(module).__name__}")
    for name in chosen:
        layer: Any = layers[name][0]
        parameter = layers[name][1]
        weight = layer._parameters[parameter]
        if isinstance(layer, Adapted) or "lora_A" in layer._parameters:
            raise InputError(f"lora: {name} of {type(module).__name__} has an adapter already")
        if lora.r > min(weight.shape):
            sides = "x".join(map(str, weight.shape))
            raise InputError(f"lora: r={lora.r} is more than the smaller side of {name}, whose weight is {sides}")
        layer.lora_A = nn.Parameter(torch.empty_like(weight[: lora.r], requires_grad=False))
        layer.lora_B = nn.Parameter(torch.zeros_like(weight[:, : lora.r], requires_grad=False))
        nn.init.kaiming_uniform_(layer.lora_A, a=math.sqrt(5))
        scale = 1.0 if lora.alpha is None else lora.alpha / lora.r
        layer.register_buffer("lora_scale", weight.new_tensor(scale))
        layer.lora_dropout = lora.dropout
        bare: Any = type(layer)
        layer.__class__ = _class_of(bare, parameter)
    return chosen


def _chosen(owner: str, layers: dict[str, Any], targets: list[str] | None) -> list[str]:
    """The names of layers that targets mean, in the backbone's order."""
    if targets is None:
        found = [name for name in layers if name.rpartition(".")[2] in ATTENTION]
        if not found:
            some = f"; name layers of it by targets: {_ends(layers)}" if layers else ", nor any other linear layer"
            raise InputError(f"lora: {owner} has no attention layers such as qkv, q or v{some}")
        return found
    wanted: set[str] = set()
    for target in targets:
        plain = target.removesuffix(".weight").removesuffix("_weight")
        pattern = any(sign in plain for sign in "*?[")
        matched = [
            name for name in layers if (fnmatchcase(name, plain) if pattern else f".{name}".endswith(f".{plain}"))
        ]
        if not matched:
            hint = nearest(plain, _last(layers), listed=0) or f"; there are: {_ends(layers)}"
            raise InputError(f"lora: targets: {target!r} is no linear layer of {owner}{hint}")
        wanted.update(matched)
    return [name for name in layers if name in wanted]


def _last(layers: dict[str, Any]) -> list[str]:
    """The different ends of names, without numbers, longest and shortest."""
    ends: dict[str, None] = {}
    for name in layers:
        parts = [part for part in name.split(".")[-2:] if not part.isdigit()] or [name]
        ends[".".join(parts)] = ends[parts[-1]] = None
    return list(ends)


def _ends(layers: dict[str, Any]) -> str:
    """The same for a message."""
    ends = sorted({end for end in _last(layers) if "." in end} or set(_last(layers)))
    return (", ".join(ends[:12]) + (" ..." if len(ends) > 12 else "")) or "none"


@torch.no_grad()
def merge(model: nn.Module) -> int:
    """Add adapters to the weights beside them, and take them away; how many there were."""
    layers = adapted_layers(model).values()
    for layer in layers:
        mode, layer.training = layer.training, False
        layer._parameters[type(layer).lora_weight].copy_(_sum(layer))
        layer.training = mode
        del layer.lora_A, layer.lora_B, layer.lora_scale, layer.lora_dropout
        layer.__class__ = type(layer).lora_bare
    return len(layers)


def adapted_layers(model: nn.Module) -> dict[str, Any]:
    """The layers that have an adapter, by name."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, Adapted)}


@contextmanager
def without_adapters(model: nn.Module) -> Iterator[None]:
    """Let code that sets weights, such as ``init_weights``, have them without the adapters' part."""
    kept = {layer: type(layer) for layer in adapted_layers(model).values()}
    for layer, cls in kept.items():
        layer.__class__ = cls.lora_bare
    try:
        yield
    finally:
        for layer, cls in kept.items():
            layer.__class__ = cls
