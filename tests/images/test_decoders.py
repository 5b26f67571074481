"""The decoders of the extra ``fast`` give OpenCV's pixels, whole and in part; what is unusual is left to OpenCV."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segue.errors import DataError
from segue.images.decoders import CV2_FLAGS, decode_indexes, decode_part, decode_whole, upright_header
from segue.images.jpeg import read_jpeg_header
from segue.images.png import inflated_png, read_png_header
from segue.images.read import read_image
from segue.images.window import open_image
from segue.masks.decode import read_mask

needs_fast = pytest.mark.skipif(
    inflated_png.__globals__["isal_zlib"] is None
    or decode_part.__globals__["decode_jpeg"].__globals__["simplejpeg"] is None,
    reason="the extra 'fast' is not installed; the fallback is tested by the other tests",
)
HEIGHT, WIDTH = 203, 331


def picture(bands: int = 3) -> np.ndarray:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (HEIGHT, WIDTH, bands), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 1.2).reshape(HEIGHT, WIDTH, bands)


def jpeg(*options: int, gray: bool = False) -> bytes:
    image = picture()[:, :, 0] if gray else picture()
    return cv2.imencode(".jpg", image, [int(option) for option in options])[1].tobytes()


def pillow_png(mode: str, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture()).convert(mode).save(stream, "PNG", **options)
    return stream.getvalue()


JPEGS = {
    "4:2:0": jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    "4:2:2": jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422),
    "4:4:4": jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    "progressive": jpeg(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": jpeg(cv2.IMWRITE_JPEG_RST_INTERVAL, 3),
    "gray": jpeg(gray=True),
}
PNGS = {
    "cv2": cv2.imencode(".png", picture())[1].tobytes(),
    "all filters": pillow_png("RGB"),
    "gray": pillow_png("L"),
    "rgba": pillow_png("RGBA"),
    "gray and alpha": pillow_png("LA"),
    "deep": cv2.imencode(".png", picture().astype(np.uint16) * 257)[1].tobytes(),
    "bilevel": pillow_png("1"),
    "palette": pillow_png("P"),
}


@needs_fast
@pytest.mark.parametrize("color_type", ["color", "unchanged", "color_ignore_orientation"])
@pytest.mark.parametrize("kind", [*JPEGS, *(f"png {name}" for name in PNGS)])
def test_parts_are_the_same_to_the_bit(kind, color_type, monkeypatch) -> None:
    """Oracle: OpenCV's pixels of the whole file."""
    monkeypatch.setattr("segue.images.decoders._SMALL", 0)
    data = PNGS[kind[4:]] if kind.startswith("png ") else JPEGS[kind]
    full = cv2.imdecode(np.frombuffer(data, np.uint8), CV2_FLAGS[color_type])
    header = upright_header(data, color_type)
    assert header is not None
    assert header.size == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(decode_whole(data, color_type), full)
    for rows, columns in ((1, 5), (15, 16), (16, 300), (17, 331), (100, 100), (202, 330), (203, 331)):
        for top in (0, rows // 2, rows - 1):
            part = decode_part(data, header, color_type, (rows, columns), top)
            assert part is not None
            pixels, first = part
            assert first <= top
            np.testing.assert_array_equal(pixels[: rows - first, :columns], full[first:rows, :columns])


@needs_fast
@pytest.mark.parametrize("column", [None, 0, 1, 200])
@pytest.mark.parametrize(("filter_type", "first"), [(0, 150), (1, 150), (2, 0), (3, 0), (4, 0)])
def test_parts_that_begin_further_down_or_right(filter_type, first, column) -> None:
    """By PNG's definition of its filters: 0 (none) and 1 (sub) do not look up, 2 (up), 3 (average) and 4 (Paeth) do."""
    pixels = picture(1)[:, :, 0]
    data = whole_png(filtered(pixels, filter_type))
    header = read_png_header(data)
    assert header is not None
    left = None if column is None else (column, pixels[:, column])
    part = inflated_png(data, header, (170, 300), 150, left)
    assert part is not None
    assert part[1] == first
    shown = cv2.imdecode(part[0], cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(shown, pixels[first:170, column or 0 : 300])


@needs_fast
def test_rows_longer_than_a_block() -> None:
    """A stored block has 65535 bytes at most, and these rows 90001."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 30000, 3), dtype=np.uint8)
    data = cv2.imencode(".png", pixels)[1].tobytes()
    header = read_png_header(data)
    assert header is not None
    part = inflated_png(data, header, (4, 29000))
    assert part is not None
    np.testing.assert_array_equal(cv2.imdecode(part[0], cv2.IMREAD_UNCHANGED), pixels[:4, :29000])


def filtered(pixels: np.ndarray, filter_type: int) -> bytes:
    """Rows of (H, W) uint8 as PNG's specification (12.2, 9.2) filters them, each after the number of the filter."""
    values = pixels.astype(int)
    left = np.pad(values, ((0, 0), (1, 0)))[:, :-1]
    above = np.pad(values, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(values, ((1, 0), (1, 0)))[:-1, :-1]
    estimate = left + above - corner
    distances = np.abs(np.stack([left, above, corner]) - estimate)
    paeth = np.choose(np.argmin(distances, axis=0), (left, above, corner))  # of equals the first
    predicted = (0, left, above, (left + above) // 2, paeth)[filter_type]
    return np.insert((values - predicted).astype(np.uint8), 0, filter_type, axis=1).tobytes()


def whole_png(rows: bytes) -> bytes:
    """An 8-bit gray PNG of filtered rows."""
    ihdr = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", ihdr), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    coded = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(coded)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("kind", [*JPEGS, *(f"png {name}" for name in PNGS)])
def test_windows_are_parts_of_the_image(kind, fast, tmp_path, monkeypatch) -> None:
    """With the extra and without it."""
    if not fast:
        monkeypatch.setattr("segue.images.jpeg.simplejpeg", None)
        monkeypatch.setattr("segue.images.png.isal_zlib", None)
    png = kind.startswith("png ")
    path = tmp_path / ("a.png" if png else "a.jpg")
    path.write_bytes(PNGS[kind[4:]] if png else JPEGS[kind])
    for color_type in ("color", "grayscale", "unchanged"):
        full = read_image(path, color_type)
        image = open_image(path, color_type)
        assert image.size == full.shape[:2]
        window = slice(31, 120), slice(7, 200)
        np.testing.assert_array_equal(image.read(window), full[window])


def test_turned_pictures_have_their_turned_size(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.fromarray(picture()).save(path, exif=exif)
    assert open_image(path).size == (WIDTH, HEIGHT)
    assert open_image(path, "unchanged").size == (HEIGHT, WIDTH)


@pytest.mark.parametrize("order", [b"MM\0*", b"II*\0"])
@pytest.mark.parametrize("orientation", [1, 3, None])
def test_orientation(order, orientation) -> None:
    """EXIF made by hand, as TIFF 6.0 says: order, offset of the directory, entries of 12 bytes."""
    end = "big" if order[:1] == b"M" else "little"
    entry = (0x0112).to_bytes(2, end) + (3).to_bytes(2, end) + (1).to_bytes(4, end)
    entry += (orientation or 0).to_bytes(2, end) + b"\0\0"
    count = 0 if orientation is None else 1
    exif = b"Exif\0\0" + order + (8).to_bytes(4, end) + count.to_bytes(2, end) + entry * count + b"\0\0\0\0"
    data = JPEGS["4:2:0"]
    data = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    header = read_jpeg_header(data)
    assert header is not None
    assert header.turned == (orientation == 3)


def test_damaged_exif_counts_as_turned() -> None:
    data = JPEGS["4:2:0"]
    for exif in (b"Exif\0\0what", b"Exif\0\0MM\0*\0\0\xff\xff"):
        header = read_jpeg_header(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
        assert header is not None
        assert header.turned


def test_other_files_are_left_alone() -> None:
    for data in (b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", JPEGS["gray"][:30], PNGS["gray"][:20]):
        assert upright_header(data, "color") is None
        assert decode_whole(data, "color") is None
        assert decode_indexes(data) is None


@needs_fast
@pytest.mark.parametrize("name", ["all filters", "gray"])
def test_damage_is_left_to_the_careful_decoder(name) -> None:
    """A flipped byte breaks a checksum, a missing one the length."""
    data = PNGS[name]
    header = read_png_header(data)
    assert header is not None
    place = data.index(b"IDAT") + 100
    broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    assert inflated_png(broken, header) is None
    assert inflated_png(data[:-40] + data[-12:], header) is None


def test_damaged_files_are_named(tmp_path) -> None:
    path = tmp_path / "broken.png"
    data = PNGS["all filters"]
    place = data.index(b"IDAT") + 100
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(DataError, match=r"broken\.png: damaged PNG: the part IDAT at byte \d+ does not match"):
        read_image(path)
    path.write_bytes(JPEGS["4:2:0"][:2000])
    with pytest.raises(DataError, match=r"broken\.png: damaged or incomplete image"):
        open_image(path)


@pytest.mark.parametrize("mode", ["L", "P"])
def test_indexes(mode, tmp_path: Path) -> None:
    """Oracle: what was written."""
    labels = np.random.default_rng(0).integers(0, 200, (50, 70), dtype=np.uint8)
    image = Image.fromarray(labels)
    if mode == "P":
        image.putpalette([value % 256 for value in range(0, 768 * 5, 5)])
    image.save(tmp_path / "labels.png", transparency=3 if mode == "P" else None)
    assert decode_indexes((tmp_path / "labels.png").read_bytes()) is not None
    np.testing.assert_array_equal(read_mask(tmp_path / "labels.png"), labels)
