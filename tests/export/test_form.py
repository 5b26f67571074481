"""Certificates of another hand, whose seal is right: what is wrong in them is named, wherever it is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.errors import InputError
from segue.export.certificate import FORM as VERSION
from segue.export.certificate import Gold, as_text, certificate_of
from segue.export.compare import LIMITS, compare
from segue.export.form import FORM, misformed
from segue.export.layers import Pair, marks

PREPARE: dict[str, Any] = {"mean": [1.0], "std": [2.0], "swap": False, "order": "BGR", "pad_val": 0, "padding": None}
GOOD: dict[str, Any] = {
    "form": VERSION, "target": "onnx", "precision": "float32", "verdict": "certified", "reasons": [], "weights": "",
    "classes": ["a", "b"], "palette": [[0, 0, 0], [1, 2, 3]], "config": "", "graph_sha256": "", "output": "logits",
    "preprocessing": PREPARE | {"pipeline": []}, "test": {"mode": "whole", "crop_size": None, "stride": None},
    "input": {"uint8": False, "lost": []}, "limits": {"layers": 1e-3}, "gold": {}, "seal": "",
    "decides": {"threshold": None, "multilabel": False, "align_corners": False, "depth": False},
}  # fmt: skip


def test_a_good_one() -> None:
    assert misformed(GOOD) == ""
    assert certificate_of(Path("m.onnx"), as_text(GOOD)) == GOOD


@pytest.mark.parametrize("place", FORM)
@pytest.mark.parametrize("value", [None, "x", [], {}, -1, [1], True, "missing"])
def test_an_entry_of_another_kind(place: str, value: Any) -> None:
    """It is refused by its name, or is a value that the entry may have."""
    facts = copy.deepcopy(GOOD)
    *above, last = place.split(".")
    node = facts
    for key in above:
        node = node[key]
    if value == "missing":
        del node[last]
    elif FORM[place][1](value):
        return
    else:
        node[last] = value
    with pytest.raises(InputError, match=f"m.onnx: its certificate .*{last}"):
        certificate_of(Path("m.onnx"), as_text(facts))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("preprocessing", PREPARE | {"pipeline": [], "std": []}, "1 means and 0 values of std"),
        ("preprocessing", PREPARE | {"pipeline": [], "std": [0]}, "preprocessing.std is [0]; it is numbers above 0"),
        ("preprocessing", PREPARE | {"pipeline": [], "padding": {"size": [3]}}, "preprocessing.padding"),
        ("palette", [[0, 0, 0]], "2 classes have 1 colors"),
        ("test", {"mode": "slide", "crop_size": [4, 4], "stride": None}, "without crop_size or stride"),
    ],
)
def test_entries_that_contradict_each_other(place: str, value: Any, said: str) -> None:
    assert said in misformed(GOOD | {place: value})


def gold(**changed: Any) -> Gold:
    image = np.ones((1, 3, 4, 5), np.uint8)
    whole: dict[str, Any] = {"image": image, "labels": np.zeros((4, 5), np.uint8), "inputs": marks(image)}
    whole |= {"places": np.arange(20, dtype=np.int32), "logits": np.zeros((2, 20), np.float32)}
    return Gold(**(whole | {"layers": (Pair("a", "b", marks(image)),)} | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": ()},
        {"inputs": ("x",) * 5},
        {"inputs": (0.0,) * 5},
        {"places": np.arange(20, dtype=np.int32) + 1},
        {"places": np.arange(20, dtype=np.float32)},
        {"logits": np.zeros((2, 19), np.float32)},
        {"image": np.ones((3, 4, 5), np.uint8)},
        {"labels": np.zeros(20, np.uint8)},
    ],
)
def test_a_gold_image_that_is_none(changed: dict[str, Any]) -> None:
    right = gold()
    assert Gold.of(json.loads(json.dumps(right.facts()))).layers == right.layers
    with pytest.raises((ValueError, TypeError)):
        Gold.of(json.loads(json.dumps(gold(**changed).facts())))


@pytest.mark.parametrize(("scale", "right"), [(1.0, False), (400.0, False), (1e4, True)])
def test_values_that_float32_is_too_coarse_for(scale: float, right: bool) -> None:
    """Of depths of 10,000 the neighbours are 0.001 apart: two of these are no mistake; of 400, it is one."""
    wanted = np.linspace(0, scale, 40, dtype=np.float32).reshape(1, 1, 5, 8)
    one = compare("a", (1, 3, 5, 8), wanted, wanted + np.float32(0.002), LIMITS["float32"], 0.5)
    assert (not one.wrong) == right, one.wrong
