"""Random edits of good configs: whatever is changed, the answer is a config that works or a message with its place.

An edit replaces, removes or misspells something anywhere in a config. Then all is done that can be without data:
reading, the training plan, and building the model without values. Anything but a `SegueError` is a defect.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from segue.config import Config
from segue.config.builder.build import build_model, check
from segue.errors import ConfigError, SegueError
from segue.recipes import compose
from segue.recipes.open import read_config
from segue.training.ignored import ignored
from segue.training.plan import located, read_plan
from tests.cli.project import make_project

RECIPES = (
    "fcn_r18-d8_4xb2-80k_cityscapes-512x1024",
    "ocrnet_hr18s_4xb2-40k_cityscapes-512x1024",
    "segformer_mit-b0_8xb2-160k_ade20k-512x512",
)
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, float("nan"), float("inf"), "", "x", "../..", [], [None], [[1]], (), {},
    {"type": None},
    {"type": "Nothing"}, {"type": ["a"]}, {"a": {"b": 1}}, [1, "x"], "é\n", b"bytes", {1: 2},
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def edited(config: dict[str, Any], draw: random.Random) -> tuple[dict[str, Any], str]:
    """A copy with one change, and its description."""
    changed = copy.deepcopy(config)
    path = draw.choice(list(places(changed)))
    node = changed
    for key in path[:-1]:
        node = node[key]
    key, kind = path[-1], draw.choice(["replace", "replace", "replace", "remove", "misspell", "wrap"])
    if kind == "remove":
        del node[key]
    elif kind == "misspell" and isinstance(key, str) and len(key) > 3:
        place = draw.randrange(1, len(key) - 1)
        node[key[:place] + key[place + 1] + key[place] + key[place + 2 :]] = node.pop(key)
    elif kind == "wrap":
        node[key] = [node[key]]
    else:
        kind = f"replace by {(value := draw.choice(HOSTILE))!r}"
        node[key] = copy.deepcopy(value)
    return changed, f"{'.'.join(map(str, path))}: {kind}"


def outcome(config: dict[str, Any]) -> str:
    """``fine`` or ``refused``; anything else is raised."""
    try:
        cfg = read_config(Config(config))
        with located(cfg):
            read_plan(cfg, amp=False)
        ignored(cfg)
        problems = check(cfg, {"model": "models"})
        if problems:
            raise ConfigError(problems)
        try:
            with torch.device("meta"):
                build_model(cfg)
        except NotImplementedError:  # a constructor that needs values
            build_model(cfg)
    except SegueError as error:
        assert str(error).strip() and "Traceback" not in str(error)
        assert not isinstance(error, ConfigError) or all(problem.key for problem in error.problems), str(error)
        return "refused"
    return "fine"


def run(config: dict[str, Any], edits: int, seed: int) -> dict[str, int]:
    draw, counts, defects = random.Random(seed), {"fine": 0, "refused": 0}, []
    for _ in range(edits):
        changed, what = edited(config, draw)
        try:
            counts[outcome(changed)] += 1
        except Exception as error:
            defects.append(f"{what}: {type(error).__name__}: {error}")
    assert not defects, f"{len(defects)} of {edits}:\n" + "\n".join(defects)
    return counts


def small(tmp_path: Path) -> dict[str, Any]:
    make_project(tmp_path)
    return Config.fromfile(tmp_path / "config.py").to_dict()


def test_edits_of_a_small_config(tmp_path: Path) -> None:
    counts = run(small(tmp_path), 60, seed=0)
    assert counts["refused"] > counts["fine"] / 2


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_edits_of_recipes(recipe: str) -> None:
    run(compose(recipe).to_dict(), 200, seed=1)


@pytest.mark.slow
def test_many_edits_of_a_small_config(tmp_path: Path) -> None:
    run(small(tmp_path), 250, seed=2)
