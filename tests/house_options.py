"""Whether a function makes use of everything it is given, whichever way it goes.

An option that is parsed and dropped on one branch is a silent no. So the ways through a function are followed in its
syntax tree: both sides of every ``if``, into every function that the options are passed on to. On each way that ends
well, each option must have been read; a condition reads what it asks, and a way that raises refuses.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Reads = frozenset[str]
NONE: Reads = frozenset()


@dataclass
class Ways:
    """The sets of names that have been read, one for each way: of those that go on, and of those that have returned."""

    going: set[Reads] = field(default_factory=set)
    done: set[Reads] = field(default_factory=set)


class Follower:
    """Follows functions.

    Args:
        functions: all that can be called, by ``module.name`` with the last part of the module's name; their ``args``
            is what they pass on.
        names: parameters whose reading counts; None: attributes of ``args``.
        chosen: what is known of attributes of ``args``: ``{"action": "show"}``.
    """

    def __init__(
        self,
        functions: Mapping[str, ast.FunctionDef],
        names: Iterable[str] | None = None,
        chosen: Mapping[str, str] | None = None,
    ) -> None:
        self.functions, self.names = functions, None if names is None else set(names)
        self.chosen = dict(chosen or {})

    def ways(self, name: str) -> set[Reads]:
        """What each way through a function reads."""
        module, _, _ = name.rpartition(".")
        ended = self.block(self.functions[name].body, {NONE}, module)
        return ended.going | ended.done

    def block(self, body: Iterable[ast.stmt], start: set[Reads], module: str) -> Ways:
        """Statements, one after the other."""
        ways = Ways(set(start))
        for statement in body:
            if not ways.going:
                break
            after = self.statement(statement, ways.going, module)
            ways = Ways(after.going, ways.done | after.done)
        return ways

    def statement(self, node: ast.stmt, start: set[Reads], module: str) -> Ways:
        """One statement."""
        if isinstance(node, ast.Raise):
            return Ways()
        if isinstance(node, ast.Return):
            return Ways(set(), self.expression(node.value, start, module))
        if isinstance(node, ast.If):
            known = self.known(node.test)
            asked = self.expression(node.test, start, module)
            sides = [side for side, holds in ((node.body, True), (node.orelse, False)) if known in (None, holds)]
            return joined([self.block(side, asked, module) for side in sides])
        if isinstance(node, ast.For | ast.While):  # taken once
            head = node.iter if isinstance(node, ast.For) else node.test
            return self.block([*node.body, *node.orelse], self.expression(head, start, module), module)
        if isinstance(node, ast.With):
            for item in node.items:
                start = self.expression(item.context_expr, start, module)
            return self.block(node.body, start, module)
        if isinstance(node, ast.Try):
            tried = self.block([*node.body, *node.orelse], start, module)
            failed = tried.going | tried.done or start  # the call that failed had been given what it needs
            ways = joined([tried, *(self.block(handler.body, failed, module) for handler in node.handlers)])
            after = self.block(node.finalbody, ways.going, module)
            return Ways(after.going, ways.done | after.done)
        return Ways(self.expression(node, start, module))

    def expression(self, node: ast.AST | None, start: set[Reads], module: str) -> set[Reads]:
        """Everything that is evaluated, all operands of ``and``, ``or`` and ``if``-``else`` included."""
        if node is None:
            return start
        own = frozenset(read for inner in ast.walk(node) if (read := self.read(inner)) is not None)
        ways = {way | own for way in start}
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                called = [self.ways(name) for name in self.passed_to(call, module)]
                ways = {way | more for way, more in itertools.product(ways, called[0])} if called else ways
        return ways

    def read(self, node: ast.AST) -> str | None:
        """The option that a node reads."""
        if self.names is not None:
            named = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in self.names
            return node.id if named else None  # type: ignore[attr-defined]
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and is_args(node.value):
            return node.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and is_args(node.args[0]):
            return ast.literal_eval(node.args[1])
        return None

    def passed_to(self, call: ast.Call, module: str) -> list[str]:
        """The function that takes ``args``: by its name, by its module's, or from a dict of functions by ``chosen``."""
        if not any(is_args(argument) for argument in call.args) or ast.unparse(call.func) == "getattr":
            return []
        target = call.func
        if isinstance(target, ast.Subscript):
            key = self.chosen.get(target.slice.attr) if isinstance(target.slice, ast.Attribute) else None
            found = [name for name in self.functions if name.rpartition(".")[2] == f"run_{key}"]
        elif isinstance(target, ast.Attribute) and is_args(target.value):  # args.run(args)
            found = [f"{self.chosen['verb']}.{target.attr}"]
        else:
            name = ast.unparse(target)
            found = [n for n in self.functions if n in (name, f"{module}.{name}")]
            found = found or [n for n in self.functions if n.rpartition(".")[2] == name]
        assert found, f"{module}: {ast.unparse(call)} takes the options out of sight"
        return found[:1]

    def known(self, test: ast.expr) -> bool | None:
        """Whether ``args.action == "show"`` holds, where the action is known."""
        if isinstance(test, ast.Compare) and isinstance(test.left, ast.Attribute) and is_args(test.left.value):
            chosen, [other] = self.chosen.get(test.left.attr), test.comparators
            if chosen is not None and isinstance(test.ops[0], ast.Eq) and isinstance(other, ast.Constant):
                return chosen == other.value
        return None


def joined(parts: Iterable[Ways]) -> Ways:
    """All ways of several."""
    every = list(parts)
    return Ways(set().union(*(ways.going for ways in every)), set().union(*(ways.done for ways in every)))


def is_args(node: ast.AST) -> bool:
    """Whether a node is the variable ``args``."""
    return isinstance(node, ast.Name) and node.id == "args"


def functions_of(files: Mapping[str, ast.Module]) -> dict[str, ast.FunctionDef]:
    """The functions of files, by the file's stem and their names."""
    return {
        f"{path.rpartition('/')[2].removesuffix('.py')}.{node.name}": node
        for path, tree in files.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def dropped(ways: Iterable[Reads], declared: Iterable[str]) -> set[str]:
    """The options that some way does not read."""
    return {name for name in declared for way in ways if name not in way}
