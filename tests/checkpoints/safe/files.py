"""Builds checkpoint files byte by byte, so that tests can make ones that torch never would."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path

MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


def zipped(path: Path, data: bytes, storages: dict[str, bytes] | None = None, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", b"little")
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def legacy(path: Path, data: bytes, storages: dict[str, tuple[int, bytes]] | None = None) -> Path:
    storages = storages or {}
    head = b"".join(pickle.dumps(part, 2) for part in (MAGIC, 1001, SYSTEM))
    tail = pickle.dumps(list(storages), 2)
    tail += b"".join(struct.pack("<q", numel) + content for numel, content in storages.values())
    path.write_bytes(head + data + tail)
    return path


def bare(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def integer(value: int) -> bytes:
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def storage(key: str = "0", numel: int = 4, kind: str = "FloatStorage") -> bytes:
    """A persistent id as torch writes it."""
    return (
        b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + integer(numel) + b"tQ"
    )


def tensor(
    size: tuple[int, ...] = (4,), stride: tuple[int, ...] = (1,), offset: int = 0, where: bytes | None = None
) -> bytes:
    """A call of torch._utils._rebuild_tensor_v2."""
    dims = [b"(" + b"".join(integer(n) for n in part) + b"t" for part in (size, stride)]
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + (where or storage()) + integer(offset) + dims[0] + dims[1]
    return call + b"\x89ccollections\nOrderedDict\n)RtR"


def weights(value: bytes, key: str = "w") -> bytes:
    """A pickle of ``{key: value}``."""
    return b"\x80\x02}" + text(key) + value + b"s."
