"""Event files of TensorBoard. Oracles: RFC 3720's checksums, and the published wire format.

The reader below takes protocol buffers apart by the wire format alone.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segue.training.event_file import EventFile, crc32c, masked_crc


@pytest.mark.parametrize(
    ("data", "value"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums(data: bytes, value: int) -> None:
    assert crc32c(data) == value


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> dict[int, Any]:
    """The fields of a protocol buffer by number; the last of a number counts."""
    found: dict[int, Any] = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            found[number], at = varint(data, at)
        elif kind == 1:
            found[number], at = struct.unpack("<d", data[at : at + 8])[0], at + 8
        elif kind == 5:
            found[number], at = struct.unpack("<f", data[at : at + 4])[0], at + 4
        else:
            length, at = varint(data, at)
            found[number], at = data[at : at + length], at + length
    return found


def events(path: Path) -> list[dict[int, Any]]:
    """The events of a file, whose checksums must be right."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        head = data[at : at + 8]
        (length,) = struct.unpack("<Q", head)
        assert struct.unpack("<I", data[at + 8 : at + 12])[0] == masked_crc(head)
        body = data[at + 12 : at + 12 + length]
        assert struct.unpack("<I", data[at + 12 + length : at + 16 + length])[0] == masked_crc(body)
        found.append(fields(body))
        at += 16 + length
    return found


def values(path: Path) -> list[tuple[int, str, dict[int, Any]]]:
    """(step, tag, value) of every event but the first, which gives the version."""
    made = []
    for event in events(path)[1:]:
        value = fields(fields(event[5])[1])
        made.append((event[2], value[1].decode(), value))
    return made


def test_numbers_pictures_and_texts(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "vis")
    picture = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)
    file.scalar("loss", 0.5, 300)
    file.image("val/a", picture, 2**20)
    file.text("config", "a = 1")
    assert events(file.path)[0][3] == b"brain.Event:2"
    (step, tag, loss), (late, name, shown), (_, text, words) = values(file.path)
    assert (step, tag, loss[2]) == (300, "loss", 0.5)
    image = fields(shown[4])
    assert (late, name, image[1], image[2], image[3]) == (2**20, "val/a", 5, 7, 3)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(image[4], np.uint8), 1)[..., ::-1], picture)
    assert text == "config/text_summary" and fields(words[8])[8] == b"a = 1"
    assert fields(fields(words[9])[1])[1] == b"text"


def test_every_writer_has_a_file_of_its_own(tmp_path: Path) -> None:
    first, second = EventFile(tmp_path), EventFile(tmp_path)
    assert first.path != second.path and first.path.exists()
