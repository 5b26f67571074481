"""What the entries of a certificate are: one of another hand is refused where it is read, by the name of the entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from segue.export.compare import LIMITS

Check = Callable[[Any], bool]


def _one_of(*values: Any) -> Check:
    return lambda value: any(type(value) is type(known) and value == known for known in values)


def _is(*kinds: type) -> Check:
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _list(check: Check, least: int = 0) -> Check:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(check, value))


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _between(low: float, high: float) -> Check:
    return lambda value: _is(int, float)(value) and low < value < high


def _whole(value: Any) -> bool:
    return _is(int)(value) and value > 0


def _pair(value: Any) -> bool:
    return _list(_whole)(value) and len(value) == 2


def _side(value: Any) -> bool:
    return _whole(value) or _pair(value)


#: by the place of an entry: what it must be, in words and as a check
FORM: dict[str, tuple[str, Check]] = {
    "target": ("onnx, openvino or torch", _one_of("onnx", "openvino", "torch")),
    "precision": (f"of {', '.join(LIMITS)}", _one_of(*LIMITS)),
    "verdict": ("certified or refused", _one_of("certified", "refused")),
    "reasons": ("a list of texts", _list(_is(str))),
    "classes": ("names", _list(_is(str), 1)),
    "palette": ("colors", _list(lambda color: _list(_is(int))(color) and len(color) == 3, 1)),
    "config": ("a text", _is(str)),
    "weights": ("a text", _is(str)),
    "graph_sha256": ("a text", _is(str)),
    "output": ("labels, logits or coarse", _one_of("labels", "logits", "coarse")),
    "input.uint8": ("true or false", _is(bool)),
    "input.lost": ("a list of texts", _list(_is(str))),
    "decides.threshold": ("between 0 and 1, or null", _or_none(_between(0, 1))),
    "decides.multilabel": ("true or false", _is(bool)),
    "decides.align_corners": ("true or false", _is(bool)),
    "decides.depth": ("true or false", _is(bool)),
    "test.mode": ("whole or slide", _one_of("whole", "slide")),
    "test.crop_size": ("height and width, or null", _or_none(_side)),
    "test.stride": ("height and width, or null", _or_none(_side)),
    "preprocessing.mean": ("numbers", _list(_is(int, float))),
    "preprocessing.std": ("numbers above 0", _list(_between(0, float("inf")))),
    "preprocessing.swap": ("true or false", _is(bool)),
    "preprocessing.pad_val": ("a number", _is(int, float)),
    "preprocessing.pipeline": ("a list of steps", _list(_is(dict))),
    "preprocessing.padding": ("sizes, or null", _or_none(_is(dict))),
    "limits.layers": ("a number", _is(int, float)),
    "gold": ("an image with results", _is(dict)),
}
_ABSENT = object()


def misformed(facts: Mapping[str, Any]) -> str:
    """The first entry that is not what it must be, in words; nothing if all are."""
    for place, (words, check) in FORM.items():
        value: Any = facts
        for key in place.split("."):
            value = value.get(key, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is _ABSENT:
            return f"{place} is missing"
        if not check(value):
            return f"{place} is {value!r:.60}; it is {words}"
    means, stds = (facts["preprocessing"][key] for key in ("mean", "std"))
    if len(means) != len(stds):
        return f"preprocessing has {len(means)} means and {len(stds)} values of std"
    if len(facts["palette"]) != len(facts["classes"]):
        return f"{len(facts['classes'])} classes have {len(facts['palette'])} colors"
    if facts["test"]["mode"] == "slide" and None in (facts["test"]["crop_size"], facts["test"]["stride"]):
        return "test.mode is 'slide', without crop_size or stride"
    padding = facts["preprocessing"]["padding"]
    if padding is not None and not _padding(padding):
        return f"preprocessing.padding is {padding!r:.60}; it is a size, or a divisor of one"
    return ""


def _padding(padding: Mapping[str, Any]) -> bool:
    known = set(padding) == {"size", "size_divisor"}
    return known and _or_none(_pair)(padding["size"]) and _or_none(_whole)(padding["size_divisor"])
