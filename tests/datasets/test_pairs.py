"""Pairing by name, on names alone."""

from __future__ import annotations

import pytest

from segue.datasets.pairs import pair_by_stem
from segue.errors import DataError


@pytest.mark.parametrize(
    ("images", "masks", "pairs"),
    [
        (["a.jpg", "b.png"], ["a.png", "b.gif"], ["a.png", "b.gif"]),
        (["a.jpg"], ["a_mask.png"], ["a_mask.png"]),
        (["1.jpg", "2.jpg"], ["mask_1.png", "mask_2.png"], ["mask_1.png", "mask_2.png"]),
        (["x_1_img.tif", "x_2_img.tif"], ["x_1_lab.tif", "x_2_lab.tif"], ["x_1_lab.tif", "x_2_lab.tif"]),
        (["u/a.jpg", "v/a.jpg"], ["u/a_gt.png", "v/a_gt.png"], ["u/a_gt.png", "v/a_gt.png"]),
        (["a.jpg", "b.jpg"], ["a_edge.png", "a_ids.png", "b_ids.png"], ["a_ids.png", "b_ids.png"]),
        (["im.0.jpg", "im.1.jpg"], ["im.0.png", "im.1.png"], ["im.0.png", "im.1.png"]),
    ],
)
def test_pairs(images, masks, pairs):
    """Oracle: what a person would pair."""
    assert [mask for _, mask in pair_by_stem(images, masks, "images", "masks").pairs] == pairs


def test_numbers_are_not_affixes():
    """Oracle: names that merely end alike must not be matched by cutting off what makes them different."""
    with pytest.raises(DataError, match=r"images: 2 of 2 images have no mask in masks: a_1.jpg, b_1.jpg"):
        pair_by_stem(["a_1.jpg", "b_1.jpg"], ["c_1.png", "d_1.png"], "images", "masks")


def test_an_affix_alone_is_no_name():
    """Of ``u/_img`` nothing would be left to find its mask by."""
    with pytest.raises(DataError, match=r"images: .* of 2 images have no mask in masks"):
        pair_by_stem(["u/_img.jpg", "u/a_img.jpg"], ["u/_gt.png", "u/a_gt.png"], "images", "masks")


def test_dots_of_folders_and_endings():
    """Oracle: what a person would pair."""
    pairing = pair_by_stem(["v1.0/a_img.jpg", "v1.0/b_img.jpg"], ["v1.0/a.png", "v1.0/b.png", "v1.0/c.png"], "i", "m")
    assert pairing.pairs == [("v1.0/a_img.jpg", "v1.0/a.png"), ("v1.0/b_img.jpg", "v1.0/b.png")]
    assert pairing.unused_masks == ["v1.0/c.png"]
    assert str(pairing.image_affix) == "*_img"


def test_two_files_of_one_stem():
    with pytest.raises(DataError, match=r"images: files that differ only in their suffix .*: a.jpg, a.png"):
        pair_by_stem(["a.jpg", "a.png"], ["a.png"], "images", "masks")
