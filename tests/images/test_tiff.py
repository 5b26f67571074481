"""TIFF headers. The files are written here, byte by byte, after the TIFF 6.0 and BigTIFF specifications."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from segue.errors import DataError
from segue.images.tiff import is_tiff, read_header


def tiff(pixels: np.ndarray, photometric: int = 1, order: str = "<", large: bool = False) -> bytes:
    """An uncompressed TIFF of one strip."""
    height, width, bands = pixels.shape
    word, pointer = ("Q", 8) if large else ("I", 4)
    body = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(order)).tobytes()
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    bits = pixels.dtype.itemsize * 8
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 277: bands, 278: height, 279: len(body)}
    tags |= {284: 1, 339: kind, 273: 16}
    entries = b""
    extra = b""
    place = 16 + len(body)  # of the directory
    count_size = 8 if large else 2
    after = place + count_size + len(tags) * (4 + 2 * pointer) + pointer
    for tag, value in sorted(tags.items()):
        many = bands if tag in (258, 339) else 1
        if 2 * many > pointer and many > 1:
            where = struct.pack(order + word, after + len(extra))
            extra += struct.pack(f"{order}{many}H", *[value] * many)
            entries += struct.pack(order + "HH" + word, tag, 3, many) + where
        elif many > 1:
            shorts = struct.pack(f"{order}{many}H", *[value] * many)
            entries += struct.pack(order + "HH" + word, tag, 3, many) + shorts.ljust(pointer, b"\0")
        else:
            entries += struct.pack(order + "HH" + word, tag, 4, 1) + struct.pack(order + "I", value).ljust(
                pointer, b"\0"
            )
    magic = b"II" if order == "<" else b"MM"
    head = magic + (struct.pack(order + "HHHQ", 43, 8, 0, place) if large else struct.pack(order + "HI", 42, place))
    count = struct.pack(order + ("Q" if large else "H"), len(tags))
    return head.ljust(16, b"\0") + body + count + entries + b"\0" * pointer + extra


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bands", [1, 3, 13])
def test_header(order, large, bands):
    """Oracle: what was written."""
    data = tiff(np.zeros((5, 7, bands), np.uint16), order=order, large=large)
    header = read_header(data, "a.tif")
    assert is_tiff(data)
    assert (header.size, header.bands, header.bits, header.is_float) == ((5, 7), bands, 16, False)
    assert header.plain is (bands == 1)


def test_kinds():
    """Oracle: RGB with or without alpha is plain, four grays are not."""
    assert read_header(tiff(np.zeros((2, 2, 3), np.uint8), photometric=2), "a").plain
    assert read_header(tiff(np.zeros((2, 2, 4), np.uint8), photometric=2), "a").plain
    assert not read_header(tiff(np.zeros((2, 2, 4), np.uint8)), "a").plain
    assert read_header(tiff(np.zeros((2, 2, 1), np.float32)), "a").is_float


def test_cut_off_files_are_named():
    data = tiff(np.ones((50, 150, 1), np.uint8))
    with pytest.raises(
        DataError, match=r"a.tif: damaged or incomplete TIFF \(4000 bytes\): its directory is not in it"
    ):
        read_header(data[:4000], "a.tif")
    moved = data[:16] + data[16 + 7500 :]  # the directory before the pixels, which are missing
    moved = moved[:4] + struct.pack("<I", 16) + moved[8:]
    with pytest.raises(DataError, match=r"a.tif: .* its pixels reach to byte 7516, the file has \d+; copy or download"):
        read_header(moved, "a.tif")
    with pytest.raises(DataError, match="its directory is not in it"):
        read_header(b"II*\0" + b"\xff" * 40, "a.tif")
