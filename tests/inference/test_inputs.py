"""What becomes of files, folders and arrays before the pipeline."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from segue.errors import DataError, InputError
from segue.inference.inputs import Expected, as_image, find_images, fitted
from segue.transforms.load_image_from_file import LoadImageFromFile

COLOR, GRAY, DEEP = Expected(3, True), Expected(1, True), Expected(1, False)
RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_what_a_model_takes() -> None:
    model = nn.Sequential(nn.Conv2d(5, 2, 3))
    assert Expected.of(model, LoadImageFromFile()) == Expected(5, True)
    assert Expected.of(model, LoadImageFromFile(color_type="unchanged")) == Expected(5, False)
    model.data_preprocessor = nn.Module()
    model.data_preprocessor.mean = torch.zeros(13, 1, 1)  # of two images, say
    assert Expected.of(model, LoadImageFromFile()).channels == 13
    exported = nn.Module()  # holds no layers to look at
    exported.image_channels = 5
    assert Expected.of(exported, LoadImageFromFile(color_type="unchanged")) == Expected(5, False)


@pytest.mark.parametrize(
    ("array", "rgb"),
    [(RGB, True), (RGB[..., ::-1], False), (Image.fromarray(RGB), None), (RGB.astype(float), True), (RGB + 0, True)],
    ids=["rgb", "bgr", "pillow", "float", "copy"],
)
def test_colors_arrive_as_bgr(array: object, rgb: bool | None) -> None:
    np.testing.assert_array_equal(as_image(array, COLOR, rgb), RGB[..., ::-1])


def test_an_order_that_nobody_said() -> None:
    with pytest.warns(UserWarning, match=r"taken for BGR, as cv2.imread gives them; say rgb=True for np.array"):
        np.testing.assert_array_equal(as_image(RGB, COLOR), RGB)


def test_gray_pillow_images_as_files_are_read(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), RGB[..., ::-1])
    expected = LoadImageFromFile(color_type="grayscale")({"img_path": str(tmp_path / "a.png")})["img"]
    gray = as_image(Image.fromarray(RGB), GRAY)[..., 0]
    assert np.abs(gray.astype(int) - expected).max() <= 1  # OpenCV's PNG decoder rounds in its own way
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    np.testing.assert_array_equal(as_image(Image.fromarray(deep), DEEP)[..., 0], deep)


@pytest.mark.parametrize(
    ("array", "expected", "message"),
    [
        (RGB / 255, COLOR, r"from 0 to 1 \(float64\); the model takes 0 to 255: multiply it by 255"),
        (RGB.astype(np.float32) - 128, COLOR, r"from -128 to 127 \(float32\); the model takes 0 to 255, as 8-bit"),
        (RGB.astype(np.uint16) * 200, COLOR, r"\(uint16\); the model takes 0 to 255"),
        (RGB > 3, COLOR, "holds integers or floats, this array bool"),
        (np.full((9, 9, 3), np.nan), COLOR, "nan or infinite"),
        (np.zeros((3, 40, 50), np.uint8), COLOR, r"looks like \(C, H, W\): transpose it with array.transpose"),
        (np.zeros((40, 50, 4), np.uint8), COLOR, r"has 4 channels, the model takes 3; leave out the alpha"),
        (RGB, GRAY, "has 3 channels, the model takes 1"),
        (np.zeros((0, 5), np.uint8), COLOR, r"not empty; this array is \(0, 5, 1\)"),
        (np.zeros(5, np.uint8), COLOR, r"this array is \(5,\)"),
    ],
)
def test_arrays_that_would_mean_something_else(array: np.ndarray, expected: Expected, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_image(array, expected, rgb=True)


def test_black_floats_are_black_on_any_scale() -> None:
    assert as_image(np.zeros((9, 9, 3)), COLOR, rgb=True).max() == 0


def test_one_band_for_a_model_of_three() -> None:
    band = RGB[..., 0]
    np.testing.assert_array_equal(fitted(band, COLOR), np.stack([band] * 3, axis=2))
    assert fitted(band, GRAY).shape == (20, 30, 1)
    with pytest.raises(InputError, match=r"x\.tif: it has 1 channels, the model takes 4"):
        fitted(band, Expected(4, False), "x.tif")


def test_find_images(tmp_path: Path) -> None:
    for name in ("a.png", "._a.png", "notes.txt", ".hidden/b.png", "masks/a.png", "masks/c.JPG"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find_images([tmp_path]) == [tmp_path / "a.png"]
    every = ["a.png", "masks/a.png", "masks/c.JPG"]
    assert find_images([tmp_path], recursive=True) == [tmp_path / name for name in every]
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"no images directly there, but 2 in masks; name these .*--recursive"):
        find_images([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no images there"):
        find_images([tmp_path / "empty"])
    with pytest.raises(DataError, match="no such file or folder"):
        find_images([tmp_path / "gone.png"])
