"""The last look at what a pickle described: whoever walks it afterwards must come to an end."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from segue.checkpoints.safe.inert import ArrayInProgress, StandIn
from segue.checkpoints.safe.limits import MAX_DEPTH, Budget

CONTAINERS = (dict, list, tuple, set, frozenset, StandIn, ArrayInProgress)


def check_tree(root: Any, budget: Budget, opcodes: int) -> None:
    """Refuse cycles, exponential sharing, great depth and endless repetition in ``root``, which took ``opcodes`` steps.

    Stand-ins may form cycles (omegaconf nodes know their parents): each is visited once, and its repr shows no
    contents.
    """
    if not isinstance(root, CONTAINERS):
        weigh(root, budget)
        return
    limit = 100_000 + 4 * opcodes  # an honest file spends about one opcode per reference
    visited = 0
    seen: set[int] = set()
    pending: list[tuple[Any, int]] = [(root, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, ArrayInProgress):
            raise budget.damaged("an array has no data")
        if isinstance(value, StandIn):
            if id(value) in seen:
                continue
            seen.add(id(value))
            depth = 0
        children = children_of(value)
        visited += len(children) + 1
        if visited > limit or depth > MAX_DEPTH:
            raise budget.refused("nests its objects so that they would never end")
        for child in children:
            if isinstance(child, CONTAINERS):
                pending.append((child, depth + 1))
            else:
                weigh(child, budget)
        if isinstance(value, dict):
            for key in value:
                weigh(key, budget)


def weigh(leaf: Any, budget: Budget) -> None:
    """Pay for a leaf at one of its places, as if it were there alone."""
    if isinstance(leaf, (str, bytes, bytearray)):
        budget.unfold(len(leaf))
    elif isinstance(leaf, np.ndarray):
        budget.unfold(leaf.nbytes)
    elif isinstance(leaf, torch.Tensor):
        budget.unfold_tensor(leaf.numel() * leaf.element_size())
    elif isinstance(leaf, int):
        budget.unfold(leaf.bit_length() // 8)


def children_of(value: Any) -> Any:
    """What a container holds, without dictionary keys, which are plain data already."""
    if isinstance(value, StandIn):
        return [value.args, value.state, value.items, value.entries]
    if isinstance(value, OrderedDict):
        return [*value.values(), getattr(value, "_metadata", None)]
    return list(value.values()) if isinstance(value, dict) else value
