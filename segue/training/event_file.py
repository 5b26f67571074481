"""Event files of TensorBoard, as ``tensorboard --logdir`` reads them; nothing else is needed to write them.

A file is a row of records: the length (8 bytes), a checksum of it, the event, a checksum of it. An event is a protocol
buffer: the time, the step, and tagged values, of which three kinds are written here (number, picture, text).
"""

from __future__ import annotations

import functools
import os
import socket
import struct
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_DOUBLE, _BYTES, _FLOAT = 1, 2, 5  # wire types; 0 is a varint
_STRING = 7  # DT_STRING


class EventFile:
    """One event file in a folder, which is made; every event is on the disk when its method returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname() or 'host'}.{os.getpid()}"
        path, number = folder / f"{name}.0", 0
        while path.exists():
            number += 1
            path = folder / f"{name}.{number}"
        self.path = path
        self._write(_field(3, b"brain.Event:2"), step=0)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """A number."""
        self._value(tag, _key(2, _FLOAT) + struct.pack("<f", value), step)

    def image(self, tag: str, picture: NDArray[np.uint8], step: int) -> None:
        """A picture, (H, W, 3) RGB or (H, W) gray, uint8."""
        stored = picture if picture.ndim == 2 else picture[..., ::-1]
        done, data = cv2.imencode(".png", np.ascontiguousarray(stored))
        if not done:
            raise ValueError(f"{tag}: a picture of shape {picture.shape} and type {picture.dtype} cannot be written")
        sizes = zip((1, 2, 3), (*picture.shape[:2], 1 if picture.ndim == 2 else 3), strict=True)
        body = b"".join(_key(number, 0) + _varint(size) for number, size in sizes)
        self._value(tag, _field(4, body + _field(4, data.tobytes())), step)

    def text(self, tag: str, text: str, step: int = 0) -> None:
        """Markdown."""
        shape = _field(2, _key(1, 0) + _varint(1))
        tensor = _key(1, 0) + _varint(_STRING) + _field(2, shape) + _field(8, text.encode())
        plugin = _field(9, _field(1, _field(1, b"text")))
        self._value(f"{tag}/text_summary", _field(8, tensor) + plugin, step)

    def _value(self, tag: str, body: bytes, step: int) -> None:
        self._write(_field(5, _field(1, _field(1, tag.encode()) + body)), step)

    def _write(self, what: bytes, step: int) -> None:
        event = _key(1, _DOUBLE) + struct.pack("<d", time.time()) + _key(2, 0) + _varint(step) + what
        length = struct.pack("<Q", len(event))
        record = length + struct.pack("<I", masked_crc(length)) + event + struct.pack("<I", masked_crc(event))
        with self.path.open("ab") as stream:
            stream.write(record)


def masked_crc(data: bytes) -> int:
    """The checksum of a record: CRC-32C, turned by 15 bits, plus a constant."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@functools.cache
def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _field(number: int, body: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
