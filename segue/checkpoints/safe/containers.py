"""The two containers of ``torch.save``: the zip file (PyTorch 1.6 and later) and the legacy stream before it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch

from segue.checkpoints.safe.allowed import resolve
from segue.checkpoints.safe.archive import Archive
from segue.checkpoints.safe.limits import Budget
from segue.checkpoints.safe.npz import is_npz, read_npz
from segue.checkpoints.safe.pickles import Machine
from segue.checkpoints.safe.programs import check_root, is_program, resolve_program, weights_of_program
from segue.checkpoints.safe.storages import Storage, StorageRecord, empty_storage, storage_record, swap_bytes

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
KEY = re.compile(r"[0-9A-Za-z_.\-]{1,200}")


def read_zip(file: BinaryIO, budget: Budget, device: torch.device) -> Any:
    """The object in a file of ``torch.save``, the weights in one of ``torch.jit.save``, the arrays in a ``.npz``."""
    archive = Archive(file, budget)
    try:
        if is_npz(archive):
            return read_npz(archive)
        roots = [name for name in archive.entries if name.endswith("/data.pkl") and name.count("/") == 1]
        program = is_program(archive.entries)
        if len(roots) != 1:
            raise budget.damaged("it is a zip file without the parts of a torch checkpoint")
        prefix = roots[0].removesuffix("data.pkl")
        order = archive.entries.get(prefix + "byteorder")
        swap = order is not None and order.size < 16 and archive.read(order) == b"big"
        root = archive.entries[roots[0]]
        storages = ZipStorages(archive, prefix, swap, device)
        with archive.stream(root) as data:
            if program:
                check_root(data, budget)
            found = Machine(data, root.size, budget, resolve_program if program else resolve, storages).load()
        return weights_of_program(found, budget) if program else found
    finally:
        archive.close()


class ZipStorages:
    """Storages of a zip file, each read when it is first named."""

    def __init__(self, archive: Archive, prefix: str, swap: bool, device: torch.device) -> None:
        self.archive = archive
        self.prefix = prefix
        self.swap = swap
        self.device = device
        self.loaded: dict[str, Storage] = {}

    def __call__(self, pid: Any) -> Storage:
        """The storage that a persistent id names."""
        budget = self.archive.budget
        record = storage_record(budget, pid)
        if record.key not in self.loaded:
            self.loaded[record.key] = self.load(record)
        storage = self.loaded[record.key]
        if (storage.kind, storage.numel) != (record.kind, record.numel) or record.view:
            raise budget.damaged(f"storage {record.key} is described in two ways")
        return storage

    def load(self, record: StorageRecord) -> Storage:
        """Read a storage's bytes into new memory."""
        budget = self.archive.budget
        entry = self.archive.entries.get(f"{self.prefix}data/{record.key}")
        if not KEY.fullmatch(record.key) or entry is None:
            raise budget.damaged("the bytes of a storage are missing")
        if not 0 <= entry.size - record.nbytes < record.kind.itemsize:
            raise budget.damaged(f"storage {record.key} has {entry.size} bytes where {record.nbytes} are declared")
        budget.charge(entry.size)
        data, view = empty_storage(entry.size)
        self.archive.read_into(entry, view)
        check_bools(budget, record, view)
        if self.swap:
            self.archive.close()  # checksums are those of the bytes before the swap
            if record.kind.dtype is None:
                raise budget.refused("was written on a big-endian machine with storages of unknown type")
            swap_bytes(view, record.kind.dtype)
        return Storage(on_device(data, self.device), record.kind, record.numel)


def read_legacy(file: BinaryIO, budget: Budget, device: torch.device) -> Any:
    """The object in a legacy file: magic number, protocol, system, object, storage keys, storage bytes.

    A file that holds a single pickle (arrays saved without torch) is read as well.
    """
    storages = LegacyStorages(budget, device)
    machine = Machine(file, budget.size, budget, resolve, storages)
    first = machine.load()
    if type(first) is not int or first != LEGACY_MAGIC:
        return first
    protocol = machine.load()
    if type(protocol) is not int or protocol != LEGACY_PROTOCOL:
        raise budget.refused("is of a torch format that is older than PyTorch 0.1.10")
    system = machine.load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise budget.refused("was written on a big-endian machine")
    result = machine.load()
    storages.fill(file, machine.load())
    return result


class LegacyStorages:
    """Storages of a legacy file: their bytes follow the object, so memory is reserved first and filled at the end."""

    def __init__(self, budget: Budget, device: torch.device) -> None:
        self.budget = budget
        self.device = device
        self.left = budget.size
        self.loaded: dict[str, Storage] = {}
        self.pending: dict[str, tuple[StorageRecord, torch.UntypedStorage, memoryview]] = {}

    def __call__(self, pid: Any) -> Storage:
        """The storage that a persistent id names, still without its bytes."""
        record = storage_record(self.budget, pid)
        if record.key not in self.loaded:
            self.left -= record.nbytes
            if self.left < 0:
                raise self.budget.damaged("it declares more bytes than it has")
            self.budget.charge(record.nbytes)
            data, view = empty_storage(record.nbytes)
            self.pending[record.key] = (record, data, view)
            # On another device the tensors look at memory there, and the bytes are copied once they are known.
            make: Callable[..., torch.UntypedStorage] = torch.UntypedStorage  # which torch leaves without types
            there = data if self.device.type == "cpu" else make(record.nbytes, device=self.device)
            self.loaded[record.key] = Storage(there, record.kind, record.numel)
        storage = self.loaded[record.key]
        if (storage.kind, storage.numel) != (record.kind, record.numel):
            raise self.budget.damaged("a storage is described in two ways")
        if record.view:
            return Storage(storage.data, storage.kind, record.view[2], record.view[1])
        return storage

    def fill(self, file: BinaryIO, keys: Any) -> None:
        """Read the bytes of all storages, which follow in the order of ``keys``."""
        named = isinstance(keys, list) and all(type(key) is str for key in keys)
        if not named or len(keys) != len(self.pending) or set(keys) != set(self.pending):
            raise self.budget.damaged("its list of storages does not fit its tensors")
        for key in keys:
            record, data, view = self.pending[key]
            count = int.from_bytes(file.read(8), "little")
            if count != record.numel:
                raise self.budget.damaged(f"a storage has {count} elements where {record.numel} are declared")
            if file.readinto(view) != record.nbytes:  # type: ignore[attr-defined]
                raise self.budget.damaged("it ends too early")
            check_bools(self.budget, record, view)
            if self.device.type != "cpu":
                self.loaded[key].data.copy_(data)


def on_device(data: torch.UntypedStorage, device: torch.device) -> torch.UntypedStorage:
    """The storage itself on the CPU, a copy elsewhere."""
    return data if device.type == "cpu" else data.to(device=device)


def check_bools(budget: Budget, record: StorageRecord, view: memoryview) -> None:
    """A boolean that is neither 0 nor 1 makes torch's kernels misbehave."""
    if record.kind.dtype is torch.bool and np.frombuffer(view, np.uint8).max(initial=0) > 1:
        raise budget.damaged("a boolean tensor holds other values")
