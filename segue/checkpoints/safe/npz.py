"""``.npz`` files: a zip of ``.npy`` arrays, as JAX projects publish their weights. Only numbers are read."""

from __future__ import annotations

import io
import math
from tokenize import TokenError
from typing import Any

import numpy as np

from segue.checkpoints.safe.archive import Archive

KINDS = "biufc"


def is_npz(archive: Archive) -> bool:
    """Whether a zip file holds arrays and nothing else."""
    return bool(archive.entries) and all(name.endswith(".npy") for name in archive.entries)


def read_npz(archive: Archive) -> dict[str, Any]:
    """The arrays by name."""
    budget = archive.budget
    found: dict[str, Any] = {}
    for name, entry in archive.entries.items():
        file = io.BytesIO(archive.read(entry))
        try:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = header(file)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError) as error:
            raise budget.damaged(f"its array {name} has no readable header") from error
        if dtype.kind not in KINDS:
            raise budget.refused(f"holds {name}, an array of {dtype} rather than numbers")
        data = file.getbuffer()[file.tell() :]
        if min(shape, default=0) < 0 or len(data) != math.prod(shape) * dtype.itemsize:
            raise budget.damaged(f"its array {name} has {len(data)} bytes, which do not fit its shape {shape}")
        values = np.frombuffer(data, dtype) if len(data) else np.zeros(0, dtype)
        native = values.astype(dtype.newbyteorder("="))  # a copy, so that the entry's bytes can go
        found[name.removesuffix(".npy")] = native.reshape(shape, order="F" if fortran else "C")
    return found
