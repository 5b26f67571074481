"""``--cfg-options``: what ``model.backbone.depth=50`` on the command line means.

A value is a number, true or false, None or text; commas and brackets make lists, parentheses tuples, braces with
colons (``{0:0,255:1}``) dicts. Quotes at its ends and all spaces are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from segue.config.config import Config
from segue.config.language.budget import MAX_DEPTH, MAX_TEXT
from segue.config.marks import OPTIONS
from segue.config.tree import copy_tree, merge_into, nest
from segue.errors import ConfigError, Problem, alike

_CLOSING = {"(": ")", "[": "]", "{": "}"}


def parse_options(options: Iterable[str]) -> dict[str, Any]:
    """``["a.b=1", "c=[1,2]"]`` to ``{"a.b": 1, "c": [1, 2]}``; the last of equal keys wins.

    Raises:
        ConfigError: options without ``=`` or with unbalanced brackets; all of them at once.
    """
    found: dict[str, Any] = {}
    problems = []
    for option in options:
        key, equals, text = option.partition("=")
        try:
            if not equals:
                raise ValueError("an option is written key=value")
            found[key] = parse_value(text)
        except ValueError as error:
            problems.append(Problem(option[:80], str(error), str(OPTIONS)))
    if problems:
        raise ConfigError(problems)
    return found


def parse_value(text: str) -> Any:
    """The value of an option's text; ValueError if its brackets do not match."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"the value has {len(text)} characters; the limit is {MAX_TEXT}")
    return _value(text, 0)


def _value(text: str, depth: int) -> Any:
    text = text.strip("'\"").replace(" ", "")
    if depth > MAX_DEPTH:
        raise ValueError(f"brackets are nested more than {MAX_DEPTH} deep")
    opening = text[:1]
    if opening in _CLOSING and text.endswith(_CLOSING[opening]) and len(text) > 1:
        if _end(text) < len(text) - 1:  # (1,2),(3,4)
            hint = f"write [{text}] for a list of them"
            raise ValueError(f"{_short(text)} is more than one bracketed value; {hint}")
        if opening == "{":
            return _dict(text, depth)
        items = [_value(part, depth + 1) for part in _split(text[1:-1])]
        return tuple(items) if opening == "(" else items
    if "," in text and (parts := _split(text)) != [text]:
        return [_value(part, depth + 1) for part in parts]
    return _scalar(text)


def _dict(text: str, depth: int) -> Any:
    """``{key:value,...}``; text in braces without colons stays text, as it is no dict."""
    found = {}
    for part in _split(text[1:-1]):
        key, colon, value = part.partition(":")
        if not colon:
            return text
        found[_scalar(key.strip("'\""))] = _value(value, depth + 1)
    return found


def _end(text: str) -> int:
    """The position of the bracket that closes the one the text starts with."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return position
    return len(text)


def _split(text: str) -> list[str]:
    """The parts between commas outside brackets; no empty part after a last comma."""
    parts, start = [], 0
    open_brackets: list[str] = []
    for position, character in enumerate(text):
        if character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif character in ")]}":
            if not open_brackets or open_brackets.pop() != character:
                raise ValueError(f"the brackets of {_short(text)} do not match")
        elif character == "," and not open_brackets:
            parts.append(text[start:position])
            start = position + 1
    if open_brackets:
        raise ValueError(f"the brackets of {_short(text)} do not match")
    if text[start:]:
        parts.append(text[start:])
    return parts


def _scalar(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return None if text == "None" else text


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def merge_options(cfg: Config, options: Iterable[str]) -> None:
    """Merge the command line's ``key=value`` options into a config.

    A key whose first part the config does not have is created, unless it looks like a misspelling of one it has.

    Raises:
        ConfigError: every option that cannot be parsed, is misspelled or leads nowhere.
    """
    values = parse_options(options)
    problems = []
    for key in values:
        first = key.partition(".")[0]
        close = [] if first in cfg else alike(first, map(str, cfg), cutoff=0.8)
        if close:
            meant = close[0] + key[len(first) :]
            problems.append(Problem(key, f"the config has no {first!r}; did you mean {meant!r}?", str(OPTIONS)))
    if problems:
        raise ConfigError(problems)
    try:
        cfg.merge_from_dict(values)
    except ConfigError as error:
        raise ConfigError(_each(cfg, values) or error.problems) from None


def _each(cfg: Config, values: dict[str, Any]) -> list[Problem]:
    """The problems of the options one by one, so that all are reported."""
    problems = []
    for key, value in values.items():
        try:
            merge_into(copy_tree(cfg.tree), nest({key: value}, OPTIONS), indexes=True)
        except ConfigError as error:
            problems.extend(error.problems)
    return problems
