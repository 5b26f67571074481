"""Storages and the tensors that look at them: every offset, size and stride is checked before torch sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from segue.checkpoints.safe.limits import Budget

MAX_DIMS = 64
MAX_ELEMENTS = 1 << 60
MAX_EXPANDED = 1 << 20  # elements that a tensor with stride 0 may show beyond what its storage has

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        "float16", "half", "bfloat16", "float32", "float", "float64", "double", "complex32", "complex64", "complex128",
        "uint8", "int8", "int16", "short", "int32", "int", "int64", "long", "bool", "uint16", "uint32", "uint64",
        "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz",
    )
}  # fmt: skip

STORAGE_DTYPES: dict[str, torch.dtype | None] = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128, "UntypedStorage": None,
}  # fmt: skip


@dataclass(frozen=True)
class StorageType:
    """A storage class that a file names; ``dtype`` is None for bytes that get their type from the tensor."""

    dtype: torch.dtype | None

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize if self.dtype else 1


@dataclass
class Storage:
    """A stretch of memory: ``numel`` elements of ``kind`` from element ``start`` of ``data`` on."""

    data: torch.UntypedStorage
    kind: StorageType
    numel: int
    start: int = 0


@dataclass(frozen=True)
class StorageRecord:
    """What a persistent id says: ``("storage", class, key, device, elements[, view])``; the device is ignored."""

    kind: StorageType
    key: str
    numel: int
    view: tuple[str, int, int] | None

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.numel * self.kind.itemsize


def storage_record(budget: Budget, pid: Any) -> StorageRecord:
    """Check the form of a persistent id."""
    if type(pid) is not tuple or len(pid) not in (5, 6) or pid[0] != "storage":
        raise budget.damaged("a storage is not described as torch describes one")
    kind, key, numel = pid[1], pid[2], pid[4]
    view = pid[5] if len(pid) == 6 else None
    if not isinstance(kind, StorageType) or type(key) is not str or not is_count(numel):
        raise budget.damaged("a storage is not described as torch describes one")
    if view is not None:
        named = type(view) is tuple and len(view) == 3 and type(view[0]) is str
        if not named or not is_count(view[1]) or not is_count(view[2]) or view[1] + view[2] > numel:
            raise budget.damaged("a view of a storage reaches outside it")
    if numel * kind.itemsize > budget.size:
        raise budget.damaged(f"a storage of {numel} elements is declared in a file of {budget.size} bytes")
    return StorageRecord(kind, key, numel, view)


def is_count(value: Any) -> bool:
    """Whether ``value`` is a plain integer that can count elements."""
    return type(value) is int and 0 <= value < MAX_ELEMENTS


def tensor(budget: Budget, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> torch.Tensor:
    """``torch._utils._rebuild_tensor`` and ``_rebuild_tensor_v2``; gradients and hooks are dropped."""
    if not isinstance(storage, Storage) or storage.kind.dtype is None:
        raise budget.damaged("a tensor has no typed storage")
    return view_of(budget, storage, storage.kind.dtype, offset, size, stride)


def tensor_of_dtype(
    budget: Budget, storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *_: Any
) -> torch.Tensor:
    """``torch._utils._rebuild_tensor_v3``: the storage is bytes, the tensor brings the dtype."""
    if not isinstance(storage, Storage) or dtype not in DTYPES.values() or dtype is torch.bool:
        raise budget.damaged("a tensor has no storage or no dtype")
    return view_of(budget, storage, dtype, offset, size, stride)


def view_of(budget: Budget, storage: Storage, dtype: torch.dtype, offset: Any, size: Any, stride: Any) -> torch.Tensor:
    """A tensor on ``storage``; tensors that share a storage in the file share it here."""
    for name, dims in (("size", size), ("stride", stride)):
        if not isinstance(dims, (tuple, list)) or len(dims) > MAX_DIMS or not all(is_count(n) for n in dims):
            raise budget.damaged(f"a tensor has an impossible {name}")
    if not is_count(offset) or len(size) != len(stride):
        raise budget.damaged("a tensor's size, stride and offset do not fit together")
    start = storage.start + offset
    available = (storage.start + storage.numel) * storage.kind.itemsize // dtype.itemsize
    if math.prod(n for n in size if n) >= MAX_ELEMENTS:
        raise budget.damaged("a tensor has an impossible size")
    numel = math.prod(size)
    last = start + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if numel else start - 1
    if start > available or last >= available or numel > max(available - storage.start, MAX_EXPANDED):
        raise budget.damaged("a tensor reaches outside its storage")
    budget.charge(1000)
    budget.charge_view(numel * dtype.itemsize)
    empty = torch.empty(0, dtype=dtype, device=storage.data.device)
    return empty.set_(storage.data, start, tuple(size), tuple(stride))


def parameter(budget: Budget, data: Any = None, *_: Any) -> torch.Tensor:
    """``torch._utils._rebuild_parameter``: its tensor."""
    if not isinstance(data, torch.Tensor):
        raise budget.damaged("a parameter has no tensor")
    return data


def empty_storage(nbytes: int) -> tuple[torch.UntypedStorage, memoryview]:
    """Uninitialised memory and a writable view of its bytes."""
    buffer = torch.empty(nbytes, dtype=torch.uint8)
    return buffer.untyped_storage(), buffer.numpy().data


def swap_bytes(view: memoryview, dtype: torch.dtype) -> None:
    """Turn the other byte order into ours, in place; complex numbers swap each half."""
    itemsize = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
    if itemsize > 1:
        np.frombuffer(view, f"u{itemsize}").byteswap(inplace=True)
