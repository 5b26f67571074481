"""Lists, tuples, sets and dicts as they are written out, and comprehensions; each element keeps its line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from segue.config.language.operators import describe
from segue.config.language.scope import Scope
from segue.config.marks import Origin


class Displays(Scope):
    """Evaluates what is between brackets."""

    def collection(self, node: ast.List | ast.Tuple) -> Any:
        """A list or tuple display."""
        items, marks = self.elements(node.elts)
        self.at(node)
        return self.marks.set_items(items if isinstance(node, ast.List) else tuple(items), marks)

    def elements(self, nodes: list[ast.expr]) -> tuple[list[Any], list[Any]]:
        """Values and marks of expressions, some of which may be ``*unpacked``."""
        items: list[Any] = []
        marks: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                source = self.evaluate(node.value)
                new = list(self.iterate(source))
                known = self.marks.of_items(source) if isinstance(source, list | tuple) else []
                marks.extend(known if len(known) == len(new) else [Origin(self.file, node.lineno)] * len(new))
                items.extend(new)
            else:
                items.append(self.evaluate(node))
                marks.append(Origin(self.file, node.lineno))
        return items, marks

    def set_display(self, node: ast.Set) -> set[Any]:
        """A set display."""
        return {self.key(item) for item in self.elements(node.elts)[0]}

    def dict_display(self, node: ast.Dict) -> dict[Any, Any]:
        """A dict display, with ``**unpacking``."""
        result: dict[Any, Any] = {}
        marks = self.marks.of_dict(result)
        written: dict[Any, Origin] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node)
            if key_node is None:
                self.unpack(value_node, value, result)
                continue
            key = self.key(self.evaluate(key_node))
            origin = Origin(self.file, key_node.lineno)
            if key in written:
                self.budget.twice(key, written[key], origin)
            result[key] = value
            marks[key] = written[key] = origin
        return result

    def unpack(self, node: ast.expr, value: Any, result: dict[Any, Any]) -> None:
        """``**value`` into a dict, marks included."""
        if not isinstance(value, dict):
            raise self.error(node, f"** needs a dict, not {describe(value)}")
        self.budget.charge(len(value))
        result.update(value)
        marks = self.marks.of_dict(result)
        marks.update(dict.fromkeys(value, Origin(self.file, node.lineno)))
        marks.update(self.marks.of_dict(value))

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Any:
        """List, set and dict comprehensions; a generator is a list."""
        self.scopes.append({})
        try:
            if isinstance(node, ast.DictComp):
                result: dict[Any, Any] = {}
                marks = self.marks.of_dict(result)
                for _ in self.loops(node.generators):
                    key = self.key(self.evaluate(node.key))
                    result[key] = self.evaluate(node.value)
                    marks[key] = Origin(self.file, node.key.lineno)
                return result
            items = [self.evaluate(node.elt) for _ in self.loops(node.generators)]
        finally:
            self.scopes.pop()
        if isinstance(node, ast.SetComp):
            return {self.key(item) for item in items}
        return self.marks.set_items(items, [Origin(self.file, node.elt.lineno)] * len(items))

    def loops(self, generators: list[ast.comprehension]) -> Iterator[None]:
        """Run the ``for`` and ``if`` clauses, binding their variables."""
        if not generators:
            yield
            return
        first, *rest = generators
        if first.is_async:
            raise self.refuse(first.iter, "async for")
        for item in self.iterate(self.evaluate(first.iter)):
            self.bind(first.target, item)
            if all(self.evaluate(test) for test in first.ifs):
                yield from self.loops(rest)
