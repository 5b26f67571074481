"""Interprets the statements of a parsed .py config; the result is the tree of its variables."""

from __future__ import annotations

import ast
from typing import Any

from segue.config.language.budget import Budget
from segue.config.language.imports import ImportBase, Imports
from segue.config.language.methods import extend
from segue.config.language.operators import binary, check_repeat
from segue.config.language.parse import Module, is_read_base
from segue.config.language.placeholders import Template, fill, find_base
from segue.config.language.scope import FAULTS, explain
from segue.config.language.values import LiveDict, frozen_tree, thaw
from segue.config.marks import Origin
from segue.config.tree import ConfigDict
from segue.errors import ConfigError, Problem

_STATEMENTS = {
    ast.FunctionDef: "def",
    ast.ClassDef: "class",
    ast.AsyncFunctionDef: "async def",
    ast.While: "while",
    ast.With: "with (other than `with read_base():`)",
    ast.Try: "try",
}


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Reader(Imports):
    """Interprets one file.

    Attributes:
        module: the parsed file.
        base: its merged bases; the file may read them, and what it changes in them counts.
        import_base: for new-style configs, gives the tree and the `tools` of a base by its module path (``.base``).
        reads_base: whether the file used ``_base_`` as a variable.
    """

    def __init__(
        self,
        module: Module,
        template: Template,
        budget: Budget,
        *,
        base: ConfigDict | None = None,
        use_environment: bool = True,
        import_base: ImportBase | None = None,
    ) -> None:
        super().__init__(module, budget, use_environment=use_environment, import_base=import_base)
        self.base = base
        self.template = template
        self._live: LiveDict | None = None
        self.reads_base = False

    def run(self) -> ConfigDict:
        """Interpret the file and return its variables as a tree."""
        self.budget.at = Origin(self.file, 1)
        try:
            self.block(self.module.body)
            names = self.scopes[0]
            marks = self.marks.of_dict(names)
            kept = {name: value for name, value in names.items() if not self._is_tool(name, value)}
            self.marks.of_dict(kept).update(marks)
            return frozen_tree(kept, self.marks, self.budget)
        except RecursionError:
            raise self.budget.refuse("the config is nested too deeply") from None
        except (_Break, _Continue):
            raise ConfigError(Problem("", "break or continue outside a loop", str(self.budget.at))) from None

    def changed_base(self) -> ConfigDict | None:
        """The bases as the file left them."""
        if self._live is None:
            return self.base
        return frozen_tree(self._live, self.marks, self.budget)

    # Names and text that the bases define.

    def lookup(self, node: ast.Name) -> Any:
        """The value of a name, of ``_base_``, or of a placeholder that stands where a name could."""
        if node.id == "_base_" and self.base is not None:
            if self._live is None:
                self._live = thaw(self.base, self.marks, None, self.budget)
            self.reads_base = True
            return self._live
        if node.id in self.template.tokens:
            return self._base_value(node, self.template.tokens[node.id])
        return super().lookup(node)

    def missing(self, node: ast.Name) -> ConfigError:
        """The error for an unknown name, which may be one of the base's."""
        if self.base is not None and node.id in self.base:
            return self.error(node, f"{node.id!r} is defined in the base, not in this file; write _base_.{node.id}")
        return super().missing(node)

    def text(self, node: ast.AST, value: str) -> Any:
        """A string constant with its placeholders replaced."""
        if not self.template.tokens:
            return value
        where = str(Origin(self.file, getattr(node, "lineno", 0)))
        return fill(value, self.template, where, lambda dotted: self._base_value(node, dotted))

    def _base_value(self, node: ast.AST, dotted: str) -> Any:
        value, mark = find_base(self.base, dotted, str(Origin(self.file, getattr(node, "lineno", 0))))
        return thaw(value, self.marks, mark, self.budget)

    # Statements.

    def block(self, body: list[ast.stmt]) -> None:
        """Interpret statements in order."""
        for statement in body:
            self.budget.charge(1)
            self.at(statement)
            try:
                self.statement(statement)
            except FAULTS as error:
                if isinstance(error, RecursionError):
                    raise
                raise self.error(statement, explain(error)) from None

    def statement(self, node: ast.stmt) -> None:
        """Interpret one statement."""
        if isinstance(node, ast.Assign):
            value = self.evaluate(node.value)
            for target in node.targets:
                self.assign(target, value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.assign(node.target, self.evaluate(node.value))
        elif isinstance(node, ast.AugAssign):
            self.augmented(node)
        elif isinstance(node, ast.Expr):
            self.evaluate(node.value)
        elif isinstance(node, ast.If):
            self.branch(node)
        elif isinstance(node, ast.For):
            self.loop(node)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.delete(target)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.bring(node)
        elif is_read_base(node):
            self.read_base(node)
        elif isinstance(node, ast.Break):
            raise _Break
        elif isinstance(node, ast.Continue):
            raise _Continue
        elif not isinstance(node, ast.Pass):
            raise self.refuse(node, _STATEMENTS.get(type(node), type(node).__name__.lower()))

    def branch(self, node: ast.If) -> None:
        """``if`` with its ``elif`` and ``else``."""
        while True:
            body = node.body if self.evaluate(node.test) else node.orelse
            if body is node.orelse and len(body) == 1 and isinstance(body[0], ast.If):
                node = body[0]
                continue
            return self.block(body)

    def loop(self, node: ast.For) -> None:
        """``for`` with ``break``, ``continue`` and ``else``."""
        for item in self.iterate(self.evaluate(node.iter)):
            self.at(node)
            self.assign(node.target, item)
            try:
                self.block(node.body)
            except _Continue:
                continue
            except _Break:
                return
        self.block(node.orelse)

    def assign(self, target: ast.expr, value: Any) -> None:
        """Assign to a name, a tuple of names, an item, or an attribute of a base's dict."""
        origin = Origin(self.file, target.lineno)
        if isinstance(target, ast.Name):
            if target.id == "_base_" or (target.id.startswith("__") and target.id.endswith("__")):
                raise self.refuse(target, f"assigning to {target.id} here")
            self.scopes[0][target.id] = value
            self.marks.of_dict(self.scopes[0])[target.id] = origin
            self._imported.discard(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            for part, item in self.spread(target, value):
                self.assign(part, item)
        elif isinstance(target, ast.Subscript):
            self.assign_item(target, value, origin)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value)
            if not isinstance(owner, LiveDict) or target.attr.startswith("__"):
                raise self.error(target, f"only a base's dicts have attributes; write [{target.attr!r}]")
            owner[target.attr] = value
            self.marks.of_dict(owner)[target.attr] = origin
        else:
            raise self.refuse(target, "this target of an assignment")

    def assign_item(self, target: ast.Subscript, value: Any, origin: Origin) -> None:
        """``x[key] = value``."""
        owner = self.evaluate(target.value)
        index = self.index(target.slice)
        if isinstance(owner, dict):
            owner[self.key(index)] = value
            self.marks.of_dict(owner)[index] = origin
        elif isinstance(owner, list) and isinstance(index, slice):
            new = list(self.iterate(value))
            self.budget.charge(1 + len(owner))
            marks = self.marks.of_items(owner)
            if len(marks) == len(owner):
                marks[index] = [origin] * len(new)
            owner[index] = new
        elif isinstance(owner, list):
            marks = self.marks.of_items(owner)
            owner[index] = value
            if len(marks) == len(owner):
                marks[index] = origin
        else:
            raise self.error(target, f"a value of type {type(owner).__name__} has no items to assign")

    def augmented(self, node: ast.AugAssign) -> None:
        """``x += y`` and its kin; lists and dicts change in place."""
        source = ast.copy_location(_as_load(node.target), node.target)
        left, right = self.evaluate(source), self.evaluate(node.value)
        self.at(node)
        if isinstance(left, list) and isinstance(node.op, ast.Add):
            extend(self, left, right)
            return
        if isinstance(left, list) and isinstance(node.op, ast.Mult):
            check_repeat(left, right, self.budget)
            left *= right
            return
        result = self.joined(left, right, binary(type(node.op), left, right, self.budget))
        if isinstance(left, dict | set) and isinstance(result, dict | set):
            left.clear()
            left.update(result)
            if isinstance(left, dict) and isinstance(result, dict):
                self.marks.of_dict(left).update(self.marks.of_dict(result))
            return
        self.assign(node.target, result)

    def delete(self, target: ast.expr) -> None:
        """``del name`` and ``del x[key]``."""
        if isinstance(target, ast.Name):
            if target.id not in self.scopes[0]:
                raise self.missing(target)
            del self.scopes[0][target.id]
        elif isinstance(target, ast.Subscript):
            owner, index = self.evaluate(target.value), self.index(target.slice)
            if not isinstance(owner, dict | list):
                raise self.error(target, f"a value of type {type(owner).__name__} has no items to delete")
            self.budget.charge(1 + len(owner) // 64)
            if isinstance(owner, list):
                marks = self.marks.of_items(owner)
                if len(marks) == len(owner):
                    del marks[index]
            del owner[index]
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.delete(part)
        else:
            owner = self.evaluate(target.value) if isinstance(target, ast.Attribute) else None
            if not isinstance(owner, LiveDict) or not isinstance(target, ast.Attribute):
                raise self.refuse(target, "this del")
            del owner[target.attr]


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    assert isinstance(target, ast.Subscript)
    return ast.Subscript(target.value, target.slice, ast.Load())
