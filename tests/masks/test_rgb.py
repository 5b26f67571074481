"""Colors to classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segue.errors import InputError, LabelError
from segue.images.read import Array
from segue.masks.names import Names
from segue.masks.rgb import RgbReader
from tests.masks.scenes import CLASSES, NAMES, label_map


def write(path: Path, labels: Array) -> str:
    Image.fromarray(np.array([*NAMES.palette, (1, 2, 3)], np.uint8)[labels]).save(path)
    return str(path)


@pytest.mark.parametrize("seed", range(3))
def test_round_trip(tmp_path: Path, seed: int):
    labels = label_map(seed, ignore=False)
    path = write(tmp_path / "a.png", labels)
    np.testing.assert_array_equal(RgbReader(str(tmp_path), NAMES).read(path, ""), labels)


def test_a_palette_png_of_the_same_colors(tmp_path: Path):
    """Oracle: the indexes are in another order than the classes, the colors count."""
    labels = label_map(1, ignore=False)
    picture = Image.fromarray(3 - labels)
    picture.putpalette([part for color in reversed(NAMES.palette) for part in color])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(RgbReader(str(tmp_path), NAMES).read(str(tmp_path / "a.png"), ""), labels)


def test_an_unknown_color_is_counted(tmp_path: Path):
    labels = np.zeros((4, 5), np.uint8)
    labels[0, :3] = 4
    path = write(tmp_path / "a.png", labels)
    with pytest.raises(
        LabelError, match=r"a\.png: the color \(1, 2, 3\) \(3 pixels\) not in the palette\. Add it to palette"
    ):
        RgbReader(str(tmp_path), NAMES).read(path, "")
    mask = RgbReader(str(tmp_path), replace(NAMES, others="ignore")).read(path, "")
    assert mask[0].tolist() == [255, 255, 255, 0, 0]
    random = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(random).save(tmp_path / "b.png")
    with pytest.raises(
        LabelError, match=r"and 59 more not in the palette\. So many colors come from smoothing or JPEG"
    ):
        RgbReader(str(tmp_path), NAMES).read(str(tmp_path / "b.png"), "")


def test_the_palette_must_tell_classes_apart():
    with pytest.raises(InputError, match=r"one color for each of the 2 classes; the color \(1, 1, 1\) stands for two"):
        RgbReader("", Names(("a", "b"), palette=((1, 1, 1), (1, 1, 1))))
    with pytest.raises(InputError, match=r"one color for each of the 4 classes; there are 1 colors"):
        RgbReader("", Names(CLASSES, palette=((1, 1, 1),)))
