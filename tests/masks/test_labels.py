"""Remapping and checking labels: cases worked by hand, messages in full."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError, LabelError
from segue.masks.labels import (
    all_valid,
    check_label_map,
    check_labels,
    find_mistake,
    label_counts,
    remap_labels,
    values_in,
)

DTYPES = [np.uint8, np.int32, np.int64]


def remap(values, dtype=np.uint8, **options):
    return remap_labels(np.array([values], dtype), **options)[0].tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_remap(dtype):
    """Oracle: each line by hand from the rules in the docstring; the table and the general way agree."""
    assert remap([0, 1, 254, 255], dtype) == [0, 1, 254, 255]
    assert remap([0, 1, 2, 255], dtype, reduce_zero_label=True) == [255, 0, 1, 255]
    assert remap([0, 1, 2, 255], dtype, label_map={0: 1, 1: 0}) == [1, 0, 2, 255]
    assert remap([0, 1, 2, 255], dtype, label_map={0: 255, 1: -1, 2: 0}) == [255, 255, 0, 255]
    assert remap([0, 255], dtype, label_map={0: 0, 255: 1}) == [0, 1]
    assert remap([0, 11, 255], dtype, void=11) == [0, 255, 255]
    assert remap([0, 11, 255], dtype, void=11, label_map={0: 0, 255: 1}) == [0, 255, 1]
    assert remap([0, 1, 2], dtype, reduce_zero_label=True, label_map={0: 1, 1: 0}) == [255, 1, 0]


def test_remap_dtype():
    """Oracle: uint8 where all values fit, never a wrap."""
    assert remap_labels(np.array([[3, 7]], np.int32)).dtype == np.uint8
    assert remap_labels(np.array([[3, 256]], np.int32)).dtype == np.int32
    assert remap([1, 300], np.int32, ignore_index=65535, void=65535, reduce_zero_label=True) == [0, 299]
    assert remap([0, 9], np.uint8, ignore_index=65535, void=0) == [65535, 9]
    mask = np.zeros((2, 2), np.uint8)
    assert remap_labels(mask) is mask


@pytest.mark.parametrize("dtype", DTYPES)
def test_check_labels(dtype):
    check_labels(np.array([[0, 1, 2, 255]], dtype), 3)
    check_labels(np.zeros((0, 4), dtype), 3)
    with pytest.raises(LabelError) as failure:
        check_labels(np.array([[0, 1, 9, 9, 255]], dtype), 3, path="city/m.png")
    assert str(failure.value) == (
        "city/m.png: label 9 (2 pixels) outside the 3 classes 0..2 (ignored: 255). "
        "There are 3 values for 3 classes, but they are not 0, 1, 2 ... Set label_map={0: 0, 1: 1, 9: 2} on the dataset"
    )


def test_check_negative_and_many_classes():
    check_labels(np.array([[0, 299, 65535]], np.int32), 300, 65535)
    with pytest.raises(LabelError, match=r"label -1 \(1 pixels\) .* Negative values .* label_map=\{-1: 255\}"):
        check_labels(np.array([[0, -1]], np.int32), 3)


@pytest.mark.parametrize(
    ("counts", "classes", "advice"),
    [
        ({0: 90, 255: 10}, 2, "binary mask of 0 and 255. Set label_map={0: 0, 255: 1} on the dataset"),
        ({0: 90, 128: 10}, 2, "binary mask of 0 and 128. Set label_map={0: 0, 128: 1}"),
        ({1: 5, 2: 5, 3: 5}, 3, "run from 1 to 3 and 0 is not used: ids start at 1. Set reduce_zero_label=True"),
        (
            {0: 5, 1: 5, 3: 5},
            3,
            "If 0 means unlabeled instead: reduce_zero_label=True. If both are classes, there are 4",
        ),
        ({0: 5, 1: 5, 3: 5}, 3, "Set ignore_index=3 on the dataset"),
        ({7: 5, 26001: 5}, 19, "Values above 255 (here 26001) point to a map of instances in 16 bits; convert it"),
        (
            {7: 5, 18001: 5},
            19,
            "16 bits, class * 1000 + instance. Set label_map={value: value // 1000 for value in",
        ),
        ({0: 5, 7: 5, 26: 5, 33: 5}, 19, "look like Cityscapes labelIds; use the *_labelTrainIds.png files"),
        (dict.fromkeys(range(0, 250, 2), 4), 21, "125 values for 21 classes, most of them along borders: they were"),
        ({0: 5, 50: 5, 100: 5}, 4, "50 times a class id. Set label_map={value * 50: value for value in range(4)}"),
        ({0: 5, 50: 5, 101: 5}, 4, "Set label_map={0: 0, 50: 1, 101: 2} on the dataset"),
        ({0: 1, 1: 1, 2: 1, 9: 1, 255: 3}, 3, "To ignore them: set label_map={9: 255} on the dataset"),
    ],
)
def test_find_mistake(counts, classes, advice):
    """Oracle: the usual mistakes and the line of config that mends each."""
    assert advice in str(find_mistake(counts, classes))


@pytest.mark.parametrize("dtype", DTYPES)
def test_label_counts(dtype):
    assert label_counts(np.array([[3, 0, 3]], dtype)) == {0: 1, 3: 2}


def test_check_label_map():
    assert check_label_map({0: 0, np.int64(255): 1, 3: -1, 4: 255}, 2) == {0: 0, 255: 1, 3: -1, 4: 255}
    with pytest.raises(
        InputError, match=r"label_map sends 255 to class 2, but the 2 classes are numbered 0..1; use 255"
    ):
        check_label_map({255: 2}, 2)
    with pytest.raises(InputError, match=r"label_map must be a dict such as \{0: 0, 255: 1\}, got \[0, 1\]"):
        check_label_map([0, 1], 2)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="label_map entries are integer: integer, got 'road': 0"):
        check_label_map({"road": 0}, 2)  # type: ignore[dict-item]


@pytest.mark.parametrize("shape", [(1, 1), (40, 60), (7, 300), (5, 33, 600)])
def test_values_are_found_wherever_they_are(shape) -> None:
    """Oracle: numpy's own count, of few values, of all, and of one that a single pixel has."""
    rng = np.random.default_rng(0)
    for high in (1, 5, 256):
        mask = rng.integers(0, high, shape, dtype=np.uint8)
        mask.flat[rng.integers(mask.size)] = 200
        for view in (mask, mask[::-1], mask[:, ::2]):
            np.testing.assert_array_equal(values_in(view), np.unique(view))
            assert all_valid(view, 256, 0) and all_valid(view, 201, 0) == bool(view.max() <= 200)
