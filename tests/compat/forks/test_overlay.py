"""A copy of mmseg in use: whose classes come by which names, and that nothing of it stays."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from segue.compat.forks import overlay
from segue.compat.forks.project import use
from segue.config.awaited import awaited
from segue.config.builder.find import find, names
from segue.config.builder.register import registered
from segue.config.trust import UnknownNameError
from segue.recipes.open import read_config
from tests.compat.forks import projects

PLAIN = (
    "model = dict(type='EncoderDecoder', backbone=dict(type='VisionTransformer'), decode_head=dict(type='FCNHead'))\n"
)


def get(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def test_the_projects_class_takes_the_place_of_segues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By registry, by config, from its module and from the package; and no longer once another config is opened."""
    root = projects.write(tmp_path / "setr", projects.SETR, data=False)
    (tmp_path / "plain.py").write_text(PLAIN)
    segues = find("backbones", "VisionTransformer")
    assert use(root / "configs/own/tiny.py") is overlay.current()
    said = capsys.readouterr().err
    assert said.startswith(
        f"{root} has its own mmseg/: what is the project's own in it is used, and run: mmseg/datasets/"
    )
    assert "VisionTransformer" in awaited and "VisionTransformer" in names("backbones")
    assert "mmseg.models.backbones.helpers" not in sys.modules  # nothing runs before it is asked for
    theirs = get("mmseg.models.backbones", "VisionTransformer")
    assert theirs is get("mmseg.models.backbones.vit", "VisionTransformer") is find("backbones", "VisionTransformer")
    assert theirs is get("mmseg.registry", "MODELS").get("VisionTransformer") and theirs is not segues
    assert theirs.__module__ == "mmseg.models.backbones.vit"
    assert get("mmseg.models", "ResNet").__module__.startswith("segue.")  # the others are Segue's
    assert get("mmseg.models.backbones.layers", "to_2tuple")(3) == (3, 3)
    assert get("mmseg", "__file__") == str(root / "mmseg/__init__.py")
    use(root / "tools/train.py")
    assert capsys.readouterr().err == ""  # the same project: nothing new is said

    read_config(tmp_path / "plain.py")
    assert overlay.current() is None and not awaited and "VisionTransformer" not in registered
    assert find("backbones", "VisionTransformer") is segues and str(root) not in sys.path
    assert get("mmseg.models.backbones", "VisionTransformer") is not theirs
    with pytest.raises(ImportError, match=r"segue.compat has no mmseg.models.backbones.helpers"):
        importlib.import_module("mmseg.models.backbones.helpers")


def test_a_script_keeps_its_project(tmp_path: Path) -> None:
    root = projects.write(tmp_path / "segnext", projects.SEGNEXT, data=False)
    other = projects.write(tmp_path / "setr", projects.SETR, data=False)
    (tmp_path / "plain.py").write_text(PLAIN)
    held = use(root / "tools/train.py", script=True)
    read_config(tmp_path / "plain.py")
    assert overlay.current() is held
    use(other / "configs/own/tiny.py")
    assert "MSCAN" not in awaited and "VisionTransformerUpHead" in awaited


def test_a_file_that_does_not_run_is_an_error_with_its_name(tmp_path: Path) -> None:
    """Segue's class of that name does not come in its place."""
    vit = "mmseg/models/backbones/vit.py"
    files = projects.SETR | {vit: "import no_such_package\n" + projects.SETR[vit]}
    root = projects.write(tmp_path / "setr", files, data=False)
    use(root / "configs/own/tiny.py")
    why = "'VisionTransformer' is registered by the project's mmseg/models/backbones/vit.py, which does not run: "
    for _ in range(2):
        with pytest.raises(UnknownNameError) as caught:
            find("backbones", "VisionTransformer")
        assert str(caught.value) == f"{why}ModuleNotFoundError: No module named 'no_such_package'"
    assert find("backbones", "ResNet").__module__ == "segue.backbones.resnet"


def test_changes_of_the_engine_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = "def train_segmentor(model):\n    raise SystemExit('not this one')\n\n\ndef twice(x):\n    return 2 * x\n"
    root = projects.write(tmp_path / "p", projects.SEGNEXT | {"mmseg/apis/train.py": train}, data=False)
    use(root / "configs/own/tiny.py")
    assert "changed in it and not used, since Segue's own is: mmseg/apis/train.py" in capsys.readouterr().err
    assert get("mmseg.apis.train", "train_segmentor").__module__.startswith("segue.")
    assert get("mmseg.apis.train", "twice")(2) == 4


def test_configs_inside_other_files_bring_no_project(tmp_path: Path) -> None:
    from segue.config.trust import Rights

    root = projects.write(tmp_path / "segnext", projects.SEGNEXT, data=False)
    (root / "plain.py").write_text(PLAIN.replace("VisionTransformer", "ResNet"))
    cfg = read_config(root / "plain.py").with_rights(Rights.INSIDE)
    assert overlay.current() is not None
    use(None)
    read_config(cfg)
    assert overlay.current() is None
