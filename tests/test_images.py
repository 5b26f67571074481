"""Decoding: what every kind of file gives, and what damaged ones say. All files are written here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from segue.errors import DataError, InputError, LabelError
from segue.images import decode_image, read_image, read_mask, write_png

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOR = np.dstack([RAMP, 255 - RAMP, RAMP // 2])  # BGR


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_lossless_formats(tmp_path, suffix, backend):
    """Oracle: Pillow wrote RGB, we read BGR."""
    path = save(tmp_path / f"a.{suffix}", COLOR[:, :, ::-1].copy(), **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read_image(path, backend=backend), COLOR)


def test_jpeg_backends_are_close(tmp_path):
    path = save(tmp_path / "a.jpg", np.full((16, 16, 3), (200, 100, 50), np.uint8), quality=95)
    for backend in ("cv2", "pillow"):
        assert np.abs(read_image(path, backend=backend).astype(int) - (50, 100, 200)).max() <= 4


def test_gray_file_has_three_channels_under_color(tmp_path):
    path = save(tmp_path / "a.png", RAMP)
    assert read_image(path).shape == (6, 8, 3)
    assert (read_image(path) == RAMP[:, :, None]).all()
    np.testing.assert_array_equal(read_image(path, "grayscale"), RAMP)
    np.testing.assert_array_equal(read_image(path, "unchanged"), RAMP)


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_sixteen_bits(tmp_path, backend):
    """Oracle: unchanged keeps 16 bits; color takes the high byte, as OpenCV does."""
    deep = RAMP.astype(np.uint16) * 257
    write_png(tmp_path / "a.png", deep)
    unchanged = read_image(tmp_path / "a.png", "unchanged", backend)
    np.testing.assert_array_equal(unchanged, deep)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", "color", backend)[:, :, 0], RAMP)


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_alpha_is_kept_unchanged_and_dropped_in_color(tmp_path, backend):
    rgba = np.dstack([COLOR[:, :, ::-1], np.full_like(RAMP, 7)])
    path = save(tmp_path / "a.png", rgba)
    unchanged = read_image(path, "unchanged", backend)
    np.testing.assert_array_equal(unchanged, np.dstack([COLOR, np.full_like(RAMP, 7)]))
    np.testing.assert_array_equal(read_image(path, "color", backend), COLOR)


def test_gif(tmp_path):
    path = save(tmp_path / "a.gif", RAMP)
    assert (read_image(path) == RAMP[:, :, None]).all()


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_exif_orientation(tmp_path, backend):
    """Oracle: orientation 6 means the stored picture is to be turned clockwise; masks and `..._ignore_...` keep it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = np.zeros((8, 16, 3), np.uint8)
    picture[:, 8:] = 255
    path = save(tmp_path / "a.jpg", picture, exif=exif, quality=95)
    turned = read_image(path, "color", backend)
    assert turned.shape == (16, 8, 3)
    assert turned[12:].min() > 200 > 50 > turned[:4].max()
    assert read_image(path, "color_ignore_orientation", backend).shape == (8, 16, 3)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("read", [read_image, read_mask])
def test_truncated(tmp_path, suffix, read):
    """Oracle: OpenCV would fill the missing half with gray and say nothing."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=rf"a.{suffix}: damaged or incomplete image \(\d+ bytes\)"):
        read(path)


@pytest.mark.parametrize("read", [read_image, read_mask])
def test_unreadable(tmp_path, read):
    with pytest.raises(DataError, match=r"gone.png: the file does not exist$"):
        read(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"b.png: the file does not exist \(nor does its folder .*/a\)"):
        read(tmp_path / "a" / "b.png")
    (tmp_path / "text.png").write_text("<html>404</html>")
    with pytest.raises(DataError, match=r"text.png: not an image .* \(it starts with b'<html>40'\)"):
        read(tmp_path / "text.png")
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path)


def test_bad_options():
    with pytest.raises(InputError, match="color_type must be one of color, grayscale"):
        decode_image(b"x", "rgb")
    with pytest.raises(InputError, match="imdecode_backend must be 'cv2' or 'pillow', got 'tifffile'"):
        decode_image(b"x", backend="tifffile")


def test_mask_modes(tmp_path):
    """Oracle: palette indexes, bits and gray values are the labels; 16 bits are not wrapped."""
    indexes = np.arange(6, dtype=np.uint8).reshape(2, 3)
    palette = Image.fromarray(indexes)
    palette.putpalette([9, 8, 7] * 256)
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "p.png"), indexes)
    save(tmp_path / "bits.png", indexes > 2)
    np.testing.assert_array_equal(read_mask(tmp_path / "bits.png"), indexes > 2)
    assert read_mask(tmp_path / "bits.png").dtype == np.uint8
    assert all(read_mask(tmp_path / name).flags.writeable for name in ("p.png", "bits.png"))
    write_png(tmp_path / "deep.png", indexes.astype(np.uint16) * 1000)
    deep = read_mask(tmp_path / "deep.png")
    np.testing.assert_array_equal(deep, indexes.astype(int) * 1000)
    assert deep.dtype == np.int32
    save(tmp_path / "whole.tif", indexes.astype(np.float32))
    np.testing.assert_array_equal(read_mask(tmp_path / "whole.tif"), indexes)
    same = np.dstack([indexes] * 3)
    np.testing.assert_array_equal(read_mask(save(tmp_path / "same.png", same)), indexes)


def test_color_and_fractional_masks_are_refused(tmp_path):
    colors = np.zeros((2, 3, 3), np.uint8)
    colors[0] = (128, 0, 0)
    with pytest.raises(
        LabelError, match=r"rgb.png: a colour \(RGB\) mask with 2 colours: \(0, 0, 0\), \(128, 0, 0\)\."
    ):
        read_mask(save(tmp_path / "rgb.png", colors))
    with pytest.raises(LabelError, match=r"f.tif: holds fractions such as 0.5; labels are integers"):
        read_mask(save(tmp_path / "f.tif", np.full((2, 2), 0.5, np.float32)))


def test_write_png(tmp_path):
    write_png(tmp_path / "new" / "a.png", COLOR)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "a.png")), COLOR)
    with pytest.raises(InputError, match=r"a.png: a PNG holds uint8 or uint16, got int64"):
        write_png("a.png", np.zeros((2, 2), np.int64))
