"""What a pack consists of.

``shard-00000.bin`` ... hold the pixels of one picture after the other, row by row, as numpy keeps them. Beside each
shard, ``shard-00000.npy`` has one record per picture. ``records.npy`` are the records of all shards, sorted by their
keys, which are also in ``keys.npy``. ``pack.json`` says how the images were decoded; it is written last, so a folder
without it is no pack.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from segue.errors import DataError
from segue.images.limits import check_file

VERSION = 1
HEADER, KEYS, RECORDS = "pack.json", "keys.npy", "records.npy"
DTYPES = ("uint8", "uint16", "int16", "int32", "float32", "float64")
IMAGE, LABELS = 0, 1

#: One picture. ``bytes`` and ``mtime`` (ns) are those of its source, ``content`` is what that holds (blake2b);
#: ``bands`` is 0 where there is no such axis; ``values`` are the bits of the values that a uint8 label map has.
RECORD = np.dtype(
    [
        ("key", "<u8"),
        ("bytes", "<u8"),
        ("mtime", "<i8"),
        ("content", "u1", 16),
        ("shard", "<u4"),
        ("offset", "<u8"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("bands", "<u2"),
        ("dtype", "u1"),
        ("values", "u1", 32),
    ]
)


def key_of(name: str, kind: int) -> int:
    """Of a picture by its path below the data root, with ``/``, and by whether it is an image or a label map."""
    digest = hashlib.blake2b(f"{kind} {name}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def shard_name(number: int) -> str:
    """Without suffix."""
    return f"shard-{number:05d}"


def content_of(path: str | Path) -> bytes:
    """16 bytes that stand for what a file holds."""
    digest = hashlib.blake2b(digest_size=16)
    check_file(path)
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.digest()
