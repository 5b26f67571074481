"""BMP after Microsoft's description of BITMAPINFOHEADER and its successors; rows from the bottom up unless negative."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from tests.images.variants.png import colors
from tests.images.variants.variant import HEIGHT, WIDTH, Array, Variant, drawn, packed

RGB, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3


def bmp(
    rows: list[bytes],
    bits: int,
    *,
    compression: int = RGB,
    table: Array | None = None,
    masks: tuple[int, ...] = (),
    header: int = 40,
    top_down: bool = False,
    body: bytes | None = None,
) -> bytes:
    """A BMP of rows from the top; ``body`` is coded pixels in their place."""
    if body is None:
        body = b"".join(row + b"\0" * (-len(row) % 4) for row in (rows if top_down else rows[::-1]))
    height = -HEIGHT if top_down else HEIGHT
    used = 0 if table is None else len(table)
    info = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(body), 2835, 2835, used, 0)
    behind = b""
    if header > 40:
        info = (info + struct.pack("<4I", *(masks + (0,) * (4 - len(masks)))) + b"BGRs").ljust(header, b"\0")
    elif masks:
        behind = struct.pack(f"<{len(masks)}I", *masks)
    if table is not None:
        behind += b"".join(bytes([*color[::-1], 0]) for color in table.tolist())
    start = 14 + len(info) + len(behind)
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + info + behind + body


def rle8(rows: Array) -> bytes:
    """Runs of two, and of the rest literally, from the bottom."""
    result = b""
    for row in rows[::-1]:
        for start in range(0, 8, 2):
            result += bytes([1, row[start], 1, row[start + 1]])
        rest = row[8:].tobytes()
        result += bytes([0, len(rest)]) + rest + b"\0" * (len(rest) % 2) + b"\0\0"
    return result + b"\0\1"


def rle4(rows: Array) -> bytes:
    """Pairs of two indexes."""
    result = b""
    for row in rows[::-1].astype(int):
        padded = np.append(row, 0)
        for start in range(0, len(row), 2):
            count = min(2, len(row) - start)
            result += bytes([count, padded[start] << 4 | padded[start + 1]])
        result += b"\0\0"
    return result + b"\0\1"


def variants() -> Iterator[Variant]:
    for bits in (1, 4, 8):
        for top_down in (False, True):
            samples, table = drawn(bits), colors(1 << bits)
            rows = [packed(row[None, :, 0], bits) for row in samples]
            yield Variant(
                name=f"bmp palette {bits}{' top-down' * top_down}", suffix=".bmp", samples=samples, mode="palette",
                bits=bits, palette=table, data=bmp(rows, bits, table=table, top_down=top_down),
            )  # fmt: skip
    samples = drawn(8)
    rows = [row.tobytes() for row in samples]
    grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    for name, table in (("grays", grays), ("grays from white to black", grays[::-1])):
        yield Variant(
            name=f"bmp palette 8 of {name}", suffix=".bmp", samples=samples, mode="palette", palette=table,
            data=bmp(rows, 8, table=table),
        )  # fmt: skip
    bilevel = drawn(1)
    for name, table in (("black and white", grays[[0, 255]]), ("white and black", grays[[255, 0]])):
        yield Variant(
            name=f"bmp palette 1 of {name}", suffix=".bmp", samples=bilevel, mode="palette", palette=table, bits=1,
            data=bmp([packed(row[None, :, 0], 1) for row in bilevel], 1, table=table),
        )  # fmt: skip
    few, table = drawn(8, top=99), colors(100)
    yield Variant(
        name="bmp palette 8 of 100 colours", suffix=".bmp", samples=few, mode="palette", palette=table,
        data=bmp([row.tobytes() for row in few], 8, table=table),
    )  # fmt: skip
    runs, table = drawn(8), colors(256)
    yield Variant(
        name="bmp palette 8 RLE", suffix=".bmp", samples=runs, mode="palette", palette=table,
        data=bmp([], 8, compression=RLE8, table=table, body=rle8(runs[:, :, 0])),
    )  # fmt: skip
    nibbles, table = drawn(4), colors(16)
    yield Variant(
        name="bmp palette 4 RLE", suffix=".bmp", samples=nibbles, mode="palette", palette=table, bits=4,
        data=bmp([], 4, compression=RLE4, table=table, body=rle4(nibbles[:, :, 0])),
    )  # fmt: skip
    rgb, rgba = drawn(8, 3), drawn(8, 4)
    for top_down in (False, True):
        yield Variant(
            name=f"bmp rgb 24{' top-down' * top_down}", suffix=".bmp", samples=rgb, mode="rgb",
            data=bmp([row[:, ::-1].tobytes() for row in rgb], 24, top_down=top_down),
        )  # fmt: skip
    bgra = [row[:, [2, 1, 0, 3]].tobytes() for row in rgba]
    eight = (0xFF0000, 0xFF00, 0xFF)
    blank = [np.concatenate([row[:, ::-1], np.zeros((WIDTH, 1), np.uint8)], axis=1).tobytes() for row in rgb]
    yield Variant(name="bmp rgb 32, fourth byte 0", suffix=".bmp", samples=rgb, mode="rgb", data=bmp(blank, 32))
    yield Variant(
        name="bmp rgb 32 BITFIELDS", suffix=".bmp", samples=rgb, mode="rgb",
        data=bmp(blank, 32, compression=BITFIELDS, masks=eight),
    )  # fmt: skip
    swapped = [row[:, [0, 1, 2, 3]].tobytes() for row in rgba]
    for header in (108, 124):
        yield Variant(
            name=f"bmp rgb 32 alpha V{header // 28 + 1}", suffix=".bmp", samples=rgba, mode="rgb", alpha=True,
            data=bmp(bgra, 32, compression=BITFIELDS, masks=(*eight, 0xFF000000), header=header),
        )  # fmt: skip
        yield Variant(
            name=f"bmp rgb 32 alpha V{header // 28 + 1}, red first", suffix=".bmp", samples=rgba, mode="rgb",
            alpha=True, data=bmp(swapped, 32, compression=BITFIELDS, masks=(*eight[::-1], 0xFF000000), header=header),
        )  # fmt: skip
        yield Variant(
            name=f"bmp palette 8 V{header // 28 + 1}", suffix=".bmp", samples=runs, mode="palette", palette=colors(256),
            data=bmp([row.tobytes() for row in runs], 8, table=colors(256), header=header),
        )  # fmt: skip
    for name, widths, compression in (
        ("555", (5, 5, 5), RGB),
        ("555 BITFIELDS", (5, 5, 5), BITFIELDS),
        ("565", (5, 6, 5), BITFIELDS),
    ):
        parts = np.stack([drawn(width)[:, :, 0] for width in widths], axis=2).astype(np.uint16)
        words = parts[:, :, 0] << (widths[1] + widths[2]) | parts[:, :, 1] << widths[2] | parts[:, :, 2]
        masks = (31 << (widths[1] + 5), ((1 << widths[1]) - 1) << 5, 31) if compression else ()
        full = np.stack([np.rint(parts[:, :, i] * 255 / ((1 << widths[i]) - 1)) for i in range(3)], axis=2)
        yield Variant(
            name=f"bmp rgb 16 {name}", suffix=".bmp", samples=full.astype(np.uint8), mode="rgb", near=7,
            data=bmp([row.astype("<u2").tobytes() for row in words], 16, compression=compression, masks=masks),
        )  # fmt: skip
    whole = bmp([row[:, ::-1].tobytes() for row in rgb], 24)
    yield Variant(name="bmp cut off", suffix=".bmp", data=whole[: len(whole) // 2], samples=rgb, damaged=True)
    part = bmp(rows, 8, table=colors(256))
    yield Variant(name="bmp palette 8 cut off", suffix=".bmp", data=part[:-40], samples=samples, damaged=True)
    coded = bmp([], 8, compression=RLE8, table=colors(256), body=rle8(runs[:, :, 0])[:-100])
    yield Variant(name="bmp palette 8 RLE cut off", suffix=".bmp", data=coded, samples=runs, damaged=True)
