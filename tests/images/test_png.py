"""Signs of damage. Whole files that are damaged are in test_images.py."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segue.errors import DataError
from segue.images.png import check_png, looks_cut_off

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_whole_files_are_sound(suffix):
    data = cv2.imencode(suffix, PICTURE)[1].tobytes()
    assert not looks_cut_off(data)
    check_png(data, "a")
    assert looks_cut_off(data[:-100]) is (suffix != ".bmp")  # whose decoders notice


def test_every_part_of_a_png_is_checked():
    """Oracle: one byte is changed in the header, the pixels and the end mark."""
    data = cv2.imencode(".png", PICTURE)[1].tobytes()
    for place, part in ((20, "IHDR"), (len(data) // 2, "IDAT"), (len(data) - 2, "IEND")):
        wrong = bytearray(data)
        wrong[place] ^= 1
        with pytest.raises(
            DataError, match=rf"a.png: damaged PNG: the part {part} at byte \d+ does not match its check"
        ):
            check_png(bytes(wrong), "a.png")
