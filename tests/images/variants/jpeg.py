"""JPEG after ITU-T T.81: blocks of one value each, so that the stored components are known exactly."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.images.variants.png import exif
from tests.images.variants.variant import HEIGHT, WIDTH, Array, Variant

_LENGTHS = 12  # categories of differences, 0 to 11 (15 at 12 bits), each by a code of 4 bits


def components(count: int, bits: int = 8) -> Array:
    """(H, W, count) of blocks of 8 x 8 pixels with a value each."""
    rng = np.random.default_rng(count)
    blocks = rng.integers(0, 1 << bits, (-(-HEIGHT // 8), -(-WIDTH // 8), count)).astype(np.uint16)
    blocks[0, 0], blocks[0, 1] = 0, (1 << bits) - 1
    full = blocks.repeat(8, axis=0).repeat(8, axis=1)[:HEIGHT, :WIDTH]
    return full.astype(np.uint8) if bits == 8 else full


def jpeg(
    values: Array, bits: int = 8, adobe: int | None = None, frame: int = 0xC0, before: bytes = b"", jfif: bool = True
) -> bytes:
    """A JPEG of (H, W, C) made by `components`.

    Args:
        values: the components.
        bits: 8 or 12.
        adobe: transform of the marker APP14: 0 none, 1 YCbCr, 2 YCCK; None: no such marker.
        frame: 0xC0 baseline, 0xC1 extended, 0xC2 progressive.
        before: segments in front.
        jfif: whether there is a JFIF marker, which means gray or YCbCr.
    """

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    height, width, count = values.shape
    blocks = values[::8, ::8].astype(int)
    head = b"\xff\xd8" + (segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") if jfif else b"") + before
    if adobe is not None:
        head += segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([adobe]))
    head += segment(0xDB, b"\0" + b"\1" * 64)  # no quantization: a block of value v has the coefficient 8 (v - half)
    parts = b"".join(bytes([i + 1, 0x11, 0]) for i in range(count))
    head += segment(frame, struct.pack(">BHHB", bits, height, width, count) + parts)
    head += segment(0xC4, b"\x00" + bytes([0, 0, 0, 15] + [0] * 12) + bytes(range(15)))  # 4-bit codes: the categories
    head += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")  # one code: the block ends
    progressive = frame == 0xC2
    scan = b"".join(bytes([i + 1, 0]) for i in range(count))
    head += segment(0xDA, bytes([count]) + scan + bytes([0, 0 if progressive else 63, 0]))
    text, last = "", [0] * count
    for row in blocks:
        for block in row:
            for band in range(count):
                value = 8 * (int(block[band]) - (1 << (bits - 1)))
                difference, last[band] = value - last[band], value
                length = abs(difference).bit_length()
                text += format(length, "04b")
                if length:
                    text += format(difference if difference > 0 else difference + (1 << length) - 1, f"0{length}b")
                text += "" if progressive else "0"
    text += "1" * (-len(text) % 8)
    body = head + int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    if progressive:  # and a scan for each component that says that nothing follows, lest decoders guess
        number = blocks.shape[0] * blocks.shape[1]
        for band in range(count):
            ends = "0" * number + "1" * (-number % 8)
            body += segment(0xDA, bytes([1, band + 1, 0, 1, 63, 0])) + int(ends, 2).to_bytes(len(ends) // 8, "big")
    return body + b"\xff\xd9"


def rgb_of(ycc: Array) -> Array:
    """JFIF's conversion, (H, W, 3) Y, Cb, Cr to RGB uint8."""
    y, cb, cr = (ycc[:, :, i].astype(float) for i in range(3))
    rgb = np.stack(
        [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)], axis=2
    )
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def ycc_of(rgb: Array) -> Array:
    """The way back, rounded, so that it is of colours that there are."""
    r, g, b = (rgb[:, :, i].astype(float) for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.clip(np.rint(np.stack([y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402], axis=2)), 0, 255).astype(
        np.uint8
    )


def variants() -> Iterator[Variant]:
    gray, three, four = components(1), ycc_of(components(3)), components(4)
    seen = rgb_of(three)
    for name, frame in (("", 0xC0), (" extended", 0xC1), (" progressive", 0xC2)):
        yield Variant(name=f"jpeg gray{name}", suffix=".jpg", data=jpeg(gray, frame=frame), samples=gray)
        yield Variant(
            name=f"jpeg ycc{name}", suffix=".jpg", data=jpeg(three, frame=frame), samples=seen, mode="rgb", near=2
        )
    yield Variant(
        name="jpeg rgb Adobe 0", suffix=".jpg", data=jpeg(three, adobe=0, jfif=False), samples=three, mode="rgb"
    )
    yield Variant(
        name="jpeg ycc Adobe 1", suffix=".jpg", data=jpeg(three, adobe=1, jfif=False), samples=seen, mode="rgb", near=2
    )
    yield Variant(
        name="jpeg ycc without JFIF", suffix=".jpg", data=jpeg(three, jfif=False), samples=seen, mode="rgb", near=2
    )
    # Adobe stores CMYK inverted
    yield Variant(
        name="jpeg cmyk Adobe 0",
        suffix=".jpg",
        data=jpeg(four, adobe=0, jfif=False),
        samples=255 - four,
        mode="cmyk",
        near=3,
    )
    ycck = np.concatenate([rgb_of(four), 255 - four[:, :, 3:]], axis=2)  # YCC is of the inverted inks, too
    yield Variant(
        name="jpeg ycck Adobe 2", suffix=".jpg", data=jpeg(four, adobe=2, jfif=False), samples=ycck, mode="cmyk", near=4
    )
    for orientation in range(1, 9):
        body = b"Exif\0\0" + exif(orientation)
        part = struct.pack(">HH", 0xFFE1, len(body) + 2) + body
        for name, values, rgb in (("gray", gray, gray), ("ycc", three, seen)):
            yield Variant(
                name=f"jpeg {name} EXIF {orientation}", suffix=".jpg", data=jpeg(values, before=part), samples=rgb,
                mode="rgb" if name == "ycc" else "gray", near=2 if name == "ycc" else 0, orientation=orientation,
            )  # fmt: skip
    for count in (1, 3):
        deep = components(count, 12)
        yield Variant(
            name=f"jpeg {'gray' if count == 1 else 'ycc'} 12 bits", suffix=".jpg", bits=12,
            data=jpeg(deep, 12, frame=0xC1), samples=deep, mode="gray" if count == 1 else "rgb", foreign=True,
        )  # fmt: skip
    two = components(2)
    yield Variant(
        name="jpeg of 2 components", suffix=".jpg", data=jpeg(two, jfif=False), samples=two, mode="bands", foreign=True
    )
    yield Variant(name="jpeg lossless", suffix=".jpg", data=jpeg(gray, frame=0xC3), samples=gray, foreign=True)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "JPEG", quality=90)
    whole = stream.getvalue()
    yield Variant(name="jpeg cut off", suffix=".jpg", data=whole[: len(whole) * 2 // 3], samples=gray, damaged=True)
