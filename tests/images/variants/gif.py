"""GIF after GIF89a: pictures of one and of several frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from tests.images.variants.png import colors
from tests.images.variants.variant import HEIGHT, WIDTH, Array, Variant, drawn


def gif_pixels(indexes: Array, bits: int) -> bytes:
    """GIF89a, appendix F: codes of one length, since the table is cleared before it would need more."""
    start, width = 1 << bits, bits + 1
    every = (1 << bits) - 2
    codes: list[int] = []
    for place, value in enumerate(indexes.ravel().tolist()):
        if place % every == 0:
            codes.append(start)
        codes.append(value)
    number = 0
    for at, code in enumerate([*codes, start + 1]):
        number |= code << (at * width)
    stream = number.to_bytes(-(-(len(codes) + 1) * width // 8), "little")
    blocks = [stream[place : place + 255] for place in range(0, len(stream), 255)]
    return bytes([bits]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def frame(
    indexes: Array,
    bits: int,
    *,
    interlaced: bool = False,
    local: Array | None = None,
    clear: int | None = None,
    at: tuple[int, int] = (0, 0),
) -> bytes:
    """A picture of a GIF, with the extension in front of it."""
    height, width = indexes.shape
    flags = 0x40 * interlaced | (0 if local is None else 0x80 | (bits - 1))
    rows = [*range(0, height, 8), *range(4, height, 8), *range(2, height, 4), *range(1, height, 2)]
    shown = indexes[rows] if interlaced else indexes
    control = b"!\xf9\4" + bytes([0 if clear is None else 1, 10, 0, clear or 0, 0])
    return (
        control
        + b","
        + struct.pack("<HHHHB", at[1], at[0], width, height, flags)
        + (b"" if local is None else local.tobytes())
        + gif_pixels(shown, bits)
    )


def gif(frames: bytes, table: Array | None, bits: int) -> bytes:
    flags = 0x70 | (0 if table is None else 0x80 | (bits - 1))
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", WIDTH, HEIGHT, flags, 0, 0)
        + (b"" if table is None else table.tobytes())
        + frames
        + b";"
    )


def variants() -> Iterator[Variant]:
    for bits in (2, 4, 8):
        samples, table = drawn(bits), colors(1 << bits)
        yield Variant(
            name=f"gif {bits}",
            suffix=".gif",
            data=gif(frame(samples[:, :, 0], bits), table, bits),
            samples=samples,
            mode="palette",
            palette=table,
        )
    samples, table = drawn(8), colors(256)
    plane = samples[:, :, 0]
    grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    for name, data, shown in (
        ("interlaced", gif(frame(plane, 8, interlaced=True), table, 8), table),
        ("of its own colours", gif(frame(plane, 8, local=table), None, 8), table),
        ("of grays", gif(frame(plane, 8), grays, 8), grays),
        ("of grays from white to black", gif(frame(plane, 8), grays[::-1], 8), grays[::-1]),
        ("animated", gif(frame(plane, 8) + frame(255 - plane, 8), table, 8), table),
        (
            "animated with own colours",
            gif(frame(plane, 8, local=table) + frame(255 - plane, 8, local=table[::-1]), None, 8),
            table,
        ),
    ):
        yield Variant(name=f"gif {name}", suffix=".gif", data=data, samples=samples, mode="palette", palette=shown)
    yield Variant(
        name="gif transparent",
        suffix=".gif",
        data=gif(frame(plane, 8, clear=3), table, 8),
        samples=samples,
        mode="palette",
        palette=table,
        clear=np.where(plane == 3, 0, 255).astype(np.uint8),
    )
    whole = gif(frame(plane, 8), table, 8)
    yield Variant(name="gif cut off", suffix=".gif", data=whole[: len(whole) - 150], samples=samples, damaged=True)
    part = gif(frame(plane[4:, 3:], 8, at=(4, 3)), table, 8)
    yield Variant(name="gif smaller than its screen", suffix=".gif", data=part, samples=samples, foreign=True)
