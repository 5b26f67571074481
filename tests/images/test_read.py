"""Decoding: what every kind of file gives, and what damaged ones say. All files are written here."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segue.errors import DataError, InputError, LabelError
from segue.images.read import DamagedImageWarning, decode_image, read_image, write_png
from segue.masks.decode import read_mask
from tests.images.test_tiff import tiff

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


@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_of_colors(tmp_path, bands, dtype):
    """Oracle: the pixels that were written, RGB(A) turned to BGR(A); as a color, 16 bits become 8."""
    pixels = (np.arange(4 * 6 * bands).reshape(4, 6, bands) * (700 if dtype == np.uint16 else 2)).astype(dtype)
    (tmp_path / "a.tif").write_bytes(tiff(pixels, photometric=1 if bands == 1 else 2))
    order = [2, 1, 0, 3][:bands] if bands > 1 else [0]
    stored = read_image(tmp_path / "a.tif", "unchanged")
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored.reshape(4, 6, bands), pixels[:, :, order])
    if dtype == np.float32:
        with pytest.raises(
            DataError, match=rf"a.tif: holds {bands} bands? of 32-bit floats, which are no color; set color"
        ):
            read_image(tmp_path / "a.tif")
    elif bands < 4:  # with alpha OpenCV multiplies
        expected = np.broadcast_to((pixels if dtype == np.uint8 else pixels / 257)[:, :, order], (4, 6, 3))
        assert np.abs(read_image(tmp_path / "a.tif") - expected).max() <= (0 if dtype == np.uint8 else 1)


@pytest.mark.parametrize("bands", [2, 4, 13])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_of_many_bands(tmp_path, bands, dtype):
    """Oracle: the pixels that were written, in their order. (OpenCV would keep one of four bands, and none of 13.)"""
    pytest.importorskip("rasterio", reason="an optional extra: geo")
    pixels = (np.arange(4 * 6 * bands).reshape(4, 6, bands) % 199).astype(dtype)
    (tmp_path / "a.tif").write_bytes(tiff(pixels))
    stored = read_image(tmp_path / "a.tif", "unchanged")
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, pixels)
    bits = np.dtype(dtype).itemsize * 8
    with pytest.raises(DataError, match=rf"a.tif: holds {bands} bands of {bits}-bit .*, which are no grayscale; set "):
        read_image(tmp_path / "a.tif", "grayscale")
    with pytest.raises(LabelError, match="a label map has one channel") if bits > 8 else pytest.raises(DataError):
        read_mask(tmp_path / "a.tif")


def test_numpy_files(tmp_path):
    """Oracle: arrays come back as they are; as a color only uint8 of one or three bands, taken for BGR."""
    for name, array in {"c": COLOR, "g": RAMP, "many": np.zeros((4, 5, 13), np.float32)}.items():
        np.save(tmp_path / f"{name}.npy", array)
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.npy", "unchanged"), array)
    np.testing.assert_array_equal(read_image(tmp_path / "c.npy"), COLOR)
    np.testing.assert_array_equal(read_image(tmp_path / "g.npy"), np.dstack([RAMP] * 3))
    np.testing.assert_array_equal(read_image(tmp_path / "g.npy", "grayscale"), RAMP)
    with pytest.raises(DataError, match=r"many.npy: holds float32 \(4, 5, 13\), which is no color; set color_type="):
        read_image(tmp_path / "many.npy")
    np.save(tmp_path / "m.npy", RAMP.astype(np.int64) - 1)
    assert read_mask(tmp_path / "m.npy").tolist() == (RAMP.astype(int) - 1).tolist()
    with pytest.raises(LabelError, match=r"c.npy: a label map is \(H, W\), this array has the shape \(6, 8, 3\)"):
        read_mask(tmp_path / "c.npy")
    np.save(tmp_path / "wide.npy", np.full((2, 2), 2**40))
    with pytest.raises(LabelError, match=r"wide.npy: holds values up to 1.09951e\+12, too large for class ids"):
        read_mask(tmp_path / "wide.npy")
    np.save(tmp_path / "line.npy", RAMP[0])
    with pytest.raises(
        DataError, match=r"line.npy: an image is \(H, W\) or \(H, W, C\) numbers, this array is uint8 \(8,\)"
    ):
        read_image(tmp_path / "line.npy")


def test_palette_image_becomes_colors(tmp_path):
    """Oracle: index 1 is the second colour of the palette."""
    picture = Image.fromarray(np.eye(4, dtype=np.uint8))
    picture.putpalette([1, 2, 3, 40, 50, 60])
    for suffix in ("png", "gif", "bmp"):
        picture.save(tmp_path / f"a.{suffix}")
        assert read_image(tmp_path / f"a.{suffix}")[0, :2].tolist() == [[60, 50, 40], [3, 2, 1]]


@pytest.mark.parametrize("read", [read_image, read_mask])
@pytest.mark.parametrize("suffix", ["gif", "bmp", "tif", "webp", "npy"])
def test_other_formats_cut_off(tmp_path, suffix, read):
    """Oracle: every format names its file, at half its length."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, noise)
    else:
        Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"a.{suffix}: "):
        read(path)


@pytest.mark.parametrize("read", [read_image, read_mask])
def test_wrong_bytes_inside_a_png(tmp_path, read):
    """Oracle: the checksum of the part that was changed does not match; Pillow alone would not look at it."""
    path = save(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x5A
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"a.png: damaged PNG: the part IDAT at byte \d+ does not match its checksum"):
        read(path)


def test_volume_is_no_image(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"\x1f\x8b" + b"x" * 20)
    with pytest.raises(DataError, match=r"a.nii.gz: a NIfTI volume; read it with LoadBiomedicalImageFromFile"):
        read_image(tmp_path / "a.nii.gz")


def test_a_jpeg_that_its_decoder_repairs(tmp_path: Path) -> None:
    """A part of the pixels is missing although the end is there: OpenCV makes it up, and the warning names the file."""
    pytest.importorskip("simplejpeg", reason="an optional extra")
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (20, 20, 3)).astype(np.uint8), (200, 100))
    data = cv2.imencode(".jpg", image)[1].tobytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    with pytest.warns(DamagedImageWarning, match=r"a\.jpg: damaged JPEG \(Corrupt JPEG data: premature end"):
        assert read_image(path).shape == (100, 200, 3)
