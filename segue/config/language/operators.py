"""Operators and text formatting with the size of the result checked before it is made."""

from __future__ import annotations

import ast
import operator
import re
import string
from collections.abc import Callable
from typing import Any

from segue.config.language.budget import MAX_TEXT, MAX_WIDTH, Budget

_BINARY: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
    ast.LShift: ("<<", operator.lshift),
    ast.RShift: (">>", operator.rshift),
    ast.BitOr: ("|", operator.or_),
    ast.BitAnd: ("&", operator.and_),
    ast.BitXor: ("^", operator.xor),
}

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}

DATA = (str, int, float, list, tuple, dict, set, range, type(None))
_PERCENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d*))?[hlL]?(?P<kind>.)?", re.S)
_FIELD = re.compile(r"(\w*)((?:\[[^\]]*\])*)")


def binary(kind: type[ast.operator], left: Any, right: Any, budget: Budget) -> Any:
    """``left <op> right``; TypeError and its kin are the caller's to report."""
    if kind not in _BINARY:
        raise budget.refuse("the operator @ is not part of the config language")
    symbol, function = _BINARY[kind]
    for side in (left, right):
        if not isinstance(side, DATA):
            raise TypeError(f"{describe(side)} cannot be an operand of {symbol}")
    if kind is ast.Mod and isinstance(left, str):
        return percent(left, right, budget)
    if isinstance(left, int) and isinstance(right, int):
        if kind is ast.Pow and right > 0:
            budget.check_int(left.bit_length() * right if left not in (0, 1, -1) else 1)
        elif kind is ast.LShift and right > 0:
            budget.check_int(left.bit_length() + right)
        elif kind is ast.Mult:
            budget.check_int(left.bit_length() + right.bit_length() - 1)
    elif kind is ast.Mult:
        check_repeat(left, right, budget)
    else:
        for side in (left, right):
            if isinstance(side, str):
                budget.charge(len(side) // 64)
            elif not isinstance(side, int | float | range | None):
                budget.charge(len(side))
        if isinstance(left, str) and isinstance(right, str):
            budget.charge_text(len(left) + len(right))
    result = function(left, right)
    if isinstance(result, int):
        budget.check_int(result.bit_length())
    elif isinstance(result, complex):
        raise TypeError("the result is a complex number, which no config value can be")
    return result


def check_repeat(left: Any, right: Any, budget: Budget) -> None:
    """Refuse ``sequence * count`` when its result would be too long."""
    sequence, count = (right, left) if isinstance(left, int) else (left, right)
    if isinstance(count, int) and count > 0:
        if isinstance(sequence, str):
            budget.charge_text(len(sequence) * count)
        elif isinstance(sequence, list | tuple):
            budget.charge(len(sequence) * count)


def compare(kind: type[ast.cmpop], left: Any, right: Any, budget: Budget) -> bool:
    """``left <op> right`` for every comparison operator."""
    if kind in (ast.In, ast.NotIn):
        found = contains(right, left, budget)
        return found if kind is ast.In else not found
    for side in (left, right):
        if not isinstance(side, DATA):
            raise TypeError(f"{describe(side)} cannot be compared")
    if kind not in (ast.Is, ast.IsNot):
        budget.weigh(left)
        budget.weigh(right)
    return bool(_COMPARE[kind](left, right))


def contains(container: Any, item: Any, budget: Budget) -> bool:
    """``item in container``."""
    if not isinstance(item, DATA):
        raise TypeError(f"{describe(item)} cannot be looked for")
    budget.weigh(item)
    if isinstance(container, range) and not isinstance(item, int):
        return isinstance(item, float) and item.is_integer() and int(item) in container
    if not isinstance(container, dict | set | range):
        budget.weigh(container)
    if not isinstance(container, str | list | tuple | dict | set | range):
        raise TypeError(f"{describe(container)} has no elements to look for")
    return item in container


def describe(value: Any) -> str:
    """The kind of a value, in words."""
    if value is None:
        return "None"
    return getattr(value, "kind", f"a value of type {type(value).__name__}")


def as_text(value: Any, conversion: Callable[[Any], str], budget: Budget) -> str:
    """``str``, ``repr`` or ``ascii`` of a value."""
    if not isinstance(value, DATA):
        raise TypeError(f"{describe(value)} cannot be made text")
    if isinstance(value, str):
        budget.charge_text(len(value))
    else:
        budget.weigh(value)
    text = conversion(value)
    budget.charge_text(len(text))
    return text


def format_value(value: Any, spec: str, budget: Budget) -> str:
    """``format(value, spec)``."""
    if not isinstance(value, DATA):
        raise TypeError(f"{describe(value)} cannot be made text")
    for digits in re.findall(r"\d+", spec):
        if len(digits) > 5 or int(digits) > MAX_WIDTH:
            raise budget.refuse(f"a format width of {digits[:12]} is more than the limit of {MAX_WIDTH}")
    if not spec:
        return as_text(value, str, budget)
    budget.weigh(value)
    text = format(value, spec)
    budget.charge_text(len(text))
    return text


def percent(template: str, values: Any, budget: Budget) -> str:
    """``template % values``."""
    for part in values if isinstance(values, tuple) else [values]:
        if not isinstance(part, DATA):
            raise TypeError(f"{describe(part)} cannot be made text")
    count, width = 0, 0
    for match in _PERCENT.finditer(template):
        for number in (match["width"], match["precision"]):
            if number and (number == "*" or len(number) > 5 or int(number) > MAX_WIDTH):
                raise budget.refuse(f"a format width of {number[:12]} is more than the limit of {MAX_WIDTH}")
            width += int(number or 0)
        count += 1
    budget.charge(count)
    size = budget.weigh(values)
    # A dict's value may be used by every placeholder, a tuple's by one.
    bound = len(template) + width + size * (count if isinstance(values, dict) else 1)
    budget.charge_text(min(bound, MAX_TEXT) if bound < 4 * MAX_TEXT else bound)
    text: str = template % values
    return text


class _Formatter(string.Formatter):
    """``str.format`` without attribute access, every field's size checked."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.length = 0

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        match = _FIELD.fullmatch(field_name)
        if match is None:
            raise self.budget.refuse(f"the replacement field {{{field_name[:40]}}} reads an attribute")
        name = match[1]
        value = self.get_value(int(name) if name.isdecimal() else name, args, kwargs)
        for key in re.findall(r"\[([^\]]*)\]", match[2]):
            value = value[int(key) if key.isdecimal() else key]
        return value, name

    def convert_field(self, value: Any, conversion: Any) -> Any:
        kinds: dict[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}
        return as_text(value, kinds[conversion], self.budget) if conversion else value

    def format_field(self, value: Any, format_spec: str) -> str:
        text = format_value(value, format_spec, self.budget)
        self.length += len(text)
        self.budget.charge_text(self.length if self.length > MAX_TEXT else len(text))
        return text


def format_text(template: str, args: list[Any], entries: dict[str, Any], budget: Budget) -> str:
    """``template.format(*args, **entries)``."""
    budget.charge_text(len(template))
    return _Formatter(budget).vformat(template, args, entries)
