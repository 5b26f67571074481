"""What is not opened as an image: pipes, devices, pictures of absurdly many pixels, whatever their format."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, features

from segue.errors import DataError, InputError
from segue.images.limits import MAX_PIXELS, check_file, check_pixels, stored_size
from segue.images.read import decode_image, read_image
from segue.images.window import open_image
from segue.masks.decode import decode_mask, read_mask

H, W = 37, 53


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(np.full((H, W, 3), 99, np.uint8))
    name, _, option = kind.partition(" ")
    options = {"lossless": {"lossless": True}, "progressive": {"progressive": True}, "big": {"big_tiff": True}}
    if option == "alpha":
        picture.putalpha(7)
    if option == "cmyk":
        picture = picture.convert("CMYK")
    if option == "stream":
        options = {"stream": {"no_jp2": True}}
    picture.save(out, name, **options.get(option, {}))
    return out.getvalue()


KINDS = ["PNG", "JPEG", "JPEG progressive", "JPEG cmyk", "TIFF", "TIFF big", "BMP", "GIF", "WEBP", "WEBP lossless",
         "WEBP alpha", "PPM", "JPEG2000", "JPEG2000 stream"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_is_read_from_the_header(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would decode the file: OpenCV, Pillow or Segue's own."""
    if kind.startswith("JPEG2000") and not features.check("jpg_2000"):
        pytest.skip("this Pillow has no JPEG 2000")
    data = encoded(kind)
    assert stored_size(data) == (H, W)
    monkeypatch.setenv("SEGUE_MAX_PIXELS", str(H * W - 1))
    message = rf"x: {H} x {W} pixels in {len(data)} bytes, more than the limit of {H * W - 1}; .* SEGUE_MAX_PIXELS"
    for backend in ("cv2", "pillow"):
        with pytest.raises(DataError, match=message):
            decode_image(data, "color", backend, "x")
    with pytest.raises(DataError, match=message):
        decode_mask(data, "x")
    monkeypatch.setenv("SEGUE_MAX_PIXELS", str(H * W))
    check_pixels(data, "x")


def huge_png(side: int) -> bytes:
    """A gray PNG of side x side zeros in a few kB: rows are compressed without ever being made."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    body = zlib.compress(b"\0" * 1000)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def test_the_default_limit(tmp_path: Path) -> None:
    """30,000 x 30,000 pixels, which OpenCV would make."""
    path = tmp_path / "bomb.png"
    path.write_bytes(huge_png(30_000))
    assert MAX_PIXELS < 30_000**2
    for read in (read_image, read_mask, open_image):
        with pytest.raises(DataError, match=r"bomb\.png: 30000 x 30000 pixels in \d+ bytes, more than the limit"):
            read(path)
    data = huge_png(30_000).replace(b"IHDR", b"IHDR")
    bmp = b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, 30_000, -30_000, 1, 24) + bytes(24)
    assert stored_size(bmp) == (30_000, 30_000)
    with pytest.raises(DataError, match="more than the limit"):
        decode_image(bmp + data, path="x.bmp")


@pytest.mark.parametrize("given", ["x", "0", "-3", "1e9"])
def test_the_limit_is_a_number(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_MAX_PIXELS", given)
    with pytest.raises(InputError, match=f"SEGUE_MAX_PIXELS='{given}': a positive whole number of pixels is expected"):
        check_pixels(cv2.imencode(".png", np.zeros((2, 2), np.uint8))[1].tobytes(), "x")


def test_pipes_devices_and_folders(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes to would wait for ever."""
    pipe = tmp_path / "a.png"
    os.mkfifo(pipe)
    for read in (read_image, read_mask, open_image):
        with pytest.raises(DataError, match=r"a\.png: cannot be read: it is a pipe, not a file"):
            read(pipe)
    with pytest.raises(DataError, match="a device, not a file"):
        read_image("/dev/zero")
    with pytest.raises(DataError, match="a folder, not a file"):
        read_image(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        read_image(tmp_path / "b.png")
    check_file(tmp_path / "b.png")
