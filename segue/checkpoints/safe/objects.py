"""Files of one pickled object that is data alone, such as the results that scripts of mmseg 0.x keep in a ``.pkl``.

Writing runs nothing; reading is done by the machine that reads checkpoints.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import torch

from segue.checkpoints.safe.containers import read_legacy
from segue.checkpoints.safe.inert import Name, StandIn
from segue.checkpoints.safe.limits import Budget
from segue.checkpoints.safe.tree import children_of


def read_object(file: str | Path | BinaryIO) -> Any:
    """Numbers, text, lists, dicts and arrays of a pickle.

    Raises:
        CheckpointError: the file is damaged, or names a class or function that is no plain data.
        OSError: there is no such file.
    """
    name = str(getattr(file, "name", "a pickle")) if hasattr(file, "read") else str(file)
    data = file.read() if hasattr(file, "read") else Path(file).read_bytes()
    budget = Budget(name, len(data))
    found = read_legacy(io.BytesIO(data), budget, torch.device("cpu"))
    todo, seen = [found], set()
    while todo:
        value = todo.pop()
        if isinstance(value, (StandIn, Name)):
            raise budget.refused(f"holds an object of {value.module}.{value.name}; only plain data and arrays are read")
        if isinstance(value, (dict, list, tuple, set, frozenset)) and id(value) not in seen:
            seen.add(id(value))
            todo += children_of(value)
    return found


def write_object(value: Any, file: str | Path | BinaryIO, protocol: int = 4) -> None:
    """Pickle ``value`` into a file; of arrays and plain data, other programs and `read_object` can read it."""
    if isinstance(file, (str, Path)):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        with open(file, "wb") as stream:
            pickle.dump(value, stream, protocol=protocol)
    else:
        pickle.dump(value, file, protocol=protocol)
