"""Transforms that hold others: RandomApply, RandomChoice, KeyMapper, TransformBroadcaster, MultiScaleFlipAug."""

from __future__ import annotations

import numpy as np
import pytest

from segue.errors import InputError
from segue.transforms.key_mapper import KeyMapper
from segue.transforms.multi_scale_flip_aug import MultiScaleFlipAug
from segue.transforms.pack_seg_inputs import PackSegInputs
from segue.transforms.random_apply import RandomApply
from segue.transforms.random_choice import RandomChoice
from segue.transforms.random_flip import RandomFlip
from segue.transforms.transform_broadcaster import TransformBroadcaster


def add(number):
    def step(sample):
        return {**sample, "x": sample["x"] + number}

    return step


def test_random_apply():
    """Oracle: numpy draws below 0.3 in 30 % of 1000 cases, give or take 5 %."""
    np.random.seed(0)
    step = RandomApply(add(1), 0.3)
    assert 250 < sum(step({"x": 0})["x"] for _ in range(1000)) < 350
    assert RandomApply([add(1), add(10)], 1.0)({"x": 0})["x"] == 11


def test_random_choice():
    """Oracle: shares of 1000 draws, give or take 5 %."""
    np.random.seed(0)
    step = RandomChoice([add(1), [add(10), add(100)]], [0.2, 0.8])
    results = [step({"x": 0})["x"] for _ in range(1000)]
    assert set(results) == {1, 110}
    assert 150 < results.count(1) < 250
    assert 400 < [RandomChoice([add(0), add(1)])({"x": 0})["x"] for _ in range(1000)].count(1) < 600


def test_key_mapper():
    """Oracle: by hand; what is not mapped passes through."""
    seen = []

    def look(sample):
        seen.append({key: value for key, value in sample.items() if key != "kept"})
        return {**sample, "x": sample["x"] + 1} if "x" in sample else sample

    assert KeyMapper([look], {"x": "y"}, {"x": "z"})({"y": 1, "kept": 5}) == {"y": 1, "kept": 5, "z": 2}
    assert KeyMapper(look, {"x": "y"})({"y": 1}) == {"y": 2}
    assert seen[-1] == {"y": 1, "x": 1}
    KeyMapper([look], {"all": ["a", {"deep": "b"}], "y": ...}, {})({"a": 1, "b": 2, "y": 3})
    assert seen[-1] == {"a": 1, "b": 2, "all": [1, {"deep": 2}]}
    assert KeyMapper([], {"x": "gone"}, allow_nonexist_keys=True)({"a": 1}) == {"a": 1}
    assert KeyMapper([], {"x": "gone"}, {})({"a": 1}) == {"a": 1}
    assert KeyMapper([], {"pair": ["a", "b"]}, {"pair": ["b", "a"]})({"a": 1, "b": 2}) == {"a": 2, "b": 1}
    with pytest.raises(InputError, match="KeyMapper: a transform inside dropped the sample; drop it outside"):
        KeyMapper([lambda sample: None])({"a": 1})
    with pytest.raises(InputError, match="KeyMapper: the transforms inside gave no gone"):
        KeyMapper([], remapping={"gone": "a"})({"a": 1})


def test_transform_broadcaster(sample):
    """Oracle: with shared draws both pictures flip or none; without, sometimes one."""
    results = {}
    for shared in (True, False):
        np.random.seed(1)
        step = TransformBroadcaster(
            [RandomFlip(0.5)], mapping={"img": ["before", "after"]}, auto_remap=True, share_random_params=shared
        )
        picture = sample()["img"]
        alike = []
        for _ in range(30):
            both = step({"before": picture, "after": picture.copy()})
            alike.append(bool((both["before"] == both["after"]).all()))
        results[shared] = sum(alike)
    assert results[True] == 30 > 20 > results[False] > 5
    with pytest.raises(InputError, match="TransformBroadcaster: needs lists of one length, got img: ndarray"):
        TransformBroadcaster([RandomFlip(0.5)], mapping={"img": "before"})({"before": picture})
    with pytest.raises(InputError, match="needs lists of one length, got a: 2, b: 1"):
        TransformBroadcaster([], mapping={"a": "a", "b": "b"})({"a": [1, 2], "b": [1]})


def test_multi_scale_flip_aug(sample):
    """Oracle: the reference's order: every scale, not flipped, then each flip."""
    views = MultiScaleFlipAug(
        [PackSegInputs()], scale_factor=[0.5, 2.0], allow_flip=True, flip_direction=["horizontal", "vertical"]
    )(sample())
    assert [tuple(image.shape[1:]) for image in views["inputs"]] == [(10, 13)] * 3 + [(40, 52)] * 3
    assert [s.meta["flip_direction"] for s in views["data_samples"]] == [None, "horizontal", "vertical"] * 2
    assert len(MultiScaleFlipAug([PackSegInputs()], scales=[(13, 10), (26, 20)])(sample())["inputs"]) == 2
    assert len(MultiScaleFlipAug([PackSegInputs()], scales=(13, 10))(sample())["inputs"]) == 1
