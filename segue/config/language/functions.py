"""The functions and modules that a config may use, written so that their work is bounded.

A function takes the interpreter and its arguments: ``f(run, *args, **keywords)``.
"""

from __future__ import annotations

import ast
import copy
import math
import os
import re
from collections.abc import Callable
from typing import Any

from segue.config.language.budget import MAX_DEPTH
from segue.config.language.operators import as_text, binary, compare
from segue.config.language.state import State


class SafeFunction:
    """A function of the config language."""

    kind = "a function"

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name = name
        self.call = call


class SafeModule:
    """A module that the language knows; its members are ours, the module is not imported by the config."""

    kind = "a module"

    def __init__(self, name: str, members: dict[str, Any]) -> None:
        self.name = name
        self.members = members


class Environ:
    """``os.environ``, to read only; what is read is recorded."""

    kind = "os.environ"


def make_dict(run: State, data: Any = None, /, **entries: Any) -> dict[Any, Any]:
    """``dict(...)``; the marks of the keywords are set by the caller, which knows their lines."""
    result: dict[Any, Any] = {}
    if isinstance(data, dict):
        run.budget.charge(len(data))
        result.update(data)
        run.marks.of_dict(result).update(run.marks.of_dict(data))
    elif data is not None:
        for pair in run.iterate(data):
            key, value = run.iterate(pair)
            result[run.key(key)] = value
    result.update(entries)
    return result


def _sequence(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    def build(run: State, items: Any = (), /) -> Any:
        marks = list(run.marks.of_items(items)) if isinstance(items, list | tuple) else []
        return run.marks.set_items(kind(list(run.iterate(items))), marks)

    return build


def _set(run: State, items: Any = (), /) -> set[Any]:
    return {run.key(item) for item in run.iterate(items)}


def _int(run: State, value: Any = 0, base: int | None = None, /) -> int:
    if isinstance(value, str):
        if len(value) > 1200:
            raise ValueError(f"a text of {len(value)} characters is too long for a number")
        return int(value) if base is None else int(value, base)
    if not isinstance(value, int | float):
        raise TypeError(f"int() takes a number or text, not {type(value).__name__}")
    return int(value)


def _float(run: State, value: Any = 0.0, /) -> float:
    if isinstance(value, str) and len(value) > 1200:
        raise ValueError(f"a text of {len(value)} characters is too long for a number")
    return float(value)


def _round(run: State, value: Any, ndigits: int | None = None) -> Any:
    if ndigits is not None and abs(ndigits) > 400:
        raise ValueError(f"round() to {ndigits} digits")
    return round(value, ndigits)


def _sum(run: State, items: Any, /, start: Any = 0) -> Any:
    for item in run.iterate(items):
        start = binary(ast.Add, start, item, run.budget)
    return start


def _extreme(kind: str) -> Callable[..., Any]:
    def find(run: State, first: Any, /, *rest: Any, **options: Any) -> Any:
        better: type[ast.cmpop] = ast.Lt if kind == "min" else ast.Gt
        if set(options) - {"default"}:
            raise TypeError(f"{kind}() takes no {', '.join(options)} in a config")
        items = [first, *rest] if rest else list(run.iterate(first))
        if not items:
            if "default" in options:
                return options["default"]
            raise ValueError(f"{kind}() of nothing")
        best = items[0]
        for item in items[1:]:
            if compare(better, item, best, run.budget):
                best = item
        return best

    return find


def safe_sorted(run: State, items: Any, /, *, reverse: bool = False) -> list[Any]:
    """``sorted``, charged for its comparisons."""
    found = list(run.iterate(items))
    # Each element is compared about log2(n) times.
    for _ in range(max(1, len(found).bit_length())):
        run.budget.weigh(found)
    return sorted(found, reverse=bool(reverse))


def _range(run: State, *bounds: int) -> range:
    return range(*bounds)


def _enumerate(run: State, items: Any, start: int = 0) -> list[tuple[int, Any]]:
    return list(enumerate(run.iterate(items), start))


def _zip(run: State, *many: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    rows = []
    for row in zip(*(run.iterate(items) for items in many), strict=bool(strict)):
        run.budget.charge(len(row))
        rows.append(row)
    return rows


def _map(run: State, function: Any, items: Any, /) -> list[Any]:
    if not isinstance(function, SafeFunction):
        raise TypeError("map() takes one of the functions of the config language")
    return [function.call(run, item) for item in run.iterate(items)]


def _len(run: State, items: Any, /) -> int:
    return len(items)


def _reversed(run: State, items: Any, /) -> list[Any]:
    return list(run.iterate(items))[::-1]


def _any(run: State, items: Any, /) -> bool:
    return any(run.iterate(items))


def _all(run: State, items: Any, /) -> bool:
    return all(run.iterate(items))


def deepcopy(run: State, value: Any, /, depth: int = 0) -> Any:
    """``copy.deepcopy``, keeping marks."""
    run.budget.charge(1)
    if depth > MAX_DEPTH:
        raise run.budget.refuse(f"values are nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        result = type(value)()
        run.marks.of_dict(result).update(run.marks.of_dict(value))
        for key, item in value.items():
            result[key] = deepcopy(run, item, depth + 1)
        return result
    if isinstance(value, list | tuple):
        items = [deepcopy(run, item, depth + 1) for item in value]
        return run.marks.set_items(type(value)(items), list(run.marks.of_items(value)))
    return set(value) if isinstance(value, set) else value


def shallow_copy(run: State, value: Any, /) -> Any:
    """``copy.copy`` and the method ``copy``, keeping marks."""
    if isinstance(value, dict):
        run.budget.charge(len(value))
        result = copy.copy(value)
        run.marks.of_dict(result).update(run.marks.of_dict(value))
        return result
    if isinstance(value, list):
        run.budget.charge(len(value))
        return run.marks.set_items(list(value), list(run.marks.of_items(value)))
    return set(value) if isinstance(value, set) else value


def _numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(run: State, *numbers: Any) -> Any:
        for number in numbers:
            if not isinstance(number, int | float):
                raise TypeError(f"{function.__name__}() takes numbers")
        result = function(*numbers)
        if isinstance(result, int):
            run.budget.check_int(result.bit_length())
        return result

    return call


def _prod(run: State, items: Any, /, *, start: Any = 1) -> Any:
    for item in run.iterate(items):
        if not isinstance(item, int | float):
            raise TypeError("prod() takes numbers")
        start = binary(ast.Mult, start, item, run.budget)
    return start


def _texts(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(run: State, *texts: Any) -> Any:
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"{function.__name__}() takes text")
        run.budget.charge_text(sum(len(text) + 1 for text in texts))
        if function in (os.path.abspath, os.path.expanduser):
            run.depends = True
        return function(*texts)

    return call


def getenv(run: State, name: Any, default: Any = None, /) -> Any:
    """``os.environ.get``; what the environment gave is recorded in ``env_variables``."""
    if not isinstance(name, str):
        raise TypeError("the name of an environment variable is text")
    run.depends = True
    if not run.use_environment or name not in os.environ:
        return default
    value = os.environ[name]
    run.budget.charge_text(len(value))
    run.environment[name] = value
    return value


def _functions(table: dict[str, Callable[..., Any]]) -> dict[str, SafeFunction]:
    return {name: SafeFunction(name, call) for name, call in table.items()}


BUILTINS: dict[str, Any] = _functions(
    {
        "dict": make_dict,
        "list": _sequence(list),
        "tuple": _sequence(tuple),
        "set": _set,
        "range": _range,
        "len": _len,
        "sum": _sum,
        "int": _int,
        "float": _float,
        "str": lambda run, value="", /: as_text(value, str, run.budget),
        "repr": lambda run, value, /: as_text(value, repr, run.budget),
        "bool": lambda run, value=False, /: bool(value),
        "min": _extreme("min"),
        "max": _extreme("max"),
        "abs": _numbers(abs),
        "round": _round,
        "enumerate": _enumerate,
        "zip": _zip,
        "map": _map,
        "sorted": safe_sorted,
        "reversed": _reversed,
        "any": _any,
        "all": _all,
    }
)

_PATH = SafeModule(
    "os.path",
    {
        "sep": "/",
        **_functions(
            {
                name: _texts(getattr(os.path, name))
                for name in ("join", "dirname", "basename", "splitext", "normpath", "abspath", "expanduser", "isabs")
            }
        ),
    },
)

_MATH: dict[str, Any] = {name: getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")}
_MATH.update(
    _functions(
        {
            name: _numbers(getattr(math, name))
            for name in re.findall(
                r"\w+", "sqrt floor ceil trunc exp log log2 log10 pow sin cos tan atan fabs hypot gcd isqrt isnan isinf"
            )
        }
    )
)
_MATH.update(_functions({"prod": _prod}))

MODULES: dict[str, SafeModule] = {
    "os": SafeModule("os", {"path": _PATH, "environ": Environ(), "getenv": SafeFunction("getenv", getenv), "sep": "/"}),
    "os.path": _PATH,
    "copy": SafeModule(
        "copy", _functions({"deepcopy": lambda run, value, /: deepcopy(run, value), "copy": shallow_copy})
    ),
    "math": SafeModule("math", _MATH),
}
