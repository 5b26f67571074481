"""The rules of the house that a machine can check: imports go one way, nothing unpickles, constructors are explicit.

Each rule reads the source as a syntax tree, so nothing needs to be imported to be judged.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from segue.config.builder.find import ROOMS, names

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "segue"
FILES = sorted(PACKAGE.rglob("*.py"))
COMPONENTS = ("backbones", "necks", "heads", "losses", "datasets", "transforms", "metrics")
#: Rooms from the top of the house to its floor; a file imports only from its own level or from lower ones.
LEVELS = [
    ("cli", "__main__"),
    ("demo",),
    ("api", "compat", "migration"),
    ("training", "doctor", "inference", "report", "convert", "recipes", "config"),
    ("models",),
    COMPONENTS,
    ("checkpoints", "layers"),
    ("packs",),
    ("masks",),
    ("images",),
    ("types", "version"),
    ("system",),
    ("errors",),
]
#: Files that are one idea all the same; each with its reason.
LONG_FILES: dict[str, str] = {}
#: Component files may use these of their own or another room: a published derivative its original, or a shared base.
ALLOWED_SIBLINGS = {
    ("heads", "heads"),  # a derivative extends its original: see test_heads_import_only_originals
    ("datasets", "transforms"),  # a dataset runs its pipeline
    ("datasets", "datasets"),  # every dataset extends BaseSegDataset
    ("transforms", "transforms"),  # RandomResize resizes
    ("losses", "losses"),
    ("backbones", "backbones"),
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    """Path below the package, ``heads/psp.py``."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """First part of that path: ``heads``, or ``api`` for ``api.py``."""
    return name_of(path).split("/")[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, anywhere in it but under ``TYPE_CHECKING``, with their lines."""
    tree = tree_of(path)
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or "", node.lineno


def level_of(room: str) -> int:
    found = [i for i, rooms in enumerate(LEVELS) if room in rooms]
    assert found, f"the room {room!r} has no level in LEVELS"
    return found[0]


def test_imports_go_one_way() -> None:
    wrong = []
    for path in FILES:
        room = room_of(path)
        if room == "__init__":
            continue
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] != "segue" or len(parts) < 2:
                continue
            if level_of(parts[1]) < level_of(room):
                wrong.append(f"{name_of(path)}:{line} imports {module}, which is above it")
    assert not wrong, "\n".join(wrong)


def test_component_rooms_do_not_import_each_other() -> None:
    wrong = []
    for path in FILES:
        room = room_of(path)
        for module, line in imports(path):
            parts = module.split(".")
            crosses = room in COMPONENTS and parts[0] == "segue" and len(parts) > 1 and parts[1] in COMPONENTS
            if crosses and (room, parts[1]) not in ALLOWED_SIBLINGS:
                wrong.append(f"{name_of(path)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_lightning_stays_in_training() -> None:
    wrong = [
        f"{name_of(path)}:{line}"
        for path in FILES
        for module, line in imports(path)
        if module.split(".")[0] in ("lightning", "pytorch_lightning") and room_of(path) != "training"
    ]
    assert not wrong, wrong


def test_nothing_unpickles_or_executes() -> None:
    """Neither calls nor imports that run what a file says; ``model.eval()`` is a method, not the builtin."""
    wrong = []
    for path in FILES:
        for module, line in imports(path):
            if module.split(".")[0] in ("pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"):
                wrong.append(f"{name_of(path)}:{line} imports {module}")
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call):
                continue
            text = ast.unparse(node.func)
            bare = isinstance(node.func, ast.Name) and text in ("eval", "exec", "compile", "__import__")
            if bare or text in ("torch.load", "pickle.load", "pickle.loads") or text.endswith(".extractall"):
                wrong.append(f"{name_of(path)}:{node.lineno} calls {text}")
    assert not wrong, "\n".join(wrong)


def components() -> list[tuple[str, str]]:
    """Every component that the name rule finds."""
    return [(room, name) for room in ROOMS for name in names(room)]


@pytest.mark.parametrize(("room", "name"), components(), ids=lambda value: str(value))
def test_constructors_are_explicit(room: str, name: str) -> None:
    """No ``**kwargs``, no config dicts, an annotation on every parameter, a docstring on the class."""
    from segue.config.builder.find import find

    target = find(room, name)
    cls = target.func if isinstance(target, partial) else target
    assert inspect.getdoc(cls), f"{name} has no docstring"
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_POSITIONAL and cls.__init__ is object.__init__:
            continue
        assert parameter.kind is not parameter.VAR_KEYWORD or cls.__init__ is object.__init__, f"{name}: **kwargs"
        assert not parameter.name.endswith("_cfg"), f"{name}: {parameter.name}"
        if cls.__init__ is not object.__init__:
            assert parameter.annotation is not parameter.empty, f"{name}: {parameter.name} has no annotation"


@pytest.mark.parametrize("room", ROOMS)
def test_stems_are_unambiguous(room: str) -> None:
    """No component is defined in two files, and every name leads back to the file that defines it."""
    from segue.config.builder.find import find

    seen: dict[str, str] = {}
    package = importlib.import_module(f"segue.{room}")
    for path in sorted(Path(package.__path__[0]).glob("*.py")):
        for node in tree_of(path).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            folded = node.name.lower()
            if not folded.startswith(path.stem.replace("_", "")):
                continue
            assert node.name not in seen, f"{node.name} is in {seen[node.name]} and in {path.name}"
            seen[node.name] = path.name
            assert find(room, node.name).__module__ == f"segue.{room}.{path.stem}"


def test_files_are_short() -> None:
    """Aim at 60 to 250 lines; 500 is the limit."""
    long = {name_of(path): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: lines for name, lines in long.items() if lines > 500 and name not in LONG_FILES}


def test_no_catch_all_files() -> None:
    catch_all = {"utils.py", "common.py", "helpers.py", "misc.py", "base.py"}
    assert not [name_of(path) for path in FILES if path.name in catch_all]


def test_model_files_name_their_paper() -> None:
    """A backbone, neck or head says in its docstring which paper it follows."""
    missing = []
    for room in ("backbones", "necks", "heads"):
        for path in sorted((PACKAGE / room).glob("*.py")):
            text = ast.get_docstring(tree_of(path)) or ""
            if path.name != "__init__.py" and not ("arXiv" in text or "http" in text):
                missing.append(name_of(path))
    assert not missing, missing


def test_the_way_from_config_to_loss_is_short() -> None:
    """The files that docs/reading-path.md lists exist and have fewer than 1,500 lines together."""
    listed = re.findall(r"^\| \d+ \| `([^`]+)`", (ROOT / "docs" / "reading-path.md").read_text(), re.MULTILINE)
    assert len(listed) == 13
    assert sum(len((PACKAGE / name).read_text().splitlines()) for name in listed) < 1500
