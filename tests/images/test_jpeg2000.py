"""Headers of JPEG 2000. Oracle: ISO/IEC 15444-1, A.5.1 and I.4, by which the bytes are put together here."""

from __future__ import annotations

import struct

import pytest

from segue.errors import DataError
from segue.images.jpeg2000 import is_jpeg2000, read_jpeg2000_header


def codestream(depths: list[int], sampling: tuple[int, int] = (1, 1)) -> bytes:
    """SOC and SIZ of 7 x 5 pixels whose grid begins at (2, 1)."""
    parts = b"".join(bytes([depth, *sampling]) for depth in depths)
    body = struct.pack(">HIIIIIIIIH", 0, 9, 6, 2, 1, 9, 6, 0, 0, len(depths)) + parts
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(body) + 2) + body


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


SIGNATURE = box(b"jP  ", b"\r\n\x87\n")


@pytest.mark.parametrize("boxed", [True, False])
def test_header(boxed) -> None:
    data = codestream([7, 7, 7])
    if boxed:
        data = SIGNATURE + box(b"ftyp", b"jp2 ") + box(b"jp2h", b"") + struct.pack(">I4s", 0, b"jp2c") + data
    header = read_jpeg2000_header(data, "a")
    assert is_jpeg2000(data)
    assert (header.size, header.bands, header.bits, header.signed) == ((5, 7), 3, 8, False)
    assert header.plain


def test_what_is_not_plain() -> None:
    assert not read_jpeg2000_header(codestream([11]), "a").plain  # 12 bits
    signed = read_jpeg2000_header(codestream([15 | 128]), "a")
    assert (signed.bits, signed.signed, signed.plain) == (16, True, False)
    assert not read_jpeg2000_header(codestream([7, 7, 7], (2, 2)), "a").plain
    assert not read_jpeg2000_header(codestream([7, 7, 15]), "a").plain
    assert not read_jpeg2000_header(codestream([7, 7]), "a").plain
    palette = SIGNATURE + box(b"jp2h", box(b"pclr", b"\0")) + box(b"jp2c", codestream([7]))
    assert not read_jpeg2000_header(palette, "a").plain


@pytest.mark.parametrize("data", [codestream([7])[:20], SIGNATURE, SIGNATURE + struct.pack(">I4s", 4, b"jp2h")])
def test_damage(data) -> None:
    with pytest.raises(DataError, match=r"a: damaged or incomplete JPEG 2000 file \(\d+ bytes\): no header"):
        read_jpeg2000_header(data, "a")
