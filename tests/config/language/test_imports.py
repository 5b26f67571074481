"""What files import: names pass from a base to its children; what only running a file tells is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.config import Config
from segue.errors import ConfigError

BASE = """from mmengine.dataset.sampler import DefaultSampler
import os.path as osp
p = 3
"""
START = "from mmengine.config import read_base\n"


def load(folder: Path, text: str) -> dict:
    (folder / "base.py").write_text(BASE)
    (folder / "child.py").write_text(START + text)
    return Config.fromfile(folder / "child.py").to_dict()


@pytest.mark.parametrize("names", ["*", "p, DefaultSampler, osp"])
def test_imported_names_reach_the_child(names: str, tmp_path: Path) -> None:
    """Oracle: mmengine 0.10.7 on the same files; the names are no part of the config."""
    text = (
        f"with read_base():\n    from .base import {names}\nq = [dict(type=DefaultSampler)]\nr = osp.join('a', 'b')\n"
    )
    assert load(tmp_path, text) == {"p": 3, "q": [{"type": "DefaultSampler"}], "r": "a/b"}


def test_under_another_name_and_over_two_files(tmp_path: Path) -> None:
    load(tmp_path, "with read_base():\n    from .base import DefaultSampler as Own\nq = dict(type=Own)\n")
    (tmp_path / "grand.py").write_text(START + "with read_base():\n    from .child import *\ns = dict(type=Own)\n")
    assert Config.fromfile(tmp_path / "grand.py").to_dict() == {
        "q": {"type": "DefaultSampler"},
        "s": {"type": "DefaultSampler"},
    }


def test_a_value_of_the_child_replaces_an_imported_name(tmp_path: Path) -> None:
    assert load(tmp_path, "with read_base():\n    from .base import *\nosp = 1\n") == {"p": 3, "osp": 1}


def test_a_missing_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"child.py:3: .base has no 'DefaultSample'; did you mean 'DefaultSampler'"):
        load(tmp_path, "with read_base():\n    from .base import DefaultSample\n")


@pytest.mark.parametrize(
    "value",
    [
        "sys.argv[1].split(',')",
        "sys.argv[1:]",
        "1 if sys.argv else 2",
        "[word for word in sys.argv]",
        "sys.argv == 3",
        "'a' if 'b' in sys.argv else 1",
        "len(sys.argv)",
        "f'{sys.argv}'",
        "sys.argv + [1]",
        "not sys.argv",
        "{sys.argv: 1}",
    ],
)
def test_what_only_running_it_tells(value: str, tmp_path: Path) -> None:
    """An imported name has no value here: no answer is made up from it."""
    with pytest.raises(
        ConfigError, match=r"child.py:5: sys.argv, which only running the config tells \(--trust-config"
    ):
        load(tmp_path, f"import sys\nwith read_base():\n    from .base import p\nx = {value}\n")


def test_a_classic_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"child.py:2: importing sys is not part .*--trust-config"):
        (tmp_path / "child.py").write_text("\nimport sys\n_base_ = []\nx = sys.argv[1]\n")
        Config.fromfile(tmp_path / "child.py")
