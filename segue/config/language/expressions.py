"""The interpreter of expressions: every node kind it knows is a method, everything else is refused."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from segue.config.language.budget import MAX_DEPTH
from segue.config.language.displays import Displays
from segue.config.language.functions import BUILTINS, Environ, SafeFunction, SafeModule
from segue.config.language.methods import find_method
from segue.config.language.operators import as_text, binary, compare, describe, format_value
from segue.config.language.scope import FAULTS, explain
from segue.config.language.values import ImportedName, LiveDict
from segue.config.marks import Origin
from segue.errors import nearest

_CONVERSIONS: dict[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}

_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}


class Expressions(Displays):
    """Evaluates expressions of one file."""

    def evaluate(self, node: ast.expr) -> Any:
        """The value of an expression."""
        self.budget.charge(1)
        method = _HANDLERS.get(type(node))
        if method is None:
            raise self.refuse(node, _NAMES.get(type(node), type(node).__name__.lower()))
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                self.at(node)
                raise self.budget.refuse(f"expressions are nested more than {MAX_DEPTH} levels deep")
            return method(self, node)
        except FAULTS as error:
            raise self.error(node, explain(error)) from None
        finally:
            self._depth -= 1

    def constant(self, node: ast.Constant) -> Any:
        """Numbers, text, True, False, None."""
        value = node.value
        if isinstance(value, str):
            self.at(node)
            self.budget.charge_text(len(value))
            return self.text(node, value)
        if isinstance(value, int):
            self.budget.check_int(value.bit_length())
        elif not isinstance(value, float | None):
            raise self.refuse(node, f"the {type(value).__name__} literal {ast.unparse(node)[:30]}")
        return value

    def name(self, node: ast.Name) -> Any:
        """A variable."""
        return self.lookup(node)

    def operation(self, node: ast.BinOp) -> Any:
        """An arithmetic expression; a chain like 1 + 2 + 3 ... is followed without recursion."""
        chain: list[ast.BinOp] = []
        left_node: ast.expr = node
        while isinstance(left_node, ast.BinOp):
            self.budget.charge(1)
            chain.append(left_node)
            left_node = left_node.left
        left = self.evaluate(left_node)
        for link in reversed(chain):
            right = self.evaluate(link.right)
            self.at(link)
            left = self.joined(left, right, binary(type(link.op), left, right, self.budget))
        return left

    def joined(self, left: Any, right: Any, result: Any) -> Any:
        """Give the result of an operation the marks of its parts."""
        if isinstance(result, list | tuple):
            if isinstance(left, list | tuple) and isinstance(right, list | tuple):
                marks = [*self.marks.of_items(left), *self.marks.of_items(right)]
            else:
                source, count = (left, right) if isinstance(right, int) else (right, left)
                marks = self.marks.of_items(source) * max(count, 0)
            self.marks.set_items(result, marks)
        elif isinstance(result, dict):
            marks_now = self.marks.of_dict(result)
            for side in (left, right):
                marks_now.update(self.marks.of_dict(side))
        return result

    def unary(self, node: ast.UnaryOp) -> Any:
        """``-x``, ``+x``, ``~x``, ``not x``."""
        value = self.evaluate(node.operand)
        return not value if isinstance(node.op, ast.Not) else _UNARY[type(node.op)](value)

    def logic(self, node: ast.BoolOp) -> Any:
        """``and`` and ``or``, evaluated only as far as needed."""
        value: Any = None
        for part in node.values:
            value = self.evaluate(part)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def comparison(self, node: ast.Compare) -> bool:
        """``a < b < c``."""
        left = self.evaluate(node.left)
        for kind, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node)
            if not compare(type(kind), left, right, self.budget):
                return False
            left = right
        return True

    def conditional(self, node: ast.IfExp) -> Any:
        """``a if test else b``."""
        return self.evaluate(node.body if self.evaluate(node.test) else node.orelse)

    def subscript(self, node: ast.Subscript) -> Any:
        """``x[i]`` and ``x[i:j]``."""
        value = self.evaluate(node.value)
        index = self.index(node.slice)
        if isinstance(value, Environ):
            return self.call_method(node, value, "get", [index], {})
        if isinstance(value, dict):
            if index not in value:
                raise self.error(node, f"there is no key {index!r}{nearest(str(index), [*map(str, value)])}")
            return value[index]
        if not isinstance(value, str | list | tuple | range):
            raise self.error(node, f"{describe(value)} has no elements")
        if not isinstance(index, slice):
            return value[index]
        if not isinstance(value, range):
            self.budget.charge(1 + len(value) // (64 if isinstance(value, str) else 1))
        part = value[index]
        if isinstance(value, list | tuple):
            known = self.marks.of_items(value)
            self.marks.set_items(part, list(known[index]) if len(known) == len(value) else [])
        return part

    def index(self, node: ast.expr) -> Any:
        """The index of a subscript."""
        if isinstance(node, ast.Slice):
            return slice(
                *(None if part is None else self.evaluate(part) for part in (node.lower, node.upper, node.step))
            )
        value = self.evaluate(node)
        return self.key(value) if isinstance(value, tuple | list | dict | set) else value

    def attribute(self, node: ast.Attribute) -> Any:
        """``module.name`` and ``base.key``."""
        value = self.evaluate(node.value)
        name = node.attr
        if name.startswith("__"):
            raise self.refuse(node, f"the attribute {name}")
        if isinstance(value, SafeModule):
            if name in value.members:
                return value.members[name]
            raise self.refuse(node, f"{value.name}.{name}")
        if isinstance(value, ImportedName):
            return ImportedName(f"{value.dotted}.{name}")
        if isinstance(value, LiveDict):
            if name in value:
                return value[name]
            raise self.error(node, f"the base has no {ast.unparse(node)}{nearest(name, [*map(str, value)])}")
        if isinstance(value, dict):
            raise self.error(node, f"a dict has no attribute {name!r}; write [{name!r}]")
        raise self.refuse(node, f"the attribute {name!r} of {describe(value)}")

    def call(self, node: ast.Call) -> Any:
        """A call of a known function or method."""
        target = node.func
        function: Any = None
        value: Any = None
        if isinstance(target, ast.Attribute):
            value = self.evaluate(target.value)
            if isinstance(value, SafeModule | ImportedName) or find_method(value, target.attr) is None:
                function = self.attribute_of(target, value)
        else:
            function = self.evaluate(target)
        if isinstance(function, ImportedName):
            raise self.refuse(node, f"calling the imported {function.dotted}")
        if function is not None and not isinstance(function, SafeFunction):
            raise self.error(node, f"{ast.unparse(target)[:40]} cannot be called")
        args, _ = self.elements(node.args)
        entries: dict[str, Any] = {}
        marks = self.marks.of_dict(entries)
        for keyword in node.keywords:
            item = self.evaluate(keyword.value)
            if keyword.arg is None:
                self.unpack(keyword.value, item, entries)
            else:
                entries[keyword.arg] = item
                marks[keyword.arg] = Origin(self.file, keyword.lineno)
        self.at(node)
        if function is None:
            assert isinstance(target, ast.Attribute)
            return self.call_method(node, value, target.attr, args, entries)
        if function is BUILTINS["dict"]:
            result = function.call(self, *args)
            result.update(entries)  # not by keyword: a dict's ** may hold keys that are no names
            self.marks.of_dict(result).update(marks)
            return result
        return function.call(self, *args, **entries)

    def attribute_of(self, node: ast.Attribute, value: Any) -> Any:
        """What a called attribute is, where it is not a known method."""
        if isinstance(value, SafeModule | ImportedName):
            return self.attribute(ast.copy_location(ast.Attribute(_Known(value), node.attr, ast.Load()), node))
        raise self.refuse(node, f"the method {node.attr}() of {describe(value)}")

    def call_method(self, node: ast.expr, value: Any, name: str, args: list[Any], entries: dict[str, Any]) -> Any:
        """Call a method of the language."""
        method = find_method(value, name)
        assert method is not None
        if name == "update" and isinstance(value, dict) and entries:
            # The lines of the keywords are known here only.
            method(self, value, *args)
            return method(self, value, entries)
        return method(self, value, *args, **entries)

    def format_string(self, node: ast.JoinedStr) -> str:
        """An f-string."""
        parts: list[str] = []
        length = 0
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.evaluate(part.value)
                if part.conversion != -1:
                    value = as_text(value, _CONVERSIONS[chr(part.conversion)], self.budget)
                spec = self.evaluate(part.format_spec) if part.format_spec is not None else ""
                parts.append(format_value(value, spec, self.budget))
            else:
                parts.append(as_text(self.evaluate(part), str, self.budget))
            length += len(parts[-1])
            if length > 1000:
                self.budget.charge_text(length)
        return "".join(parts)


class _Known(ast.expr):
    """A node whose value has been computed."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


_HANDLERS: dict[type[ast.AST], Callable[[Expressions, Any], Any]] = {
    ast.Constant: Expressions.constant,
    ast.List: Expressions.collection,
    ast.Tuple: Expressions.collection,
    ast.Set: Expressions.set_display,
    ast.Dict: Expressions.dict_display,
    ast.Name: Expressions.name,
    ast.BinOp: Expressions.operation,
    ast.UnaryOp: Expressions.unary,
    ast.BoolOp: Expressions.logic,
    ast.Compare: Expressions.comparison,
    ast.IfExp: Expressions.conditional,
    ast.Subscript: Expressions.subscript,
    ast.Attribute: Expressions.attribute,
    ast.Call: Expressions.call,
    ast.ListComp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.DictComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.comprehension,
    ast.JoinedStr: Expressions.format_string,
    _Known: lambda run, node: node.value,
}

_NAMES: dict[type[ast.AST], str] = {
    ast.Lambda: "lambda",
    ast.NamedExpr: "the assignment expression :=",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield from",
    ast.Starred: "a starred expression here",
}
