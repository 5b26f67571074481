"""numpy's scalars, arrays and dtypes in a pickle, rebuilt from their bytes with every size checked."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import numpy as np

from segue.checkpoints.safe.inert import ArrayInProgress, ArrayType, Name, StandIn
from segue.checkpoints.safe.limits import Budget

NUMBER = re.compile(r"b1|[iu][1248]|f[248]|c8|c16")
TEXT = re.compile(r"[US]\d{1,9}")


def array_type(budget: Budget, code: Any = "", *_: Any) -> ArrayType:
    """What stands for ``numpy.dtype(code, align, copy)``."""
    if isinstance(code, Name):
        code = np.dtype(code.name).str[1:] if code.name in NUMBER_CLASSES else "O8"
    if type(code) is not str or len(code) > 12:
        raise budget.damaged("a numpy type is not named")
    return ArrayType(code)


def array_type_from_state(budget: Budget, target: ArrayType, state: Any) -> None:
    """Apply numpy's dtype state ``(version, byte order, subdtype, names, fields, size, alignment, flags)``."""
    if type(state) is not tuple or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
        raise budget.damaged("a numpy type has no byte order")
    target.order = state[1]
    if any(part is not None for part in state[2:5]):
        target.code = "V"  # records: kept as stand-ins


def scalar(budget: Budget, kind: Any, data: Any = b"", *_: Any) -> Any:
    """``numpy.core.multiarray.scalar``: a numpy number, or text for numpy's text scalars."""
    raw = as_bytes(budget, data)
    if isinstance(kind, ArrayType) and NUMBER.fullmatch(kind.code):
        return numbers(budget, kind, raw, (), "C")[()]
    if isinstance(kind, ArrayType) and TEXT.fullmatch(kind.code):
        if kind.code[0] == "S":
            return raw.rstrip(b"\0")
        return raw.decode("utf-32-be" if kind.order == ">" else "utf-32-le").rstrip("\0")
    return StandIn("numpy", "generic", (repr(kind),))


def announce_array(budget: Budget, kind: Any = None, *_: Any) -> ArrayInProgress:
    """``numpy.core.multiarray._reconstruct``: an array whose shape and bytes follow in its state."""
    if not isinstance(kind, Name):
        raise budget.damaged("an array has no class")
    return ArrayInProgress()


def array_from_state(budget: Budget, state: Any) -> Any:
    """An array from ``(version, shape, dtype, is_fortran, bytes or list)``."""
    if type(state) is not tuple or len(state) not in (4, 5):
        raise budget.damaged("an array has no shape")
    shape, kind, fortran, data = state[-4:]
    return array(budget, kind, data, shape, "F" if fortran else "C")


def array_from_buffer(budget: Budget, data: Any, kind: Any, shape: Any, order: Any = "C") -> Any:
    """``numpy._core.numeric._frombuffer``, the form of protocol 5."""
    return array(budget, kind, data, shape, "F" if order == "F" else "C")


def array(budget: Budget, kind: Any, data: Any, shape: Any, order: Any) -> Any:
    """An array of numbers, or a stand-in for arrays of objects, records and text."""
    if isinstance(kind, ArrayType) and NUMBER.fullmatch(kind.code):
        return numbers(budget, kind, as_bytes(budget, data), shape, order)
    return StandIn("numpy", "ndarray", (shape, repr(kind)), data)


def numbers(budget: Budget, kind: ArrayType, raw: bytes, shape: Any, order: Any) -> np.ndarray:
    """``raw`` as an array of ``shape`` in native byte order; it looks at ``raw`` itself, so it is read-only."""
    if type(shape) is not tuple or len(shape) > 32 or any(type(n) is not int or n < 0 for n in shape):
        raise budget.damaged("an array has an impossible shape")
    dtype = np.dtype(kind.code)
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise budget.damaged("an array's shape does not fit its bytes")
    if kind.code == "b1" and raw.strip(b"\0\1"):
        raise budget.damaged("a boolean array holds other values")
    swapped = (kind.order == ">") != (sys.byteorder == "big") and dtype.itemsize > 1
    budget.charge(len(raw) * swapped + 128)
    values = np.frombuffer(raw, dtype)
    return (values.byteswap() if swapped else values).reshape(shape, order=order)


def as_bytes(budget: Budget, data: Any) -> bytes:
    """The bytes of an array; Python 2 wrote them as text."""
    if type(data) is str:
        return data.encode("latin-1")
    if type(data) not in (bytes, bytearray):
        raise budget.damaged("an array has no bytes")
    return bytes(data)


#: Scalar classes of numpy that a file may name, mostly as the argument of ``dtype``.
NUMBER_CLASSES = (
    "bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
