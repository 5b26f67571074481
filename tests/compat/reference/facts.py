"""What is recorded of the reference and compared with Segue: numbers of arrays, plain values, errors by their type.

Every module beside this one has ``CASES`` and ``observe(case)``, which run under both toolboxes by the names of mmseg;
``tools/record_reference.py`` writes what mmseg 1.2.2 gives to ``tests/compat/data/reference``.
"""

from __future__ import annotations

import gzip
import importlib
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from math import isnan, prod
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import torch
from torch import Tensor

DATA = Path(__file__).parents[1] / "data" / "reference"


def pattern(*shape: int, seed: int = 0) -> Tensor:
    """Numbers between -1 and 1 that look random, the same everywhere."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898 + seed * 0.7).float().view(shape)


def seed_all(seed: int) -> None:
    """Of every generator that a component draws from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def look(value: Any) -> Any:
    """A value as JSON: arrays by shape, dtype, a sum in which places count, and the first numbers."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.ndim:
        flat = value.astype(np.float64).ravel()
        with np.errstate(all="ignore"):
            weighed = float((flat * np.cos(np.arange(flat.size) * 0.37)).sum())
            scale = float(np.abs(flat).sum())
        return {"shape": list(value.shape), "dtype": str(value.dtype), "sum": [weighed, scale],
                "first": flat[:4].tolist()}  # fmt: skip
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    if isinstance(value, str):
        return re.sub(rf"{re.escape(gettempdir())}/\w+/", "", value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): look(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [look(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(look(item) for item in value)
    if hasattr(value, "metainfo"):
        return {"metainfo": look(value.metainfo), **{key: look(item.data) for key, item in sorted(value.items())}}
    return f"a {type(value).__name__}"


def attributes(made: Any) -> dict[str, Any]:
    """The public attributes that hold plain values."""
    found = {}
    for key, value in sorted(vars(made).items()):
        if not key.startswith("_") and key not in ("training", "init_cfg"):
            seen = look(value)
            if not any(text.startswith("a ") for text in strings(seen)):
                found[key] = seen
    return found


def strings(value: Any) -> Iterator[str]:
    """Every text within."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


def tried(call: Callable[[], Any]) -> Any:
    """What a call gives, or the types of the error that it raises, nearest first."""
    try:
        return call()
    except Exception as error:
        return {"raises": [base.__name__ for base in type(error).__mro__]}


def named(module: str, name: str) -> Any:
    """A class, by the module that defines it in the reference."""
    return getattr(importlib.import_module(module), name)


def recorded(kind: str) -> dict[str, Any]:
    """What the reference gave for every case of a kind."""
    found: dict[str, Any] = json.loads(gzip.decompress((DATA / f"{kind}.json.gz").read_bytes()))
    return found


def differences(own: Any, other: Any, path: str = "", rel: float = 1e-4) -> Iterator[str]:
    """Where what Segue gives is not what the reference gave; what Segue has beside it does not count."""
    if isinstance(other, dict) and "raises" in other:
        given = own.get("raises") if isinstance(own, dict) else None
        if given is None:
            yield f"{path}: {other['raises'][0]} in the reference, {own}"
        elif other["raises"][0] not in given:
            yield f"{path}.error: {other['raises'][0]} in the reference, {given[0]}"
    elif isinstance(other, dict) and isinstance(own, dict) and "raises" not in own:
        for key, value in other.items():
            if key == "first" and len(own.get(key, ())) == len(value) and "sum" in other:
                size = other["sum"][1] / max(prod(other["shape"]), 1)
                yield from (f"{path}.{each}".lstrip(".") for each in _single(own[key], value, size, rel))
            elif key in own:
                yield from differences(own[key], value, f"{path}.{key}".lstrip("."), rel)
            else:
                yield f"{path}.{key}".lstrip(".") + f": {value} in the reference, nothing"
    elif isinstance(other, list) and isinstance(own, list) and len(own) == len(other):
        if path.endswith(".sum"):
            if abs(own[0] - other[0]) > rel * (other[1] + 1e-3) or abs(own[1] - other[1]) > rel * (other[1] + 1e-3):
                yield f"{path}: {other} in the reference, {own}"
        else:
            for number, (mine, theirs) in enumerate(zip(own, other, strict=True)):
                yield from differences(mine, theirs, f"{path}[{number}]", rel)
    elif isinstance(other, (int, float)) and isinstance(own, (int, float)):
        if abs(own - other) > rel * max(abs(other), 1e-1 if isinstance(other, float) else 0):
            yield f"{path}: {other} in the reference, {own}"
    elif own != other:
        yield f"{path}: {other!r} in the reference, {own!r}"


def _single(own: list[float], other: list[float], size: float, rel: float) -> Iterator[str]:
    """The first numbers of an array whose numbers have the mean size ``size``.

    What rounding does to one of them goes by what it was summed from, not by the little that may be left of it. Over
    the instruction sets that oneDNN and PyTorch can be held to, no backbone's differs by more than 3.1e-5 of that
    size, ResNeSt's aside: the default of ``rel`` is three times as much. As of plain numbers, 0.1 counts as a size.
    """
    for number, (mine, theirs) in enumerate(zip(own, other, strict=True)):
        near = abs(mine - theirs) <= rel * max(abs(theirs), size, 1e-1)
        if not (near or mine == theirs or (isnan(mine) and isnan(theirs))):
            yield f"first[{number}]: {theirs} in the reference, {mine}"


def unexpected(case: str, own: Any, other: Any, designed: Mapping[str, str], rel: float = 1e-4) -> list[str]:
    """The differences that are not by design; ``designed`` maps patterns of ``case/path`` to the reason."""
    found = differences(own, other, "", rel)
    return [each for each in found if not any(fnmatch(f"{case}/{each}", f"{key}:*") for key in designed)]
