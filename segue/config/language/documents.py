"""Reads .yaml and .json configs as trees with line numbers, within the same bounds as .py files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import yaml

from segue.config.language.budget import MAX_DEPTH, MAX_KEY_BITS, Budget
from segue.config.marks import Items, Mark, Origin
from segue.config.tree import ConfigDict
from segue.errors import ConfigError, Problem

_LINES_OF_JSON = 300_000  # characters; beyond, finding the lines would take longer than reading

#: Numbers that YAML 1.1 takes for text: 1e-3 is a number to everyone who writes it.
FLOAT = re.compile(r"^[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C parser where it exists
    pass


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789"))

_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + kind for kind in ("null", "bool", "int", "float", "str")}


def read_yaml(text: str, file: str, budget: Budget, replace: Callable[[str, str], Any]) -> ConfigDict:
    """The tree of a YAML document; ``replace(text, where)`` gives the value of each string."""
    return _Document(file, budget, replace).top(_compose(text, file, budget))


def read_json(text: str, file: str, budget: Budget, replace: Callable[[str, str], Any]) -> ConfigDict:
    """The tree of a JSON document. Lines come from reading it as YAML too, unless it is too long for that."""
    twice: list[str] = []

    def repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return found

    try:
        value = json.loads(text, object_pairs_hook=repeated)
    except json.JSONDecodeError as error:
        raise ConfigError(
            Problem("", f"this is not valid JSON: {error.msg}", str(Origin(file, error.lineno)))
        ) from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(Problem("", f"this JSON cannot be read: {error}", str(Origin(file, 0)))) from None
    node: Any = None
    if len(text) < _LINES_OF_JSON:
        try:
            node = _compose(text, file, Budget())
        except ConfigError:
            node = None  # valid JSON that is no YAML (tabs, some escapes): only lines are lost
    for name in twice if node is None else ():
        budget.twice(name, None, Origin(file, 0))
    if not isinstance(value, dict):
        raise _not_a_mapping(file, value)
    tree: ConfigDict = _Document(file, budget, replace).json(value, node, Origin(file, 1), 0)[0]
    return tree


def _compose(text: str, file: str, budget: Budget) -> Any:
    """The node graph of a YAML text whose events have been checked for depth and number."""
    depth = 0
    loader: Any = None
    try:
        for event in yaml.parse(text, Loader=_Loader):
            budget.charge(1)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    start: Any = event.start_mark  # there with this loader, though the stubs allow None
                    budget.at = Origin(file, start.line + 1)
                    raise budget.refuse(f"values are nested more than {MAX_DEPTH} levels deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(Problem("", f"this is not valid YAML: {error.problem}", str(Origin(file, line)))) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(Problem("", f"this is not valid YAML: {error}", str(Origin(file, 0)))) from None


def _not_a_mapping(file: str, value: Any) -> ConfigError:
    message = f"a config is a mapping of names to values, not a {type(value).__name__}"
    return ConfigError(Problem("", message, str(Origin(file, 1))))


class _Document:
    def __init__(self, file: str, budget: Budget, replace: Callable[[str, str], Any]) -> None:
        self.file = file
        self.budget = budget
        self.replace = replace
        self.scalars = _Loader("")

    def top(self, node: Any) -> ConfigDict:
        if node is None:
            return ConfigDict()
        if not isinstance(node, yaml.MappingNode):
            raise _not_a_mapping(self.file, [])
        tree: ConfigDict = self.value(node, 0)[0]
        return tree

    def value(self, node: Any, depth: int) -> tuple[Any, Mark]:
        """A YAML node as a tree and its mark; aliases are copied and charged each time."""
        self.budget.charge(1)
        origin = Origin(self.file, node.start_mark.line + 1)
        self.budget.at = origin
        if depth > MAX_DEPTH:
            raise self.budget.refuse(f"values are nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            tree = ConfigDict()
            self.entries(node, tree, depth)
            return tree, origin
        if isinstance(node, yaml.SequenceNode) and node.tag in (_TAG + "seq", _TAG + "python/tuple"):
            parts = [self.value(item, depth + 1) for item in node.value]
            items = [item for item, _ in parts]
            values = items if node.tag == _TAG + "seq" else tuple(items)
            return values, Items(origin, tuple(mark for _, mark in parts))
        return self.scalar(node, origin), origin

    def entries(self, node: Any, tree: ConfigDict, depth: int) -> None:
        """The entries of a mapping; those of ``<<: *anchor`` come first and can be overridden."""
        merged = [value for key, value in node.value if key.tag == _TAG + "merge"]
        for source in merged:
            for mapping in source.value if isinstance(source, yaml.SequenceNode) else [source]:
                if not isinstance(mapping, yaml.MappingNode) or depth > MAX_DEPTH:
                    raise self.budget.refuse("`<<` needs a mapping")
                other = ConfigDict()
                self.entries(mapping, other, depth + 1)
                for key, value in other.items():
                    if key not in tree:
                        tree.put(key, value, other._marks.get(key))
        written: dict[Any, Origin] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            origin = Origin(self.file, key_node.start_mark.line + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(Problem("", "a key must be text or a number", str(origin)))
            key = self.scalar(key_node, origin)
            if isinstance(key, int) and key.bit_length() > MAX_KEY_BITS:
                raise ConfigError(Problem("", "an integer key is too large", str(origin)))
            if key in written:
                self.budget.twice(key, written[key], origin)
            written[key] = origin
            value, mark = self.value(value_node, depth + 1)
            tree.put(key, value, Items(origin, mark.marks) if isinstance(mark, Items) else origin)

    def scalar(self, node: Any, origin: Origin) -> Any:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALARS:
            kind = node.tag.replace(_TAG, "!!")
            hint = "; put it in quotes to make it text" if kind == "!!timestamp" else ""
            raise ConfigError(Problem("", f"values of the YAML type {kind} are not supported{hint}", str(origin)))
        if node.tag == _TAG + "float" and FLOAT.match(node.value):
            return float(node.value.replace("_", ""))
        try:
            value = self.scalars.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError) as error:
            raise ConfigError(Problem("", f"{node.value[:40]!r} is not a value: {error}", str(origin))) from None
        if isinstance(value, int):
            self.budget.check_int(value.bit_length())
        if isinstance(value, str):
            self.budget.charge_text(len(value))
            return self.replace(value, str(origin))
        return value

    def json(self, value: Any, node: Any, mark: Origin, depth: int) -> tuple[Any, Mark]:
        """A value of JSON as a tree, with lines from the YAML node of the same text, if there is one."""
        self.budget.charge(1)
        self.budget.at = mark
        if depth > MAX_DEPTH:
            raise self.budget.refuse(f"values are nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, dict):
            nodes: dict[str, Any] = {}
            if isinstance(node, yaml.MappingNode):
                for key_node, item_node in node.value:
                    name, at = str(key_node.value), Origin(self.file, key_node.start_mark.line + 1)
                    if name in nodes:
                        self.budget.twice(name, Origin(self.file, nodes[name][0].start_mark.line + 1), at)
                    nodes[name] = (key_node, item_node)
            tree = ConfigDict()
            for key, item in value.items():
                key_node, item_node = nodes.get(key, (None, None))
                line = Origin(self.file, key_node.start_mark.line + 1) if key_node is not None else mark
                tree.put(key, *self.json(item, item_node, line, depth + 1))
            return tree, mark
        if isinstance(value, list):
            same = isinstance(node, yaml.SequenceNode) and len(node.value) == len(value)
            parts = []
            for index, item in enumerate(value):
                item_node = node.value[index] if same else None
                line = Origin(self.file, item_node.start_mark.line + 1) if item_node is not None else mark
                parts.append(self.json(item, item_node, line, depth + 1))
            return [item for item, _ in parts], Items(mark, tuple(part_mark for _, part_mark in parts))
        if isinstance(value, str):
            self.budget.charge_text(len(value))
            return self.replace(value, str(mark)), mark
        if isinstance(value, int):
            self.budget.check_int(value.bit_length())
        return value, mark
