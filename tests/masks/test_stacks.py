"""Reading multilabel annotations. Oracle: arrays written to files by hand; what their values mean is in the docstring
of `segue.masks.stacks`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segue.errors import InputError, LabelError
from segue.masks.stacks import StackFiles, check_stack_map, read_channels
from segue.transforms.resize import resize_array

STACK = np.random.default_rng(0).integers(0, 2, (4, 5, 3)).astype(np.uint8)


def png(path: Path, array: np.ndarray) -> str:
    assert cv2.imwrite(str(path), array)
    return str(path)


def test_a_file_per_class(tmp_path: Path) -> None:
    files = tuple(png(tmp_path / f"{k}.png", STACK[..., k] * (255 if k else 1)) for k in range(3))
    assert np.array_equal(StackFiles(files).read(3), STACK)
    assert StackFiles((None, *files[1:])).read(3)[..., 0].max() == 0
    unknown = StackFiles((None, *files[1:]), absent=255)
    assert unknown.read(3)[..., 0].min() == 255 and unknown.shown == files[1]
    assert np.array_equal(StackFiles((None,) * 3).read(3, (4, 5)), np.zeros_like(STACK))
    with pytest.raises(InputError, match="without a single mask file"):
        StackFiles((None,) * 3).read(3)


def test_unknown_and_mapped_values(tmp_path: Path) -> None:
    path = png(tmp_path / "m.png", np.array([[0, 1, 7], [128, 255, 0]], np.uint8))
    read = StackFiles((path,), void=128, label_map=((7, 1), (1, -1))).read(1)
    assert read[..., 0].tolist() == [[0, 255, 1], [255, 1, 0]]
    assert StackFiles((path,), void=255, label_map=((7, 0), (128, 0))).read(1)[1, 1, 0] == 255
    with pytest.raises(LabelError, match=r"m\.png: values 7 \(1 pixels\), 128 .*label_map=\{7: 1\}, or ignore_index=7"):
        StackFiles((path,)).read(1)
    smooth = png(tmp_path / "s.png", np.arange(40, 60, dtype=np.uint8).reshape(4, 5))
    with pytest.raises(LabelError, match=r"smoothed or saved as JPEG; to cut at half, label_map=\{value: int"):
        StackFiles((smooth,)).read(1)
    deep = png(tmp_path / "d.png", np.full((4, 5), 1000, np.uint16))
    with pytest.raises(LabelError, match=r"values 1000 \(20 pixels\)"):
        StackFiles((deep,)).read(1)


def test_masks_of_different_sizes(tmp_path: Path) -> None:
    files = png(tmp_path / "a.png", STACK[..., 0]), png(tmp_path / "b.png", STACK[:3, :, 1])
    with pytest.raises(LabelError, match=r"b\.png: the mask is 5 x 3 pixels, that of another class, .*a\.png, 5 x 4"):
        StackFiles(files).read(2)


def test_a_channel_per_class(tmp_path: Path) -> None:
    """Red is the first class of a color picture, as it is the first channel of the file."""
    Image.fromarray(STACK * 255).save(tmp_path / "rgb.png")
    Image.fromarray(STACK * 255).save(tmp_path / "rgb.tif")
    np.save(tmp_path / "five.npy", np.concatenate([STACK, STACK[..., :2]], axis=2).astype(bool))
    two = np.dstack([STACK[..., 1], STACK[..., 2]])
    Image.fromarray(two, mode="LA").save(tmp_path / "two.png") if False else np.save(tmp_path / "two.npy", two)
    for name in ("rgb.png", "rgb.tif"):
        assert np.array_equal(StackFiles((str(tmp_path / name),), "channels").read(3), STACK)
    five = StackFiles((str(tmp_path / "five.npy"),), "channels")
    assert np.array_equal(five.read(5)[..., 3:], STACK[..., :2])
    assert read_channels(str(tmp_path / "two.npy")).shape == (4, 5, 2)
    with pytest.raises(LabelError, match=r"five\.npy: has 5 channels for 3 classes"):
        five.read(3)
    np.save(tmp_path / "floats.npy", STACK.astype(np.float32))
    with pytest.raises(LabelError, match="holds float32"):
        read_channels(str(tmp_path / "floats.npy"))


def test_a_bit_per_class(tmp_path: Path) -> None:
    """3 = bits 0 and 1, 4 = bit 2."""
    path = png(tmp_path / "bits.png", np.array([[0, 3, 4], [7, 200, 1]], np.uint8))
    read = StackFiles((path,), "bits", void=200).read(3)
    assert read[0].tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert read[1].tolist() == [[1, 1, 1], [255, 255, 255], [1, 0, 0]]
    with pytest.raises(LabelError, match=r"holds 200, but the bits of 3 classes make 0\.\.7"):
        StackFiles((path,), "bits").read(3)


def test_a_map_says_yes_no_or_unknown() -> None:
    assert check_stack_map({0: 0, 9: 255, 3: -1}) == ((0, 0), (9, 255), (3, -1))
    with pytest.raises(InputError, match=r"0 \(no\), 1 \(yes\) or 255 \(unknown\); 9: 2"):
        check_stack_map({9: 2})


def test_more_classes_than_opencv_has_channels(tmp_path: Path) -> None:
    many = np.random.default_rng(1).integers(0, 2, (4, 6, 300)).astype(np.uint8)
    np.save(tmp_path / "many.npy", many)
    read = StackFiles((str(tmp_path / "many.npy"),), "channels").read(300)
    assert np.array_equal(read, many)
    assert np.array_equal(resize_array(read, (2, 3), "nearest"), many[::2, ::2])
