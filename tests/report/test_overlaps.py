"""Overlays of several classes. Oracle: colors mixed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.report.overlaps import overlay_masks

PALETTE = [[200, 0, 0], [0, 100, 0]]


def test_tints_mix_where_classes_meet() -> None:
    image = np.full((1, 4, 3), 100, np.uint8)
    masks = np.array([[[1, 1, 0, 0]], [[0, 1, 1, 0]]], bool)
    drawn = overlay_masks(image, masks, PALETTE, 0.5, outline=0)
    assert drawn.tolist() == [[[150, 50, 50], [100, 75, 50], [50, 100, 50], [100, 100, 100]]]


def test_outlines_are_inside_and_take_turns_where_they_coincide() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    masks = np.zeros((2, 20, 20), bool)
    masks[:, 5:15, 5:15] = True
    masks[1, :, 15:] = True  # to the frame, which is no border
    drawn = overlay_masks(image, masks, PALETTE, 0.5, outline=1)
    left = {tuple(color) for color in drawn[5:15, 5].tolist()}
    assert left == {(200, 0, 0), (0, 100, 0)}
    assert drawn[10, 14].tolist() == [200, 0, 0]  # only the first ends here
    assert drawn[0, 17].tolist() == drawn[10, 19].tolist() == [0, 50, 0]
    assert drawn[4, 10].tolist() == [0, 0, 0]


def test_masks_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"masks must be \(classes, H, W\) of at most 2 classes"):
        overlay_masks(np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 2), bool), PALETTE)
