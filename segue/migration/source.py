"""What a Python file says of itself, read from its syntax tree; nothing is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["config", "module", "script", "plain", "broken"]

#: the import names that projects built on mmseg use; Segue's compat has the first three
FAMILY = ("mmseg", "mmengine", "mmcv", "mmdet", "mmpretrain", "mmcls", "mmdet3d", "mmpose", "mmrotate", "mmselfsup")
#: what only configs assign at their top level
SECTIONS = {
    *("_base_", "model", "data", "train_dataloader", "val_dataloader", "test_dataloader", "optim_wrapper", "optimizer"),
    *("train_pipeline", "test_pipeline", "train_cfg", "param_scheduler", "lr_config", "runner", "default_hooks"),
    *("dataset_type", "default_scope", "evaluation", "checkpoint_config", "log_config", "custom_imports"),
}
#: calls that only a program makes
PROGRAM = {
    *("from_cfg", "train_segmentor", "init_model", "init_segmentor", "inference_model", "inference_segmentor"),
    *("MMSegInferencer", "single_gpu_test", "multi_gpu_test", "parse_args"),
}
_MENTION = re.compile(rf"\b({'|'.join(FAMILY)})\b|_base_|dict\(\s*type")
_CONFIG = re.compile(r"^(_base_|model|train_dataloader|data|optim_wrapper)\s*=", re.MULTILINE)


@dataclass(frozen=True)
class Import:
    """One imported name: ``from module import name``, or ``import module`` where ``name`` is empty.

    ``when`` is ``always`` for the top level, ``tried`` below ``try: ... except ImportError``, ``called`` in a function.
    ``bound`` is the variable it becomes; ``used`` whether the file reads that variable.
    """

    module: str
    name: str
    bound: str
    line: int
    when: Literal["always", "tried", "called"]
    used: bool = True

    @property
    def full(self) -> str:
        """The dotted path of what is imported."""
        return f"{self.module}.{self.name}" if self.name and self.name != "*" else self.module


@dataclass(frozen=True)
class Component:
    """A class or function that the file registers: under which name, in which registry, at which line."""

    name: str
    registry: str
    line: int


@dataclass
class Source:
    """A file of the project; ``path`` is relative to the project's folder, ``place`` to where its imports start."""

    path: str
    text: str
    place: str = ""
    kind: Kind = "plain"
    configures: bool = False  # whether a broken file was meant as a config
    imports: list[Import] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    error: str = ""

    @property
    def of_family(self) -> bool:
        """Whether it uses a package of the OpenMMLab family."""
        return any(item.module.partition(".")[0] in FAMILY for item in self.imports)


def read(path: str, text: str, place: str = "") -> Source:
    """Parse a file and tell what it is; ``place`` is its path from the folder where its absolute imports start."""
    source = Source(path, text, place or path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # '\d' in a user's string is not ours to complain about
            tree = ast.parse(text)
    except SyntaxError as error:
        source.error = f"{path}:{error.lineno or 0}: this is not valid Python 3: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        source.error = f"{path}: this cannot be parsed: {error or type(error).__name__}"
    if source.error:
        source.kind = "broken" if _MENTION.search(text) else "plain"
        source.configures = bool(_CONFIG.search(text))
        return source
    source.imports = list(imports(tree, source.place))
    source.components = list(components(tree))
    source.kind = kind_of(tree, source)
    return source


def kind_of(tree: ast.Module, source: Source) -> Kind:
    """Config, module, script, or Python that does not concern mmseg."""
    guarded = any(isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) for node in tree.body)
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    program = bool(called & PROGRAM)
    defines = any(isinstance(node, (ast.ClassDef, ast.AsyncFunctionDef)) for node in tree.body)
    if any(item.name == "read_base" for item in source.imports) and not defines:
        return "config"
    if not (guarded or program or defines) and assigned(tree) & SECTIONS:
        return "config"
    if not source.of_family and not source.components:
        return "plain"
    return "script" if (program or guarded) and not (source.components and not program) else "module"


def assigned(tree: ast.Module) -> set[str]:
    """The names that the top level assigns a dict, list or constant, or anything to ``_base_``."""
    found = set()
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        value = node.value
        data = isinstance(value, (ast.Dict, ast.List, ast.Tuple, ast.Constant, ast.ListComp, ast.BinOp)) or (
            isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict"
        )
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        found |= names if data else names & {"_base_"}
    return found


def imports(tree: ast.Module, path: str) -> Iterator[Import]:
    """Every import, relative ones made absolute, and every attribute of a package of the family that is read."""
    read_names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    exported = path.endswith("__init__.py") or "__all__" in assigned(tree)
    modules: dict[str, str] = {}

    def walk(node: ast.AST, when: Literal["always", "tried", "called"]) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    modules[bound] = alias.name if alias.asname else bound
                    yield Import(alias.name, "", bound, child.lineno, when, exported or bound in read_names)
            elif isinstance(child, ast.ImportFrom):
                module = absolute(child.module or "", child.level, path)
                for alias in child.names:
                    bound = alias.asname or alias.name
                    used = exported or alias.name == "*" or bound in read_names
                    yield Import(module, alias.name, bound, child.lineno, when, used)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                yield from walk(child, "called" if when == "always" else when)
            elif isinstance(child, ast.Try) and any(_catches_imports(handler) for handler in child.handlers):
                yield from walk(child, "tried")
            elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
                yield from walk(child, when)

    found = list(walk(tree, "always"))
    yield from found
    said = {(item.module, item.name) for item in found}
    for chain, line in _chains(tree):
        module = modules.get(chain[0])
        if module is None or module.partition(".")[0] not in FAMILY:
            continue
        item = Import(module, ".".join(chain[1:]), "", line, "always")
        if (item.module, item.name) not in said:
            said.add((item.module, item.name))
            yield item


def _chains(tree: ast.Module) -> Iterator[tuple[list[str], int]]:
    """``a.b.c`` as (["a", "b", "c"], line), the longest ones."""
    inner = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        parts: list[str] = []
        at: ast.expr = node
        while isinstance(at, ast.Attribute):
            inner.add(id(at))
            parts.insert(0, at.attr)
            at = at.value
        if isinstance(at, ast.Name):
            yield [at.id, *parts], node.lineno


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    text = "" if handler.type is None else ast.unparse(handler.type)
    return not text or any(name in text for name in ("ImportError", "ModuleNotFoundError", "Exception"))


def absolute(module: str, level: int, path: str) -> str:
    """The module that ``from ..module import`` means in the file at ``path``."""
    if not level:
        return module
    folder = list(PurePosixPath(path).parent.parts)
    folder = folder[: len(folder) - level + 1] if level > 1 else folder
    return ".".join([*folder, *([module] if module else [])])


def components(tree: ast.Module) -> Iterator[Component]:
    """What ``@REGISTRY.register_module()``, ``@register`` and calls ``register_module(module=...)`` add."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                registry = _registry(call.func if call else decorator)
                if registry:
                    names = _names(call) or [node.name]
                    yield from (Component(name, registry, node.lineno) for name in names)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            given = {word.arg: word.value for word in node.value.keywords}
            registry = _registry(node.value.func)
            if registry and "module" in given:
                for name in _names(node.value) or [ast.unparse(given["module"])]:
                    yield Component(name, registry, node.lineno)


def _registry(node: ast.expr) -> str:
    text = ast.unparse(node)
    head, _, last = text.rpartition(".")
    if last == "register_module":
        return head.rpartition(".")[2]
    return "segue" if text in ("register", "segue.register") else ""


def _names(call: ast.Call | None) -> list[str]:
    """The names that a call of ``register_module`` gives, if any."""
    values = [word.value for word in call.keywords if word.arg == "name"] if call else []
    values += call.args[:1] if call else []
    found = []
    for value in values:
        items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
        found += [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return found
