"""Compose: order, dropping, and errors that name step and file."""

from __future__ import annotations

import pytest

from segue.errors import DataError, InputError, LabelError
from segue.transforms.compose import Compose


def test_order_and_drop():
    assert Compose([lambda s: {**s, "a": 1}, lambda s: {**s, "b": s["a"] + 1}])({}) == {"a": 1, "b": 2}
    assert Compose([lambda s: None, lambda s: 1 / 0])({}) is None


def test_any_error_names_step_and_file():
    class Sharpen:
        def __call__(self, sample):
            return sample["img"] * 2

    with pytest.raises(
        DataError, match=r"a/b.png: Sharpen \(step 2 of 2 of the pipeline\) failed with KeyError: 'img'"
    ) as failure:
        Compose([dict, Sharpen()])({"img_path": "a/b.png"})
    assert isinstance(failure.value.__cause__, KeyError)


def test_own_errors_gain_the_file_once():
    def fail(sample):
        raise InputError("Resize: scale is wrong")

    def fail_by_name(sample):
        raise LabelError("a.png: bad label")

    with pytest.raises(InputError, match=r"^b.png: Resize: scale is wrong$"):
        Compose([fail])({"img_path": "b.png"})
    with pytest.raises(LabelError, match=r"^a.png: bad label$"):
        Compose([fail_by_name])({"img_path": "b.png", "seg_map_path": "a.png"})


def test_not_callable():
    with pytest.raises(InputError, match=r"step 1 of the pipeline is not callable: \{'type': 'Resize'\}"):
        Compose([dict, {"type": "Resize"}])
