"""Child over base. Oracle of every row: mmengine 0.10.7."""

from __future__ import annotations

import pytest

from segue.config import Config, ConfigDict
from segue.errors import ConfigError


def merged(base: dict, child: dict) -> dict:
    tree = ConfigDict(base)
    tree.merge(child)
    return tree.to_dict()


@pytest.mark.parametrize(
    ("base", "child", "expected"),
    [
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3, "z": 4}}, {"a": {"x": 1, "y": 3, "z": 4}}),
        ({"a": {"x": 1}}, {"a": {"_delete_": True, "y": 2}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": {"_delete_": "no", "y": 2}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": {"_delete_": False, "y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": None}, {"a": {"_delete_": True, "y": 2}}, {"a": {"y": 2}}),
        ({}, {"a": {"_delete_": True, "y": 2}}, {"a": {"_delete_": True, "y": 2}}),
        (
            {"a": {"b": {"x": 1}}},
            {"a": {"_delete_": True, "b": {"_delete_": True}}},
            {"a": {"b": {"_delete_": True}}},
        ),
        ({"a": [{"x": 1}]}, {"a": [{"_delete_": True}]}, {"a": [{"_delete_": True}]}),
        ({"a": {"x": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
        ({"a": [1, 2, 3]}, {"a": [4]}, {"a": [4]}),
        ({"a": {1: "x", 2: "y"}}, {"a": {2: "z"}}, {"a": {1: "x", 2: "z"}}),
    ],
)
def test_rows(base: dict, child: dict, expected: dict) -> None:
    assert merged(base, child) == expected
    assert list(merged(base, child)) == list(expected)


@pytest.mark.parametrize(
    ("old", "message"),
    [
        (1, "a: a dict cannot be merged into a int (the base has 1); give the whole value, or add `_delete_=True`"),
        (None, "cannot be merged into None (the base has None)"),
        ((1, 2), "cannot be merged into a tuple"),
        ([1], "cannot be merged into a list"),
    ],
)
def test_a_dict_meets_no_dict(old: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        merged({"a": old}, {"a": {"0": 1}})
    assert message in str(caught.value)


def test_both_places_are_named(tmp_path) -> None:
    (tmp_path / "base.py").write_text("model = dict(\n    neck=None)\n")
    (tmp_path / "child.py").write_text("_base_ = 'base.py'\nmodel = dict(\n    x=1,\n    neck=dict(type='FPN'))\n")
    with pytest.raises(
        ConfigError, match=r"child\.py:4: model\.neck: a dict .*\(the base has None, set at .*base\.py:2\)"
    ):
        Config.fromfile(tmp_path / "child.py")


def test_merge_leaves_the_child_alone() -> None:
    child = ConfigDict(a={"_delete_": True, "l": [1]})
    tree = ConfigDict(a={"x": 1})
    tree.merge(child)
    tree.a.l.append(2)
    assert child == {"a": {"_delete_": True, "l": [1]}}
