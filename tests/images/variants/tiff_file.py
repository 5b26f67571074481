"""TIFF after TIFF 6.0, its technical notes (predictor 3) and BigTIFF; missing blocks as GDAL writes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from tests.images.variants.variant import Array, packed

KINDS = {"u": 1, "i": 2, "f": 3, "c": 6}
PHOTOMETRIC = {"white": 0, "gray": 1, "bands": 1, "rgb": 2, "palette": 3, "cmyk": 5}
NONE, LZW, DEFLATE, ADOBE_DEFLATE, PACKBITS = 1, 5, 32946, 8, 32773
Values = int | Sequence[int] | bytes


def lzw(data: bytes) -> bytes:
    """TIFF 6.0, section 13: codes of 9 to 12 bits, most significant first, widened one code early."""
    bits: list[str] = []
    table, width = {bytes([i]): i for i in range(256)}, 9
    bits.append(format(256, "09b"))
    prefix = b""
    for value in data:
        longer = prefix + bytes([value])
        if longer in table:
            prefix = longer
            continue
        bits.append(format(table[prefix], f"0{width}b"))
        table[longer] = len(table) + 2
        prefix = bytes([value])
        if len(table) + 2 == 4094:
            bits.append(format(256, f"0{width}b"))
            table, width = {bytes([i]): i for i in range(256)}, 9
        else:
            width = max(9, (len(table) + 2).bit_length())
    bits.append(format(table[prefix], f"0{width}b"))
    width = min(12, (len(table) + 3).bit_length())
    text = "".join(bits) + format(257, f"0{width}b")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def packbits(data: bytes) -> bytes:
    """TIFF 6.0, section 9: runs of equal bytes where there are any, else literal ones."""
    result, place = b"", 0
    while place < len(data):
        run = 1
        while run < 128 and data[place + run : place + run + 1] == data[place : place + 1]:
            run += 1
        if run > 1:
            result += bytes([257 - run, data[place]])
        else:
            result += bytes([0, data[place]])
        place += run
    return result


PACK = {NONE: bytes, LZW: lzw, DEFLATE: zlib.compress, ADOBE_DEFLATE: zlib.compress, PACKBITS: packbits}


def predicted(block: Array, predictor: int) -> Array:
    """Rows (H, W, C) as differences (section 14), or bytes of floats by significance (technical note 3)."""
    if predictor == 2:
        words = np.ascontiguousarray(block).view(f"u{block.dtype.itemsize}")
        return np.concatenate([words[:, :1], words[:, 1:] - words[:, :-1]], axis=1)
    if predictor == 3:
        height, width, bands = block.shape
        size = block.dtype.itemsize
        planes = np.ascontiguousarray(block, block.dtype.newbyteorder(">")).view(np.uint8)
        planes = planes.reshape(height, width * bands, size).transpose(0, 2, 1).reshape(height, size * width, bands)
        return np.concatenate([planes[:, :1], planes[:, 1:] - planes[:, :-1]], axis=1)
    return block


def tiff(
    samples: Array,
    bits: int,
    photometric: int = 1,
    *,
    order: str = "<",
    large: bool = False,
    compression: int = NONE,
    predictor: int = 1,
    tile: int = 0,
    rows: int = 7,
    planar: int = 1,
    lsb_first: bool = False,
    missing: Sequence[int] = (),
    short: Sequence[int] = (),
    tags: dict[int, Values] | None = None,
    pages: int = 1,
    kind: int | None = None,
) -> bytes:
    """A TIFF of (H, W, C).

    Args:
        samples: in the order of the file.
        bits: per sample.
        photometric: tag 262.
        order: ``<`` or ``>``.
        large: BigTIFF.
        compression: tag 259.
        predictor: tag 317.
        tile: side of a tile; 0 for strips.
        rows: of a strip.
        planar: 2 for a plane per band.
        lsb_first: tag 266 is 2, FillOrder.
        missing: numbers of blocks that the file has not, of offset and length 0.
        short: numbers of blocks of which the second half is lost.
        tags: further ones.
        pages: how many pictures; the others are of inverted bytes.
        kind: tag 339, if it is not that of the array's type.
    """
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        order + ("HHH" if large else "H"), *((43, 8, 0) if large else (42,))
    )
    word, size = ("Q", 8) if large else ("I", 4)
    body = b""  # all that comes after the header
    start = len(head) + size
    link = b""
    directories: list[tuple[int, bytes]] = []
    for page in range(pages):
        values = samples if page == 0 else np.flip(samples, 1)
        planes = [values] if planar == 1 else [values[:, :, i : i + 1] for i in range(values.shape[2])]
        blocks = []
        for plane in planes:
            high, wide = (tile, tile) if tile else (rows, values.shape[1])
            for top in range(0, len(plane), high):
                for left in range(0, plane.shape[1], wide):
                    block = plane[top : top + high, left : left + wide]
                    if tile:
                        block = np.pad(block, ((0, tile - block.shape[0]), (0, tile - block.shape[1]), (0, 0)))
                    coded = predicted(block, predictor)
                    flat = coded.reshape(len(block), -1)
                    raw = packed(flat, 8 if predictor == 3 else bits, False, order)
                    stored = PACK[compression](raw)
                    if lsb_first:
                        stored = np.packbits(
                            np.unpackbits(np.frombuffer(stored, np.uint8)), bitorder="little"
                        ).tobytes()
                    blocks.append(stored[: len(stored) // 2] if len(blocks) in short else stored)
        offsets, counts = [], []
        for number, stored in enumerate(blocks):
            gone = number in missing
            offsets.append(0 if gone else start + len(body))
            counts.append(0 if gone else len(stored))
            body += b"" if gone else stored
        body += b"\0" * (len(body) % 2)
        bands = samples.shape[2]
        entries: dict[int, Values] = {
            256: samples.shape[1], 257: samples.shape[0], 258: [bits] * bands, 259: compression, 262: photometric,
            277: bands, 284: planar, 339: [KINDS[samples.dtype.kind] if kind is None else kind] * bands,
        }  # fmt: skip
        if tile:
            entries |= {322: tile, 323: tile, 324: offsets, 325: counts}
        else:
            entries |= {278: rows, 273: offsets, 279: counts}
        if predictor > 1:
            entries[317] = predictor
        if lsb_first:
            entries[266] = 2
        entries |= tags or {}
        place = start + len(body)
        directory = struct.pack(order + ("Q" if large else "H"), len(entries))
        after = place + len(directory) + len(entries) * (4 + 2 * size) + size
        extra = b""
        for tag, value in sorted(entries.items()):
            if isinstance(value, bytes):
                code, count, coded = 2, len(value) + 1, value + b"\0"
            else:
                items = [value] if isinstance(value, int) else list(value)
                wide = tag in (256, 257, 273, 279, 324, 325, 278)
                code, count = (4, len(items)) if wide else (3, len(items))
                coded = struct.pack(f"{order}{count}{'I' if wide else 'H'}", *items)
            directory += struct.pack(order + "HH" + word, tag, code, count)
            if len(coded) <= size:
                directory += coded.ljust(size, b"\0")
            else:
                directory += struct.pack(order + word, after + len(extra))
                extra += coded + b"\0" * (len(coded) % 2)
        directories.append((place, directory))
        body += directory + b"LINK".ljust(size, b"!") + extra
    for index, (place, directory) in enumerate(directories):
        follows = directories[index + 1][0] if index + 1 < pages else 0
        at = place - start + len(directory)
        body = body[:at] + struct.pack(order + word, follows) + body[at + size :]
    link = struct.pack(order + word, directories[0][0])
    return head + link + body


def directory_first(data: bytes) -> bytes:
    """A file with a copy of the directory in front of pixels of which the last are cut off."""
    (place,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, place)
    table = bytearray(data[place : place + 2 + 12 * entries + 4])
    tail = data[place + len(table) :]
    moved = len(table) + len(tail)
    for index in range(entries):
        at = 2 + 12 * index
        tag, code, count, value = struct.unpack_from("<HHII", table, at)
        size = count * {2: 1, 3: 2, 4: 4}[code]
        if tag in (273, 324):
            if size <= 4:
                struct.pack_into("<I", table, at + 8, value + moved)
            else:
                near = value - place - len(table)
                offsets = struct.unpack_from(f"<{count}I", tail, near)
                tail = tail[:near] + struct.pack(f"<{count}I", *(one + moved for one in offsets)) + tail[near + size :]
        if size > 4:
            struct.pack_into("<I", table, at + 8, value - place + 8)
    whole = data[:4] + struct.pack("<I", 8) + bytes(table) + tail + data[8:place]
    return whole[:-40]
