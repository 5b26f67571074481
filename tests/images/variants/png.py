"""PNG after the specification of the W3C (third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from tests.images.variants.variant import HEIGHT, WIDTH, Array, Variant, drawn, packed

COLORS = {"gray": (0, 1), "rgb": (2, 3), "palette": (3, 1), "gray alpha": (4, 2), "rgb alpha": (6, 4)}
DEPTHS = {
    "gray": (1, 2, 4, 8, 16),
    "rgb": (8, 16),
    "palette": (1, 2, 4, 8),
    "gray alpha": (8, 16),
    "rgb alpha": (8, 16),
}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def filtered(samples: Array, bits: int) -> bytes:
    """Rows (H, W, C) with the filters 0 to 4 in turn (9.2), those that look up on bytes of whole rows."""
    rows = packed(samples.reshape(len(samples), -1), bits)
    width = len(rows) // len(samples)
    distance = max(1, samples.shape[2] * bits // 8)
    above, result = np.zeros(width, int), b""
    for index in range(len(samples)):
        row = np.frombuffer(rows[index * width : (index + 1) * width], np.uint8).astype(int)
        left = np.concatenate([np.zeros(distance, int), row])[:width]
        corner = np.concatenate([np.zeros(distance, int), above])[:width]
        guess = left + above - corner
        off = np.abs(np.stack([left, above, corner]) - guess)
        paeth = np.choose(np.argmin(off, axis=0), (left, above, corner))
        taken = (0, left, above, (left + above) // 2, paeth)[index % 5]
        result += bytes([index % 5]) + (row - taken).astype(np.uint8).tobytes()
        above = row
    return result


def png(
    samples: Array, bits: int, color: int, before: bytes = b"", after: bytes = b"", adam7: bool = False, more: int = 0
) -> bytes:
    """A PNG; ``before`` and ``after`` are chunks around its pixels, ``more`` are rows that only its header has."""
    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0] + more, bits, color, 0, 0, int(adam7))
    passes = [samples[top::down, left::right] for top, left, down, right in ADAM7] if adam7 else [samples]
    body = zlib.compress(b"".join(filtered(part, bits) for part in passes if part.size))
    half = len(body) // 2
    pixels = chunk(b"IDAT", body[:half]) + chunk(b"IDAT", body[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + pixels + after + chunk(b"IEND", b"")


def colors(count: int) -> Array:
    """(count, 3) of which none is gray and no two are equal."""
    steps = np.arange(count)
    return np.stack([steps * 7 % 256, 255 - steps, (steps * 3 + 80) % 256], axis=1).astype(np.uint8)


def exif(orientation: int) -> bytes:
    """A TIFF directory of one entry, Orientation."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def variants() -> Iterator[Variant]:
    for name, (color, bands) in COLORS.items():
        for bits in DEPTHS[name]:
            samples = drawn(bits, bands)
            mode = name.split()[0]
            table = colors(1 << bits) if mode == "palette" else None
            before = b"" if table is None else chunk(b"PLTE", table.tobytes())
            for adam7 in (False, True):
                yield Variant(
                    name=f"png {name} {bits}{' adam7' * adam7}", suffix=".png",
                    data=png(samples, bits, color, before, adam7=adam7), samples=samples, mode=mode, bits=bits,
                    alpha="alpha" in name, palette=table,
                )  # fmt: skip
    gray, rgb, table = drawn(8), drawn(8, 3), colors(200)
    small = drawn(8, top=199)
    ancillary = {
        "gAMA": chunk(b"gAMA", struct.pack(">I", 100000)),
        "sBIT": chunk(b"sBIT", b"\5"),
        "bKGD": chunk(b"bKGD", b"\0\7"),
        "tEXt": chunk(b"tEXt", b"Comment\0one"),
        "pHYs": chunk(b"pHYs", struct.pack(">IIB", 10, 20, 1)),
        "tRNS": chunk(b"tRNS", struct.pack(">H", int(gray[0, 0, 0]))),
        "iCCP": chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 128)),
        "sRGB": chunk(b"sRGB", b"\0"),
        "cICP": chunk(b"cICP", b"\1\x0d\0\1"),
    }
    for name, part in ancillary.items():
        yield Variant(name=f"png gray 8 {name}", suffix=".png", data=png(gray, 8, 0, part), samples=gray)
    deep, two = drawn(16), drawn(2)
    for depth, values in ((16, deep), (2, two)):
        part = chunk(b"tRNS", struct.pack(">H", int(values[0, 0, 0])))
        yield Variant(
            name=f"png gray {depth} tRNS", suffix=".png", data=png(values, depth, 0, part), samples=values, bits=depth
        )
    for depth in (8, 16):
        values = drawn(depth, 3)
        for name, part in (
            ("tRNS", chunk(b"tRNS", struct.pack(">HHH", *values[0, 0].tolist()))),
            ("sBIT", chunk(b"sBIT", b"\5\6\5")),
            ("gAMA", ancillary["gAMA"]),
        ):
            shown = (values != values[0, 0]).any(axis=2) * np.array((1 << depth) - 1, values.dtype)
            yield Variant(
                name=f"png rgb {depth} {name}", suffix=".png", data=png(values, depth, 2, part), samples=values,
                mode="rgb", bits=depth, clear=shown if name == "tRNS" else None,
            )  # fmt: skip
    for name, part in (("tRNS", b"\0\x80\xff"), ("tRNS none seen", b"\xff" * 200)):
        before = chunk(b"PLTE", table.tobytes()) + chunk(b"tRNS", part)
        shown = np.frombuffer(part.ljust(256, b"\xff"), np.uint8)[small[:, :, 0]]
        yield Variant(
            name=f"png palette 8 {name}", suffix=".png", data=png(small, 8, 3, before), samples=small, mode="palette",
            palette=table, clear=shown,
        )  # fmt: skip
    four = drawn(4, top=9)
    yield Variant(
        name="png palette 4 tRNS, 10 colours", suffix=".png", mode="palette", bits=4, samples=four, palette=table[:10],
        clear=np.where(four[:, :, 0] == 0, 0, 255).astype(np.uint8),
        data=png(four, 4, 3, chunk(b"PLTE", table[:10].tobytes()) + chunk(b"tRNS", b"\0")),
    )  # fmt: skip
    grays = np.repeat(np.arange(200, dtype=np.uint8)[:, None], 3, axis=1)
    yield Variant(
        name="png palette 8 of grays", suffix=".png", data=png(small, 8, 3, chunk(b"PLTE", grays[::-1].tobytes())),
        samples=small, mode="palette", palette=grays[::-1],
    )  # fmt: skip
    for orientation in range(1, 9):
        for where in ("before", "after"):
            yield Variant(
                name=f"png rgb 8 eXIf {orientation} {where}", suffix=".png", samples=rgb, mode="rgb",
                data=png(rgb, 8, 2, **{where: chunk(b"eXIf", exif(orientation))}), orientation=orientation,
            )  # fmt: skip
    yield Variant(
        name="png palette 8 eXIf 6", suffix=".png", samples=small, mode="palette", palette=table, orientation=6,
        data=png(small, 8, 3, chunk(b"PLTE", table.tobytes()) + chunk(b"eXIf", exif(6))),
    )  # fmt: skip
    frame = struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)
    moving = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame)
    second = chunk(b"fcTL", b"\0\0\0\1" + frame[4:])
    second += chunk(b"fdAT", b"\0\0\0\2" + zlib.compress(filtered(255 - gray, 8)))
    yield Variant(name="png gray 8 animated", suffix=".png", data=png(gray, 8, 0, moving, second), samples=gray)
    whole = png(gray, 8, 0)
    yield Variant(name="png cut off", suffix=".png", data=whole[: len(whole) // 2], samples=gray, damaged=True)
    less = png(gray[:-3], 8, 0, more=3)
    yield Variant(name="png without its last rows", suffix=".png", data=less, samples=gray, damaged=True)
    broken = bytearray(whole)
    broken[whole.index(b"IDAT") + 20] ^= 1
    yield Variant(name="png wrong checksum", suffix=".png", data=bytes(broken), samples=gray, damaged=True)
    beyond = drawn(8, top=250)
    yield Variant(
        name="png palette 8 index beyond its colours", suffix=".png", samples=beyond, mode="palette",
        palette=np.concatenate([table, np.zeros((56, 3), np.uint8)]),
        data=png(beyond, 8, 3, chunk(b"PLTE", table.tobytes())),
    )  # fmt: skip
