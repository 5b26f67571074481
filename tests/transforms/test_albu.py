"""Albu: targets, value ranges, seeds, and what is said without the package."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from segue.config.builder.plan import Planner
from segue.errors import InputError, MissingExtraError
from segue.transforms.albu import Albu
from tests.transforms.conftest import banded, label_map


@pytest.fixture(autouse=True)
def _package(request):
    if "missing" not in request.node.name:
        pytest.importorskip("albumentations", reason="an optional extra: albu")


def test_second_picture_and_depths_flip_too(sample):
    """Oracle: a flip with probability 1 is numpy's."""
    given = sample(img2=banded(3, "uint8"), gt_depth_map=label_map().astype(np.float32))
    kept = {key: given[key].copy() for key in ("img", "img2", "gt_seg_map", "gt_depth_map")}
    result = Albu([{"type": "HorizontalFlip", "p": 1.0}], update_pad_shape=True)(given)
    for key, before in kept.items():
        np.testing.assert_array_equal(result[key], before[:, ::-1])
    assert result["pad_shape"] == (20, 26, 3)


def test_colors_are_handed_over_as_rgb():
    """Oracle: dropping the first channel of RGB blackens red, the last of BGR."""
    image = np.full((8, 8, 3), 200, np.uint8)
    steps = [{"type": "ChannelDropout", "channel_drop_range": (1, 1), "p": 1.0}]
    seen = set()
    for seed in range(12):
        np.random.seed(seed)
        seen.add(tuple(Albu(steps)({"img": image.copy()})["img"][0, 0].tolist()))
    assert seen == {(0, 200, 200), (200, 0, 200), (200, 200, 0)}


def test_floats_keep_their_range():
    """Oracle: a brightness step of 0.1 of the range is 25.5 of 255; without scaling all would be cut off at 1."""
    steps = [{"type": "RandomBrightnessContrast", "brightness_limit": (0.1, 0.1), "contrast_limit": (0, 0), "p": 1.0}]
    image = np.full((4, 4, 3), 100, np.float32)
    np.testing.assert_allclose(Albu(steps)({"img": image})["img"], 125.5, atol=0.1)
    with pytest.raises(InputError, match=r"albumentations takes floats in 0..1 or 0..255, this image has 0..6000"):
        Albu(steps)({"img": np.array([[[0.0], [6000.0]]], np.float32)})


@pytest.mark.parametrize("name", ["albumentations.HorizontalFlip", "albumentations.augmentations.HorizontalFlip"])
def test_by_its_import_path(sample, name):
    """Such a step moves the labels, too."""
    plan = Planner({}).component({"type": name, "p": 1.0}, "transforms", "pipeline.0")
    given = sample()
    before = {key: given[key].copy() for key in ("img", "gt_seg_map")}
    result = plan.make()(given)
    for key, array in before.items():
        np.testing.assert_array_equal(result[key], array[:, ::-1])


def test_nested_and_refused(sample):
    nested = [{"type": "OneOf", "transforms": [{"type": "VerticalFlip", "p": 1.0}], "p": 1.0}]
    given = sample()
    before = given["img"].copy()
    np.testing.assert_array_equal(Albu(nested)(given)["img"], before[::-1])
    with pytest.raises(InputError, match=r"Albu: transforms must be classes of albumentations \S+, got 'Nothing'"):
        Albu([{"type": "Nothing"}])
    with pytest.raises(InputError, match=r"refuses \{'p': 7\}: 1 validation error for InitSchema p Input [^\n]*$"):
        Albu([{"type": "HorizontalFlip", "p": 7}])
    with pytest.raises(InputError, match=r"Albu: keymap must be .* with one 'image' among the targets"):
        Albu([{"type": "HorizontalFlip"}], keymap={"img": "imagee"})
    with pytest.raises(InputError, match="Albu: transforms must be a list of dicts with a 'type', got 3"):
        Albu([3])
    with pytest.raises(InputError, match=r"Albu: albumentations refuses img uint8 \(20, 26, 13\): HueSaturationValue"):
        Albu([{"type": "HueSaturationValue", "p": 1.0}])({"img": banded(13, "uint8")})


def test_missing_package_is_named(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name == "albumentations":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        MissingExtraError, match=r"Albu needs the package 'albumentations': pip install 'segue\[albu\]'"
    ):
        Albu([])
