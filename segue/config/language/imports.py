"""What a config imports: known modules are ours, new-style names stay names, bases bring their variables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from segue.config.language.budget import Budget
from segue.config.language.expressions import Expressions
from segue.config.language.functions import MODULES, Environ, SafeFunction, SafeModule
from segue.config.language.parse import Module
from segue.config.language.values import ImportedName, thaw
from segue.config.tree import ConfigDict
from segue.errors import nearest

#: From the module path and line of an import to the tree of that config and its `Imports.tools`.
ImportBase: TypeAlias = "Callable[[str, int], tuple[ConfigDict, Mapping[str, Any]]]"


class Imports(Expressions):
    """The import statements of one file."""

    def __init__(
        self, module: Module, budget: Budget, *, use_environment: bool = True, import_base: ImportBase | None = None
    ) -> None:
        super().__init__(module.file, budget, use_environment=use_environment)
        self.module = module
        self.import_base = import_base
        self._imported: set[str] = set()

    def tools(self) -> dict[str, Any]:
        """What the file imports: names that are no part of the config, but that a file which reads it may use."""
        return {
            name: value for name, value in self.scopes[0].items() if self._is_tool(name, value) and name[:2] != "__"
        }

    def _is_tool(self, name: str, value: Any) -> bool:
        return name.startswith("__") or name in self._imported or isinstance(value, SafeFunction | SafeModule | Environ)

    def bring(self, node: ast.Import | ast.ImportFrom) -> None:
        """``import`` and ``from ... import``."""
        if isinstance(node, ast.ImportFrom):
            if node.module == "__future__":
                return
            for alias in node.names:
                self.define(alias.asname or alias.name, self.imported(node, alias.name))
            return
        for alias in node.names:
            known = alias.name in MODULES
            if not known and not self.module.lazy:
                raise self.refuse(node, f"importing {alias.name}")
            top = alias.name if alias.asname else alias.name.partition(".")[0]
            value = MODULES[top] if known else ImportedName(top)
            self.define(alias.asname or top, value)

    def imported(self, node: ast.ImportFrom, name: str) -> Any:
        """What ``from module import name`` gives."""
        module = node.module or ""
        if node.level == 0 and module in MODULES:
            if name in MODULES[module].members:
                return MODULES[module].members[name]
            raise self.refuse(node, f"importing {module}.{name}")
        if not self.module.lazy:
            raise self.refuse(node, f"importing {'.' * node.level}{module}")
        if node.level:
            raise self.error(node, "a relative import must stand inside `with read_base():`")
        if name == "*":
            raise self.refuse(node, f"importing everything from {module}")
        return ImportedName(f"{module}.{name}")

    def define(self, name: str, value: Any) -> None:
        """Bind an imported name; only plain data stays in the config."""
        self.scopes[0][name] = value
        self.marks.of_dict(self.scopes[0])[name] = self.here()
        if isinstance(value, ImportedName):
            self._imported.add(name)

    def read_base(self, node: ast.stmt) -> None:
        """``with read_base(): from .base import *``: the base's variables become variables of this file."""
        assert isinstance(node, ast.With)
        if self.import_base is None or not self.module.lazy:
            raise self.error(node, "`with read_base():` cannot be mixed with `_base_`")
        for statement in node.body:
            self.at(statement)
            if not isinstance(statement, ast.ImportFrom) or not statement.module:
                raise self.error(statement, "only `from .file import name` may stand inside `with read_base():`")
            dotted = "." * statement.level + statement.module
            tree, tools = self.import_base(dotted, statement.lineno)
            self.at(statement)
            for alias in statement.names:
                names = [*tools, *tree] if alias.name == "*" else [alias.name]
                for name in names:
                    mark = tree._marks.get(name)
                    bound = alias.asname or name
                    if name in tools:
                        self.define(bound, tools[name])
                        continue
                    if name not in tree:
                        raise self.error(statement, f"{dotted} has no {name!r}{nearest(name, [*tree, *tools])}")
                    self._imported.discard(bound)
                    self.scopes[0][bound] = thaw(tree[name], self.marks, mark, self.budget)
                    self.marks.of_dict(self.scopes[0])[bound] = mark
