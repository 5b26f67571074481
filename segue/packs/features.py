"""Arrays of a frozen encoder on disk, by what they were computed from; any number of processes may read and write.

Each writer appends to files of its own: ``NAME.bin`` holds the arrays, ``NAME.rows`` one row of fixed length for each
entry, written after its arrays. A row that was cut off, or whose arrays are not what it says, is as if it were not
there, so an entry is there completely or not at all, and no locks are needed.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import InputError

Array = np.ndarray[Any, Any]
#: ``key`` is of what went in (16 bytes); ``about`` the length of the description before the arrays, ``size`` that of
#: both; ``sum`` their CRC-32, ``own`` the row's.
ROW = np.dtype(
    [("key", "S16"), ("offset", "<u8"), ("size", "<u8"), ("about", "<u4"), ("sum", "<u4"), ("own", "<u4"), ("_", "<u4")]
)
_LARGEST_FILE = 4 << 30


@dataclass(frozen=True)
class _Place:
    file: str
    offset: int
    size: int
    about: int
    sum: int


class FeatureStore:
    """Entries of one encoder in a folder: lists of arrays, each with a name for its kind, by 16 bytes.

    Args:
        folder: made as needed.

    Raises:
        InputError: it cannot be made or written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: features cannot be kept there ({error.strerror or error})") from error
        self._places: dict[bytes, _Place] = {}
        self._read: dict[str, int] = {}  # bytes of each writer's rows that are known
        self._data: Any = None
        self._rows: Any = None
        self._name = ""
        self.stopped = ""  # why nothing is written any more
        self.damaged = 0
        self.refresh()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries that are known."""
        return sum(place.size for place in self._places.values())

    def refresh(self) -> None:
        """Learn of what other processes have written since."""
        for path in self.folder.glob("*.rows"):
            known = self._read.get(path.name, 0)
            try:
                if path.stat().st_size - known < ROW.itemsize:
                    continue
                with path.open("rb") as stream:
                    stream.seek(known)
                    found = stream.read()
            except OSError:
                continue  # another process has just removed it
            rows = np.frombuffer(found[: len(found) // ROW.itemsize * ROW.itemsize], ROW)
            self._read[path.name] = known + rows.nbytes
            data = f"{path.stem}.bin"
            for row in rows:
                if zlib.crc32(row.tobytes()[:-8]) == int(row["own"]):
                    self._places[_padded(row["key"])] = _Place(
                        data, int(row["offset"]), int(row["size"]), int(row["about"]), int(row["sum"])
                    )

    def get(self, key: bytes) -> tuple[Any, list[Array]] | None:
        """What was put under a key: the note, and the arrays as bytes (N,) uint8 each; None where there is nothing."""
        place = self._places.get(key)
        if place is None:
            return None
        buffer = np.empty(place.size, np.uint8)
        try:
            with (self.folder / place.file).open("rb", buffering=0) as stream:
                stream.seek(place.offset)
                if _fill(stream, buffer) != place.size or zlib.crc32(buffer.data) != place.sum:
                    raise ValueError
            about = json.loads(buffer[: place.about].tobytes())
            ends = np.cumsum([place.about, *about["sizes"]])
            if ends[-1] != place.size:
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            self.damaged += 1
            del self._places[key]  # it is computed again
            return None
        return about["note"], [buffer[start:end] for start, end in pairwise(ends)]

    def put(self, key: bytes, note: Any, arrays: Sequence[Array]) -> bool:
        """Write an entry; whether that could be done. After a failure, such as a full disk, nothing more is written.

        Args:
            key: 16 bytes.
            note: what JSON can hold.
            arrays: contiguous, of any kind; their bytes are kept.
        """
        if self.stopped or key in self._places:
            return not self.stopped
        parts = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
        about = json.dumps({"note": note, "sizes": [part.nbytes for part in parts]}).encode()
        total = zlib.crc32(about)
        for part in parts:
            total = zlib.crc32(part.data, total)
        try:
            data, rows = self._files()
            offset = data.tell()
            size = len(about) + sum(part.nbytes for part in parts)
            try:
                for piece in (memoryview(about), *(part.data for part in parts)):
                    _write(data, piece)
                row = np.zeros(1, ROW)
                row[0] = (key, offset, size, len(about), total, 0, 0)
                row["own"] = zlib.crc32(row.tobytes()[:-8])
                _write(rows, memoryview(row.tobytes()))
            except OSError:
                data.truncate(offset)  # gives back what was written of it
                raise
        except OSError as error:
            self.stopped = error.strerror or str(error)
            return False
        self._places[key] = _Place(f"{self._name}.bin", offset, size, len(about), total)
        return True

    def _files(self) -> tuple[Any, Any]:
        """This process's files, new ones when they have grown large."""
        if self._data is not None and self._data.tell() > _LARGEST_FILE:
            self.close()
        if self._data is None:
            self._name = f"{os.getpid():x}-{secrets.token_hex(4)}"
            self._data = (self.folder / f"{self._name}.bin").open("xb", buffering=0)
            self._rows = (self.folder / f"{self._name}.rows").open("xb", buffering=0)
        return self._data, self._rows

    def close(self) -> None:
        """Close this process's files."""
        for file in (self._data, self._rows):
            if file is not None:
                file.close()
        self._data = self._rows = None

    def __del__(self) -> None:
        if hasattr(self, "_rows"):
            self.close()


def _padded(key: Any) -> bytes:
    """A key of a row, of which numpy has taken the zeros at the end."""
    return bytes(key).ljust(16, b"\0")


def _fill(stream: Any, buffer: Array) -> int:
    """Read as many bytes as there are; one call may give fewer."""
    done = 0
    view = buffer.data
    while done < len(view):
        count = stream.readinto(view[done:])
        if not count:
            break
        done += count
    return done


def _write(stream: Any, data: memoryview) -> None:
    """Write all of it; one call may take fewer bytes."""
    data = data.cast("B")
    while len(data):
        data = data[stream.write(data) :]
