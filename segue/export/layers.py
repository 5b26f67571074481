"""The first layer at which a file and its model go apart.

A module of the model and a value of the file belong together if the file's last operation of the module's scope made
the value. Of each pair a certificate keeps a few random projections, which tell a change of any number in it, so that
the layer is found again where the model is not there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.export.session import Session

PROJECTIONS = 4
#: by precision, what a layer may differ by, as a share of its root mean square
NOISE = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.4}


@dataclass(frozen=True)
class Pair:
    """A module and the value of the file that it makes.

    Attributes:
        layer: name of the module.
        value: name in the file's graph.
        marks: root mean square of the model's value, then projections of it.
    """

    layer: str
    value: str
    marks: tuple[float, ...]


@dataclass(frozen=True)
class Divergence:
    """Where a file and its model go apart.

    Attributes:
        layer: the first module whose value differs; ``preprocessing`` before all of them.
        after: the last one before it that agrees.
        difference: share of the root mean square.
    """

    layer: str
    after: str
    difference: float


def recorded(model: nn.Module, run: Callable[[], Any]) -> dict[str, np.ndarray]:
    """What each module that ``run`` calls once returns, by name, in the order in which they finish."""
    found: dict[str, np.ndarray] = {}
    calls: dict[str, int] = {}
    hooks = []
    for name, module in model.named_modules():

        def keep(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
            calls[name] = calls.get(name, 0) + 1
            if isinstance(output, Tensor) and output.is_floating_point():
                found[name] = output.detach().float().cpu().numpy().copy()  # a later layer may work in place

        if name:
            hooks.append(module.register_forward_hook(keep))
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return {name: value for name, value in found.items() if calls[name] == 1}


def values_by_layer(proto: Any, prefix: str = "model.") -> dict[str, str]:
    """Name of the value that ends each module's scope, of an ONNX model that torch wrote."""
    found: dict[str, str] = {}
    for node in proto.graph.node:
        notes = {note.key: note.value for note in node.metadata_props}
        try:
            scopes = ast.literal_eval(notes.get("pkg.torch.onnx.name_scopes", "[]"))
        except (ValueError, SyntaxError):
            continue
        for scope in scopes[:-1]:
            if scope.startswith(prefix):
                found[scope.removeprefix(prefix)] = node.output[0]
    return found


def marks(value: np.ndarray) -> tuple[float, ...]:
    """Root mean square and projections."""
    flat = value.astype(np.float64).ravel()
    random = np.random.default_rng(flat.size)
    size = max(float(np.sqrt(np.mean(flat**2))), 1e-12)
    turns = [float(flat @ random.standard_normal(flat.size) / np.sqrt(flat.size)) for _ in range(PROJECTIONS)]
    return (size, *turns)


def apart(wanted: Sequence[float], found: np.ndarray) -> float:
    """How far a value is from the one that was marked, as a share of its root mean square."""
    if not np.isfinite(found).all():
        return float("inf")
    own = marks(found)
    return max(abs(a - b) for a, b in zip(wanted, own, strict=True)) / wanted[0]


def pairs_of(truth: Mapping[str, np.ndarray], names: Mapping[str, str], shapes: Mapping[str, Any]) -> list[Pair]:
    """The modules whose value a file has in the same shape."""
    found = []
    for layer, value in truth.items():
        name = names.get(layer)
        if name is not None and name in shapes and tuple(shapes[name].shape) == value.shape:
            found.append(Pair(layer, name, marks(value)))
    return found


def reached(session: Session, images: np.ndarray, names: Sequence[str]) -> tuple[dict[str, np.ndarray], int]:
    """The values of the first names, as many as the runtime can compute, and how many names these are."""
    try:
        return session.values(images, names), len(names)
    except InputError:
        pass
    values: dict[str, np.ndarray] = {}
    good, bad = 0, len(names)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            values, good = session.values(images, names[:middle]), middle
        except InputError:
            bad = middle
    return values, good


def first_divergence(pairs: Sequence[Pair], values: Mapping[str, np.ndarray], noise: float) -> Divergence | None:
    """The first pair of which the file has another value."""
    after = "the input"
    for pair in pairs:
        found = values.get(pair.value)
        far = float("inf") if found is None else apart(pair.marks, found)
        if far > noise:
            return Divergence(pair.layer, after, far)
        after = pair.layer
    return None
