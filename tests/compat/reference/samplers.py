"""Samplers of pixels and of data: arguments, what is chosen; what is refused."""

from __future__ import annotations

import importlib
from itertools import islice
from typing import Any

import torch

from tests.compat.reference.facts import attributes, look, named, pattern, seed_all, tried

HEAD = {"type": "FCNHead", "in_channels": 4, "channels": 4, "num_classes": 3, "num_convs": 1, "concat_input": False}
CE = {"type": "CrossEntropyLoss"}
TEN = list(range(10))
#: class -> arguments, and for pixel samplers the losses of the head that they belong to
CASES: dict[str, list[tuple[Any, ...]]] = {
    "OHEMPixelSampler": [({"thresh": 0.7, "min_kept": 20}, CE), ({"thresh": 0.7, "min_kept": 200}, CE), ({"thresh":
                         None, "min_kept": 20}, CE), ({"thresh": 0.1, "min_kept": 5}, CE), ({"min_kept": 30}, [CE,
                         {**CE, "loss_weight": 2.0, "loss_name": "loss_b"}])],
    "DefaultSampler": [({"dataset": TEN},), ({"dataset": TEN, "shuffle": False},), ({"dataset": TEN, "seed": 3},),
                       ({"dataset": TEN, "seed": 0, "round_up": False},)],
    "InfiniteSampler": [({"dataset": TEN, "seed": 0},), ({"dataset": TEN, "shuffle": False},), ({"dataset": TEN,
                        "seed": 7},)],
}  # fmt: skip
BAD: dict[str, list[tuple[Any, ...]]] = {
    "OHEMPixelSampler": [({"thresh": 0.7, "min_kept": -1}, CE), ({"thresh": 0.7, "min_kept": 1}, CE)],
    "DefaultSampler": [({},), ({"dataset": 3},)],
    "InfiniteSampler": [({},)],
}
DESIGNED: dict[str, str] = {}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a sampler shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for begins, cases in (("", CASES[name]), ("bad ", BAD.get(name, []))):
        for number, case in enumerate(cases):
            seen = of_pixels if name.endswith("PixelSampler") else of_data
            found[f"{begins}{number}"] = tried(lambda: seen(made_by, *case))  # noqa: B023
    return found


def of_pixels(made_by: Any, arguments: dict[str, Any], losses: Any) -> dict[str, Any]:
    """The weights of the pixels."""
    registry: Any = importlib.import_module("mmseg.registry")
    head = registry.MODELS.build({**HEAD, "loss_decode": losses})
    if "min_kept" in arguments and "thresh" not in arguments:
        with_default = made_by(context=head)
        assert with_default.thresh is None
    sampler = made_by(context=head, **arguments)
    labels = torch.arange(120).view(2, 1, 6, 10) * 7 % 11 % 3
    labels[:, :, 0] = 255
    weights = sampler.sample(3 * pattern(2, 3, 6, 10), labels)
    found = {key: look(value) for key, value in vars(sampler).items() if key in ("thresh", "min_kept")}
    inner = registry.MODELS.build({**HEAD, "sampler": {"type": made_by.__name__, **arguments}, "loss_decode": losses})
    return {**found, "weights": look(weights), "of the head": type(inner.sampler).__name__}


def of_data(made_by: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The numbers that it gives, in two rounds."""
    seed_all(0)
    sampler = made_by(**arguments)
    found: dict[str, Any] = {"attributes": attributes(sampler), "length": len(sampler)}
    if arguments.get("seed") is not None or not arguments.get("shuffle", True):
        found["first"] = list(islice(iter(sampler), 12))
    sampler.set_epoch(2)
    if arguments.get("seed") is not None:
        found["third"] = list(islice(iter(sampler), 12))
    return found
