"""Drawing, on arrays small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segue.errors import InputError
from segue.report.draw import colorize, enlarge, legend, overlay, panels, save_picture, sheet

PALETTE = [(0, 0, 0), (200, 100, 0), (0, 0, 255)]


def test_colorize_looks_colors_up_and_paints_the_ignored_black():
    picture = colorize(np.array([[1, 2], [255, 1]]), PALETTE)
    np.testing.assert_array_equal(picture, [[[200, 100, 0], [0, 0, 255]], [[0, 0, 0], [200, 100, 0]]])


def test_overlay_mixes_and_outlines():
    """Oracle: 100 mixed half and half with (200, 100, 0) is (150, 100, 50); edge pixels have the full color."""
    image = np.full((3, 4, 3), 100, np.uint8)
    labels = np.array([[1, 1, 1, 0]] * 3)
    picture = overlay(image, labels, PALETTE, 0.5, skip=(0,), outline=1)
    assert picture[1].tolist() == [[150, 100, 50], [150, 100, 50], [200, 100, 0], [100, 100, 100]]
    plain = overlay(image, labels, PALETTE, 0.5, skip=(0,), outline=0)
    assert plain[1, 2].tolist() == [150, 100, 50]
    assert image.min() == image.max() == 100  # the input is not painted on


def test_overlay_leaves_ignored_pixels_alone():
    image = np.full((2, 2, 3), 80, np.uint8)
    picture = overlay(image, np.array([[255, 255], [255, 255]]), PALETTE)
    np.testing.assert_array_equal(picture, image)


def test_wrong_labels_are_refused():
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(InputError, match=r"label 3 has no color: the palette is for labels 0\.\.2"):
        overlay(image, np.array([[0, 1], [3, 0]]), PALETTE)
    with pytest.raises(InputError, match=r"label -1 has no color"):
        colorize(np.array([[-1]]), PALETTE)
    with pytest.raises(InputError, match=r"labels must be \(H, W\) integers, not float64 of shape \(2, 2\)"):
        colorize(np.zeros((2, 2)), PALETTE)
    with pytest.raises(
        InputError, match=r"image of \(2, 2\) pixels \(H, W\) with labels of \(3, 2\): sizes must be equal"
    ):
        overlay(image, np.zeros((3, 2), int), PALETTE)


def test_enlarge_keeps_labels_and_large_images():
    image = np.zeros((10, 20, 3), np.uint8)
    labels = np.zeros((10, 20), np.uint8)
    labels[:, 10:] = 2
    large, (map_,) = enlarge(image, [labels], 40)
    assert large.shape == (40, 80, 3) and map_.shape == (40, 80) and map_.dtype == np.uint8
    assert (map_[:, :38] == 0).all() and (map_[:, 42:] == 2).all() and set(np.unique(map_)) == {0, 2}
    same, _ = enlarge(image, [labels], 10)
    assert same is image


def test_legend_wraps_into_rows():
    names = ["background", "building", "road"]
    one, three = legend(names, PALETTE, 600), legend(names, PALETTE, 60)
    assert one.shape[1] == 600 and three.shape[0] > 2.5 * one.shape[0]
    assert (one == np.array([0, 0, 255])).all(axis=2).any()  # the swatch of road


def test_panels_stand_side_by_side_under_captions():
    red, blue = np.full((20, 30, 3), (255, 0, 0), np.uint8), np.full((20, 10, 3), (0, 0, 255), np.uint8)
    picture = panels([red, blue], ["a", "b"], size=10)
    assert picture.shape == (20 + 18, 30 + 10 + 10, 3)
    np.testing.assert_array_equal(picture[18:, :30], red)
    np.testing.assert_array_equal(picture[18:, 40:], blue)
    with pytest.raises(
        InputError, match=r"panels need equal heights and a caption each: heights \[20, 10\], 2 captions"
    ):
        panels([red, blue[:10]], ["a", "b"])


def test_sheet_and_save(tmp_path: Path):
    image, labels = np.zeros((16, 16, 3), np.uint8), np.ones((16, 16), np.uint8)
    picture = sheet(image, [("truth", labels), ("prediction", labels)], ["none", "thing"], PALETTE, skip=(0,), least=64)
    assert picture.dtype == np.uint8 and picture.shape[1] > 3 * 64
    save_picture(tmp_path / "deep/sheet.png", picture)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "deep/sheet.png")), picture)
