"""What only some decoders read right: messages, and the rules that the matrix (test_matrix.py) does not cover."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from segue.errors import DataError, LabelError, MissingExtraError
from segue.images.read import decode_image
from segue.images.stored import turned
from segue.masks.decode import decode_mask
from tests.images.variants import variant
from tests.images.variants.tiff_file import tiff
from tests.images.variants.variant import drawn


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned(orientation) -> None:
    """Oracle: EXIF's table, written in another way for the matrix."""
    pixels = drawn(8, 3)
    np.testing.assert_array_equal(turned(pixels, orientation), variant.turned(pixels, orientation))


def test_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rasterio", None)
    data = tiff(drawn(8), 8, missing=(1,))
    for read in (decode_image, decode_mask):
        with pytest.raises(
            MissingExtraError,
            match=r"^a.tif: reading 1 band of 8-bit integers stored in this way needs .* pip install 'segue\[geo\]'$",
        ):
            read(data, path="a.tif")


def test_inks_that_are_turned() -> None:
    data = tiff(drawn(8, 4), 8, 5, tags={274: 6})
    with pytest.raises(DataError, match=r"a.tif: a TIFF of inks \(CMYK\) that is turned or not complete; save it as P"):
        decode_image(data, "unchanged", path="a.tif")


def test_numbers_that_are_no_colors() -> None:
    data = tiff(drawn(8, kind="i"), 8)
    with pytest.raises(DataError, match=r"a.tif: holds 1 band of 8-bit signed integers, which are no color; set col"):
        decode_image(data, path="a.tif")


def test_masks_that_cannot_be_labels() -> None:
    """No data, fractions, several pictures."""
    floats = drawn(32, kind="w")
    floats[0, 0], floats[0, 1] = 255, np.nan
    data = tiff(floats, 32, tags={42113: b"nan"})
    with pytest.raises(
        LabelError, match=r"a.tif: holds the label 255 and pixels without data \(nan\), which would beco"
    ):
        decode_mask(data, "a.tif")
    with pytest.raises(LabelError, match=r"a.tif: holds fractions such as nan; labels are integers"):
        decode_mask(tiff(floats, 32), "a.tif")
    with pytest.raises(LabelError, match=r"a.tif: holds several pictures; a label map is one: save them one by one"):
        decode_mask(tiff(drawn(8), 8, pages=2), "a.tif")
    with pytest.raises(LabelError, match=r"a.tif: holds values up to 1\.84467e\+19, too large for class ids"):
        decode_mask(tiff(drawn(64), 64), "a.tif")


def test_previews_are_no_pictures() -> None:
    """A second directory of the subfile type 1 (reduced) or 4 (mask): TIFF 6.0, tag 254."""
    data = tiff(drawn(8), 8, tags={254: 1}, pages=2)
    np.testing.assert_array_equal(decode_mask(data), drawn(8)[:, :, 0])
