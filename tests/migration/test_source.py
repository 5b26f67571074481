"""What files say of themselves. Oracle: the texts, written here for each case."""

from __future__ import annotations

import pytest

from segue.migration.source import Component, Import, absolute, read
from tests.migration import projects


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (projects.MODEL, "config"),
        ("_base_ = './a.py'\n", "config"),
        (
            "from mmengine.config import read_base\nwith read_base():\n    from .a import *\nmodel.update(dict(a=1))\n",
            "config",
        ),
        ("import os\ndata_root = os.environ['HOME']\nmodel = dict(type='A')\n", "config"),
        (projects.HEADS, "module"),
        (projects.HEADS + "\n\nif __name__ == '__main__':\n    print(TownHead())\n", "module"),
        (projects.TRAIN, "script"),
        (projects.BENCHMARK, "script"),
        ("from mmseg.apis import init_model\n\n\ndef show(a):\n    return init_model(a)\n", "script"),
        ("import numpy as np\nmodel = np.zeros(3)\n", "plain"),
        ("model = build()\n", "plain"),
        ("print 'of Python 2'\n", "plain"),
        ("import mmcv\nprint 'of Python 2'\n", "broken"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert read("a.py", text).kind == kind


def test_a_broken_config_is_known_as_one() -> None:
    source = read("configs/a.py", "model = dict(type=\n")
    assert source.kind == "broken" and source.configures
    assert source.error == "configs/a.py:1: this is not valid Python 3: '(' was never closed"


def test_imports() -> None:
    """When each is needed, as what, and whether the file reads it."""
    text = """
import mmcv
from mmcv.ops import nms as suppress
from ..utils import resize
try:
    import mmdet
except ImportError:
    mmdet = None


def late():
    from mmseg.apis import init_model
    return init_model, mmcv.ops.point_sample(mmcv.imread('a')), resize
"""
    found = {item.full: item for item in read("pkg/heads/a.py", text).imports}
    assert found["mmcv"] == Import("mmcv", "", "mmcv", 2, "always", True)
    assert found["mmcv.ops.nms"] == Import("mmcv.ops", "nms", "suppress", 3, "always", False)
    assert found["pkg.utils.resize"].used
    assert found["mmdet"].when == "tried"
    assert found["mmseg.apis.init_model"].when == "called"
    assert found["mmcv.ops.point_sample"].bound == "" and found["mmcv.imread"].line == 13


def test_components() -> None:
    text = """
import segue
@MODELS.register_module()
class A: ...
@HEADS.register_module
class B: ...
@MODELS.register_module(name=['C', 'CC'], force=True)
class D: ...
@segue.register
class E: ...
MODELS.register_module('F', module=A)
HOOKS.register_module(module=B)
@dataclass
class G: ...
"""
    found = [(c.name, c.registry) for c in read("a.py", text).components]
    assert set(found) == {("A", "MODELS"), ("B", "HEADS"), ("C", "MODELS"), ("CC", "MODELS"), ("E", "segue"),
                          ("F", "MODELS"), ("B", "HOOKS")}  # fmt: skip
    assert Component("A", "MODELS", 4) in read("a.py", text).components


def test_relative_imports() -> None:
    assert absolute("a.b", 0, "x/y.py") == "a.b"
    assert absolute("blocks", 1, "pkg/heads/a.py") == "pkg.heads.blocks"
    assert absolute("", 2, "pkg/heads/a.py") == "pkg"
