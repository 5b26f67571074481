"""Reading a pack by window."""

from __future__ import annotations

import json
import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError, InputError
from segue.images.limits import check_file
from segue.images.read import Array
from segue.images.window import Window
from segue.packs.layout import (
    DTYPES,
    HEADER,
    IMAGE,
    KEYS,
    LABELS,
    RECORD,
    RECORDS,
    VERSION,
    content_of,
    key_of,
    shard_name,
)
from segue.types import Size


class PackedImage:
    """A picture in a shard."""

    def __init__(self, pack: Pack, record: Any, name: str) -> None:
        self.pack = pack
        self.name = name
        self.size: Size = (int(record["height"]), int(record["width"]))
        self.dtype = np.dtype(DTYPES[int(record["dtype"])])
        bands = int(record["bands"])
        self._row: tuple[int, ...] = (self.size[1], bands) if bands else (self.size[1],)
        self._shard, self._offset = int(record["shard"]), int(record["offset"])
        self._values = record["values"]

    @property
    def values(self) -> Array | None:
        """The values that a uint8 label map has, ascending (N,) uint8; None of another."""
        return None if self.dtype != np.uint8 else np.flatnonzero(np.unpackbits(self._values)).astype(np.uint8)

    def read(self, window: Window) -> Array:
        """The pixels of a window; only its rows are read."""
        top, bottom = window[0].start or 0, self.size[0] if window[0].stop is None else window[0].stop
        rows = np.empty((bottom - top, *self._row), self.dtype)
        row_bytes = math.prod(self._row) * self.dtype.itemsize
        self.pack.read_into(rows.reshape(-1).view(np.uint8).data, self._shard, self._offset + top * row_bytes)
        return rows[:, window[1]]


class Pack:
    """A folder that ``segue pack`` wrote; any number of processes may read it.

    Args:
        folder: the folder.

    Raises:
        DataError: it is not there, not complete, or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        header = self.folder / HEADER
        if not header.is_file():
            what = "was not finished; run segue pack again, it goes on" if self.folder.is_dir() else "does not exist"
            raise DataError(f"{self.folder}: no pack: {header.name} is missing, the folder {what}")
        try:
            about = json.loads(header.read_text(encoding="utf-8"))
            self.version = about["version"]
            self.color_type, self.backend = str(about["color_type"]), str(about["imdecode_backend"])
            shards: dict[str, int] = about["shards"]
            check_file(self.folder / KEYS)
            check_file(self.folder / RECORDS)
            self._keys = np.load(self.folder / KEYS, mmap_mode="r", allow_pickle=False)
            self._records = np.load(self.folder / RECORDS, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.folder}: damaged pack: {error!r}; remove the folder and run segue pack") from error
        if self.version != VERSION or self._records.dtype != RECORD or len(self._keys) != len(self._records):
            raise DataError(
                f"{self.folder}: a pack of version {self.version}, this Segue reads {VERSION}; run segue pack again"
            )
        for name, size in shards.items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise DataError(f"{path}: missing or not {size} bytes long; remove it and run segue pack again")
        self._files: dict[int, int] = {}
        self._unchanged: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Pack.__init__(self, state["folder"])

    def __deepcopy__(self, memo: dict[int, Any]) -> Pack:
        return self  # it comes with each sample

    def picture(self, path: str, name: str, kind: int) -> PackedImage:
        """The picture that was made from the file ``path``, called ``name`` in the pack.

        Raises:
            DataError: it is not in the pack, or the file is another than then.
        """
        place = int(np.searchsorted(self._keys, np.uint64(key_of(name, kind))))
        if place == len(self._keys) or int(self._keys[place]) != key_of(name, kind):
            what = "label map" if kind == LABELS else "image"
            raise DataError(
                f"{path}: this {what} is not in the pack {self.folder}; run segue pack again, which adds it"
            )
        record = self._records[place]
        self._check_source(path, place, record)
        return PackedImage(self, record, path)

    def _check_source(self, path: str, place: int, record: Any) -> None:
        try:
            found = os.stat(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
        if (found.st_size, found.st_mtime_ns) == (
            int(record["bytes"]),
            int(record["mtime"]),
        ) or place in self._unchanged:
            return
        if content_of(path) != record["content"].tobytes():
            raise DataError(
                f"{path}: has changed since it was packed into {self.folder}; run segue pack again, which packs "
                "what has changed"
            )
        self._unchanged.add(place)  # only copied or touched

    def read_into(self, target: memoryview, shard: int, offset: int) -> None:
        """Fill ``target`` with the bytes of a shard from ``offset``."""
        path = self.folder / f"{shard_name(shard)}.bin"
        with self._lock:
            file = self._files.get(shard)
            if file is None:
                file = self._files[shard] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            while len(target):
                if hasattr(os, "preadv"):  # forked workers share the position in a file, so it must not matter
                    count = os.preadv(file, [target], offset)
                else:
                    os.lseek(file, offset, os.SEEK_SET)
                    block = os.read(file, len(target))
                    count = len(block)
                    target[:count] = block
                if count == 0:
                    raise DataError(f"{path}: ends too early; remove it and run segue pack again")
                target, offset = target[count:], offset + count

    def __del__(self) -> None:
        for file in getattr(self, "_files", {}).values():
            os.close(file)


@dataclass(frozen=True)
class PackRoot:
    """A pack as one dataset uses it: names in the pack are paths below ``root``."""

    pack: Pack
    root: str

    def image(self, path: str, color_type: str, backend: str) -> PackedImage:
        """The image ``path``, which must have been decoded in the same way.

        Raises:
            InputError: it was decoded in another way.
        """
        pack = self.pack
        if (color_type, backend) != (pack.color_type, pack.backend):
            raise InputError(
                f"LoadImageFromFile(color_type={color_type!r}, imdecode_backend={backend!r}): the images of the pack "
                f"{pack.folder} were decoded with {pack.color_type!r} and {pack.backend!r}; pack them again"
            )
        return pack.picture(path, self.name(path), IMAGE)

    def labels(self, path: str) -> PackedImage:
        """The label map ``path``, as it is in the file."""
        return self.pack.picture(path, self.name(path), LABELS)

    def name(self, path: str) -> str:
        """Of a file in the pack."""
        return name_below(self.root, path)


def name_below(root: str, path: str) -> str:
    """``path`` seen from ``root``, with ``/``: the name of a picture, which stays the same where the data moves."""
    start = os.path.join(root, "")
    below = path[len(start) :] if root and path.startswith(start) else os.path.relpath(path, root or ".")
    return os.path.normpath(below).replace(os.sep, "/")
