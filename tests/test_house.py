"""The rules of the house that a machine can check; `tests.house_rules` has them as functions of source text.

Each rule reads the source as a syntax tree, so nothing needs to be imported to be judged. What shows that the rules
notice is in `tests.test_house_rules`.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
from functools import cache, partial
from pathlib import Path

import pytest

from segue.cli import make_parser, verbs
from segue.config.builder.find import ROOMS, names
from segue.reference.places import NOTHING
from tests.house_options import Follower, dropped, functions_of
from tests.house_rules import (
    COMPUTED,
    DERIVATIVES,
    ORDER,
    PACKAGE,
    ROOT,
    UPWARD,
    arrows,
    circles,
    computed,
    entangled,
    forbidden,
    foreign_privates,
    lightning,
    loose,
    read_files,
    room_of,
    too_long,
    unknown_targets,
    upward,
    with_drawing,
)
from tests.house_texts import dotted_names, exists, wrong_commands, wrong_paths

FILES = read_files()
#: What people read: sources with their docstrings and messages, and pages.
TEXTS = sorted(
    path
    for pattern in ("segue/**/*.py", "segue/**/*.html", "docs/**/*.md", "*.md", "tools/*.py", "benchmarks/**/*.py",
                    "benchmarks/**/*.md", "examples/**/*.py", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)  # fmt: skip


def test_imports_go_down() -> None:
    assert not upward(FILES), "\n".join(upward(FILES))
    assert not unknown_targets(FILES), "\n".join(unknown_targets(FILES))


def test_the_exceptions_are_needed() -> None:
    """Every room of the order is there, and every exception from it is made use of."""
    assert set(ORDER) == {room_of(file) for file in FILES}
    found = {(arrow.file, room_of(arrow.target)) for arrow in arrows(FILES) if arrow.inside}
    assert set(UPWARD) <= found
    pairs = {(arrow.file, Path(arrow.target).stem) for arrow in arrows(FILES) if arrow.inside}
    assert {(file, name) for file, originals in DERIVATIVES.items() for name in originals.split()} <= pairs


def test_no_file_reaches_itself() -> None:
    assert not circles(FILES), "\n".join(circles(FILES))


def test_component_rooms_do_not_import_each_other() -> None:
    assert not entangled(FILES), "\n".join(entangled(FILES))


def test_computed_imports_are_listed() -> None:
    assert computed(FILES) == sorted(COMPUTED)


def test_lightning_stays_in_training() -> None:
    assert not lightning(FILES), lightning(FILES)


def test_nothing_unpickles_or_executes() -> None:
    assert not forbidden(FILES), "\n".join(forbidden(FILES))


def test_private_names_of_other_packages_are_tested() -> None:
    """Each private name that the code leans on has a test named after it, which breaks when its package drops it."""
    text = (ROOT / "tests" / "test_private_names.py").read_text(encoding="utf-8")
    found = foreign_privates(FILES)
    missing = {name: at for name, at in found.items() if f"def test_{name.strip('_').lower()}" not in text}
    assert not missing, missing


def test_the_drawing_is_current() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert text == with_drawing(text), "python -m tests.house_rules draws docs/design.md"


def test_the_readme_shows_every_room() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [room for room in ORDER if (PACKAGE / room).is_dir() and f"\n  {room}/ " not in text]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_text_names_exists(path: Path) -> None:
    """Names below ``segue``, commands and their options, files."""
    text = path.read_text(encoding="utf-8")
    assert not [name for name in sorted(dotted_names(text)) if not exists(name)]
    assert not wrong_commands(text, commands())
    if path.name != "from-mmseg.md":  # the files it names are mmseg's
        assert not wrong_paths(text)


def test_the_advice_instead_of_a_missing_name_exists() -> None:
    """Beyond Segue's own names: those of torch, torchvision, Lightning and OpenCV."""
    for name, advice in NOTHING.items():
        for dotted in re.findall(r"\b(?:torch|torchvision|lightning|cv2)(?:\.\w+)+", advice):
            module, _, last = dotted.rpartition(".")
            if not dotted.startswith("torchvision"):  # optional
                found = importlib.import_module(module)
                assert hasattr(found, last) or importlib.import_module(dotted), f"{name}: {dotted}"


@cache
def parsers(verb: str) -> dict[str, argparse.ArgumentParser]:
    """The parser of a verb under "", and those of its actions."""
    [top] = [a for a in make_parser(verb)._actions if isinstance(a, argparse._SubParsersAction)]
    own = top.choices[verb]
    inner = [a.choices for a in own._actions if isinstance(a, argparse._SubParsersAction)]
    return {"": own, **(inner[0] if inner else {})}


@cache
def commands() -> dict[str, dict[str, set[str]]]:
    """Actions of each verb with their options; "" has the verb's own."""
    return {
        verb: {action: set(parser._option_string_actions) for action, parser in parsers(verb).items()}
        for verb in verbs()
    }


@pytest.mark.parametrize(
    ("verb", "action"),
    [(verb, action) for verb in verbs() for action in commands()[verb] if action or len(commands()[verb]) == 1],
)
def test_every_option_is_read(verb: str, action: str) -> None:
    """Whichever way ``run`` goes, it has read every option or refused."""
    cli = {file: tree for file, tree in FILES.items() if room_of(file) == "cli"}
    declared = {a.dest for a in parsers(verb)[action]._actions if a.default != argparse.SUPPRESS}
    follower = Follower(functions_of(cli), chosen={"verb": verb, "action": action, "format": action})
    [first] = follower.ways("__init__.download_settings")  # what main does before it calls run
    lost = dropped([first | way for way in follower.ways(f"{verb}.run")], declared)
    assert not lost, f"segue {verb} {action}: {sorted(lost)} parsed, and dropped on some way through run()"


@pytest.mark.parametrize(
    ("file", "name"),
    [("api.py", name) for name in ("check", "evaluate", "models", "pack", "train")]
    + [
        ("inference/scenes/predict.py", "predict_scene"),
        ("inference/hub.py", "pull"),
        ("inference/hub.py", "push"),
        ("inference/load.py", "load"),
        ("inference/many.py", "predict"),
        ("report/score_folders.py", "score"),
    ],
)
def test_every_argument_is_used(file: str, name: str) -> None:
    """The same of the verbs as functions."""
    functions = functions_of({file: FILES[file]})
    node = functions[f"{Path(file).stem}.{name}"]
    arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
    ways = Follower(functions, names=arguments).ways(f"{Path(file).stem}.{name}")
    lost = dropped(ways, arguments)
    assert not lost, f"segue.{name}: {sorted(lost)} taken, and dropped on some way"


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
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            folded = node.name.lower()
            if not folded.startswith(path.stem.replace("_", "")):
                continue
            assert node.name not in seen, f"{node.name} is in {seen[node.name]} and in {path.name}"
            seen[node.name] = path.name
            assert find(room, node.name).__module__ == f"segue.{room}.{path.stem}"


def test_constructors_take_no_config() -> None:
    """No ``**kwargs`` and no ``*_cfg``, but for what stands for mmseg's classes, and ConfigDict, which is a dict."""
    wrong = [
        f"{file}: {cls.name}"
        for file, tree in FILES.items()
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        and room_of(file) != "compat"
        and cls.name not in ("ConfigDict", "WandbVisBackend")
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and node.name in ("__init__", "__new__")
        if node.args.kwarg or any(a.arg.endswith("_cfg") for a in (*node.args.args, *node.args.kwonlyargs))
    ]
    assert not wrong, wrong


def test_files_are_short() -> None:
    """Aim at 60 to 250 lines."""
    lengths = {file: len((PACKAGE / file).read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert not too_long(lengths), too_long(lengths)


def test_few_files_lie_loose() -> None:
    assert not loose(FILES), loose(FILES)


def test_no_catch_all_files() -> None:
    catch_all = {"utils.py", "common.py", "helpers.py", "misc.py", "base.py"}
    assert not [file for file in FILES if Path(file).name in catch_all]


def test_model_files_name_their_paper() -> None:
    """A backbone, neck or head says in its docstring which paper it follows."""
    missing = []
    for room in ("backbones", "necks", "heads"):
        for path in sorted((PACKAGE / room).glob("*.py")):
            text = ast.get_docstring(ast.parse(path.read_text())) or ""
            if path.name != "__init__.py" and not ("arXiv" in text or "http" in text):
                missing.append(f"{room}/{path.name}")
    assert not missing, missing


def test_the_way_from_config_to_loss_is_short() -> None:
    """The files that docs/reading-path.md lists exist and have fewer than 1,600 lines together."""
    listed = re.findall(r"^\| \d+ \| `([^`]+)`", (ROOT / "docs" / "reading-path.md").read_text(), re.MULTILINE)
    assert len(listed) == 13
    assert sum(len((PACKAGE / name).read_text().splitlines()) for name in listed) < 1600
