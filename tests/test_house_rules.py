"""The rules notice: each is given a small house with one mistake planted, and names it."""

from __future__ import annotations

import ast

import pytest

from tests.house_options import Follower, dropped, functions_of
from tests.house_rules import (
    arrows,
    circles,
    computed,
    drawn,
    entangled,
    forbidden,
    foreign_privates,
    lightning,
    loose,
    too_long,
    unknown_targets,
    upward,
    with_drawing,
)
from tests.house_texts import dotted_names, exists, wrong_commands, wrong_paths

GOOD = {
    "__init__.py": "",
    "api.py": "from segue.training.task import Task",
    "training/task.py": "from segue.heads import psp\nimport segue.layers.conv",
    "heads/__init__.py": "",
    "heads/psp.py": "from segue.layers import conv",
    "heads/fcn.py": "from typing import TYPE_CHECKING",
    "layers/__init__.py": "",
    "layers/conv.py": "from segue.errors import SegueError",
    "errors.py": "class SegueError(Exception): ...",
}


def house(**changed: str) -> dict[str, ast.Module]:
    """The good house with some files' text changed or added; ``layers__conv`` is ``layers/conv.py``."""
    new = {f"{name.replace('__', '/', 1)}.py": text for name, text in changed.items()}
    return {file: ast.parse(text) for file, text in {**GOOD, **new}.items()}


def test_the_good_house_is_good() -> None:
    for rule in (upward, circles, entangled, unknown_targets, computed, lightning, forbidden, loose, foreign_privates):
        assert not rule(house()), rule


def test_a_package_stands_for_its_own_file() -> None:
    found = {(arrow.file, arrow.target) for arrow in arrows(house())}
    assert ("training/task.py", "heads/psp.py") in found
    assert ("training/task.py", "heads/__init__.py") not in found


@pytest.mark.parametrize(
    "text",
    [
        "import segue.training.task",
        "from segue.training import task",
        "from segue import api",
        "def late():\n    from segue.training.task import Task",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from segue.training.task import Task",
        "import importlib\nimportlib.import_module('segue.training.task')",
    ],
)
def test_an_import_that_goes_up(text: str) -> None:
    wrong = upward(house(layers__conv=text))
    assert len(wrong) == 1 and wrong[0].startswith("layers/conv.py:") and wrong[0].endswith("which is above it")


def test_an_exception_is_for_one_file_and_within_a_function() -> None:
    lazy = "def call():\n    from segue.api import models"
    assert not upward(house(models____init__=lazy))
    assert upward(house(models____init__="from segue.api import models"))
    assert upward(house(models__other=lazy))


def test_a_room_that_is_not_drawn() -> None:
    assert upward(house(tricks__one="")) == ["tricks: draw the room into ORDER"]


@pytest.mark.parametrize(
    "back",
    [
        "from segue.heads.fcn import FCN",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from segue.heads.fcn import FCN",
        "def late():\n    from segue.heads import fcn",
    ],
)
def test_a_circle(back: str) -> None:
    """Of two files, one way for the type checker alone; and of three."""
    assert circles(house(heads__fcn="import segue.heads.psp", heads__psp=back)) == ["heads/fcn.py <-> heads/psp.py"]
    three = house(heads__fcn="import segue.heads.gc", heads__gc="import segue.heads.psp", heads__psp=back)
    assert circles(three) == ["heads/fcn.py <-> heads/gc.py <-> heads/psp.py"]


def test_components_that_import_each_other() -> None:
    assert entangled(house(heads__psp="import segue.losses.dice", losses__dice=""))
    assert entangled(house(heads__psp="import segue.heads.fcn"))
    assert not entangled(house(heads__dnl="import segue.heads.fcn"))


def test_other_imports() -> None:
    assert unknown_targets(house(heads__psp="from . import fcn"))
    assert unknown_targets(house(heads__psp="import segue.heads.none"))
    assert computed(house(heads__psp="import importlib\nimportlib.import_module(f'segue.{room}')")) == ["heads/psp.py"]
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lightning.pytorch as pl"
    assert lightning(house(heads__psp=typed)) == ["heads/psp.py:3"]
    assert not lightning(house(training__task=typed))


@pytest.mark.parametrize(
    "text", ["import pickle", "eval('1')", "torch.load(p)", "archive.extractall(p)", "def f():\n    import dill"]
)
def test_what_runs_a_file(text: str) -> None:
    assert forbidden(house(heads__psp=text))
    assert not forbidden(house(heads__psp="model.eval()"))


def test_foreign_private_names() -> None:
    own = "class A:\n    def __init__(self): self._own = 1\n    def f(self): return self._own"
    assert not foreign_privates(house(heads__psp=own))
    assert foreign_privates(house(heads__psp="trainer._loop.run()")) == {"_loop": ["heads/psp.py:1"]}
    assert foreign_privates(house(heads__psp="from torch._ops import _Keys")) == {
        name: ["heads/psp.py:1"] for name in ("_ops", "_Keys")
    }


def test_files_in_the_wrong_place_or_size() -> None:
    assert loose(house(tricks="")) == ["tricks.py"]
    assert too_long({"heads/psp.py": 351, "backbones/resnet.py": 500, "backbones/swin.py": 501}) == {
        "heads/psp.py": 351,
        "backbones/swin.py": 501,
    }


# Options.

VERB = """
def run(args):
    if args.quick:
        return start(args)
    with opened(args.out) as out:
        for name in args.names:
            out.write(name, args.size)
    return 0

def start(args):
    {start}
"""


def lost(text: str, declared: str, function: str = "verb.run") -> set[str]:
    functions = functions_of({"cli/verb.py": ast.parse(text)})
    return dropped(Follower(functions, chosen={"verb": "verb", "action": "show"}).ways(function), declared.split())


def test_an_option_that_one_branch_drops() -> None:
    """``--size`` is read on the long way only, and so dropped by ``--quick``; to refuse it, or to ask it, is enough."""
    assert lost(VERB.format(start="return args.out, args.names"), "quick out names size") == {"size"}
    assert lost(VERB.format(start="return args.out, args.names, args.size"), "quick out names size") == set()
    refused = "if args.size: raise ValueError\n    return args.out, args.names"
    assert lost(VERB.format(start=refused), "quick out names size") == set()
    assert lost(VERB.format(start="raise ValueError"), "quick out names size") == set()
    assert lost(VERB.format(start="return 0"), "quick never") == {"never"}


def test_a_way_through_try_and_a_known_action() -> None:
    text = """
def run(args):
    own = {"show": run_show, "list": run_list}
    return own[args.action](args)

def run_show(args):
    try:
        found = read(args.file)
    except OSError:
        return args.file
    if args.action == "list":
        return 1
    try:
        found = found.shrink(args.size)
    except ValueError:
        found = None
    return found, getattr(args, "json", False)
"""
    assert lost(text, "action file") == set()
    assert lost(text, "json size") == {"json", "size"}, "the early return"


def test_options_that_leave_the_house() -> None:
    with pytest.raises(AssertionError, match="takes the options out of sight"):
        lost("def run(args):\n    elsewhere(args)", "size")


def test_an_argument_that_one_branch_drops() -> None:
    text = "def check(target, workers):\n    if target:\n        return scan(target, workers)\n    return target"
    functions = functions_of({"api.py": ast.parse(text)})
    assert dropped(Follower(functions, names=["target", "workers"]).ways("api.check"), ["target", "workers"]) == {
        "workers"
    }


# Texts.


def test_names_in_texts() -> None:
    text = "`segue.load` and segue.heads.psp.PSPHead; not segue.yaml, /tmp/segue.x, segue/heads or segue.export."
    assert dotted_names(text) == {"load", "heads.psp.PSPHead", "export"}
    assert exists("load") and exists("heads.psp.PSPHead") and exists("config.Config.fromfile")
    assert not exists("exports") and not exists("heads.psp.PSPHeads")
    assert exists("training.saving.Saver.best"), "an attribute of instances"


def test_commands_in_texts() -> None:
    verbs = {"train": {"": {"--resume"}}, "weights": {"": set(), "list": {"--all"}, "fetch": {"--offline"}}}
    good = "`segue train cfg.py --resume`, `segue weights list --all`; segue weights --offline, segue weights and more"
    assert not wrong_commands(good, verbs)
    assert wrong_commands("`segue export`", verbs) == ["segue export"]
    assert wrong_commands("`segue weights get x`", verbs) == ["segue weights get"]
    assert wrong_commands("segue train cfg.py --restart", verbs) == ["segue train --restart"]
    assert wrong_commands("segue weights list --offline", verbs) == ["segue weights --offline"]
    assert not wrong_commands("import segue as s\nfrom segue import load", verbs)


def test_paths_in_texts() -> None:
    assert not wrong_paths("docs/design.md, segue/heads/, tests/heads/test_NAME.py, mmseg's tools/train.py")
    assert not wrong_paths("f'tests/test_{name}'"), "it goes on"
    assert wrong_paths("see segue/heads/none.py or docs/none.md") == ["docs/none.md", "segue/heads/none.py"]


def test_the_drawing_replaces_an_older_one() -> None:
    begin, *_, end = drawn().splitlines()
    text = f"before\n{begin}\nold\n{end}\nafter"
    assert with_drawing(text) == f"before\n{drawn()}\nafter"
    assert with_drawing(with_drawing(text)) == with_drawing(text)
