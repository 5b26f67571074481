"""What is a project's own in a copy of mmseg. Oracle: files written here, of which some are declared to be released."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segue.reference import copies
from segue.reference.copies import Copy, project_of, read_copy
from segue.reference.released import digests

BASE = '''
class BaseDecodeHead(nn.Module):
    """A head."""

    def forward(self, x):
        # nothing
        return x


def accuracy(a, b):
    return a == b
'''
HEAD = """
from .decode_head import BaseDecodeHead, accuracy


@HEADS.register_module()
class FCNHead(BaseDecodeHead):
    scale = 1


def free(x):
    return x
"""
LOSS = "from ..decode_heads import BaseDecodeHead as B\n\n\n@LOSSES.register_module()\nclass DiceLoss(B):\n    pass\n"
HEADS = "mmseg/models/decode_heads"


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """BASE, HEAD and LOSS are what mmseg released."""
    known = digests(BASE) | digests(HEAD) | digests(LOSS)
    monkeypatch.setattr(copies, "released", lambda: known)


def copy_of(root: Path, files: dict[str, str]) -> Copy:
    given = {
        "mmseg/__init__.py": "",
        f"{HEADS}/__init__.py": "from .decode_head import BaseDecodeHead\nfrom .fcn_head import *\n",
        f"{HEADS}/decode_head.py": BASE,
        f"{HEADS}/fcn_head.py": HEAD,
        "mmseg/models/losses/dice_loss.py": LOSS,
    }
    for path, text in {**given, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return read_copy(root)


def test_released_files_are_nobodys_own(tmp_path: Path) -> None:
    """Nor are they under another name, in another layout, with other comments, or as a part of a file."""
    moved = HEAD.replace("    ", "\t").replace("scale = 1", "scale  =  1  ") + "\n# a comment\n"
    copy = copy_of(
        tmp_path, {f"{HEADS}/my_head.py": moved, f"{HEADS}/all_in_one.py": BASE + HEAD.split("\n\n\n", 1)[1]}
    )
    assert not copy.own and not copy.registers and not copy.engine and not copy.brings()


def test_what_changed_and_what_uses_it(tmp_path: Path) -> None:
    """A class whose base changed is another class, wherever its file lies, though its own text is the same."""
    copy = copy_of(tmp_path, {f"{HEADS}/decode_head.py": BASE.replace("return x\n", "return 2 * x\n", 1)})
    assert copy.own == {
        "mmseg.models.decode_heads.decode_head": {"BaseDecodeHead"},
        "mmseg.models.decode_heads.fcn_head": {"FCNHead"},
        "mmseg.models.losses.dice_loss": {"DiceLoss"},
    }
    assert copy.registers == {
        "FCNHead": "mmseg.models.decode_heads.fcn_head",
        "DiceLoss": "mmseg.models.losses.dice_loss",
    }
    assert copy.owner("mmseg.models.decode_heads", "FCNHead") == "mmseg.models.decode_heads.fcn_head"
    assert copy.owner("mmseg.models.decode_heads.fcn_head", "accuracy") == ""


def test_what_was_added(tmp_path: Path) -> None:
    added = HEAD + "\n\n@HEADS.register_module(name=['One', 'Two'])\nclass TwoHead(FCNHead):\n    pass\n"
    copy = copy_of(tmp_path, {f"{HEADS}/fcn_head.py": added, "mmseg/models/uda/teacher.py": "RATE = 0.5\n"})
    assert copy.own == {"mmseg.models.decode_heads.fcn_head": {"TwoHead"}, "mmseg.models.uda.teacher": {"RATE"}}
    assert set(copy.registers) == {"One", "Two"}
    assert copy.has("mmseg.models.uda") and not copy.has("mmseg.models.other")


def test_the_engine_is_segues(tmp_path: Path) -> None:
    """Changed files of training and data stay out, and are named; what Segue has not comes from them all the same."""
    changed = "def train_segmentor(model):\n    return model\n\n\ndef train_twice(model):\n    return model\n"
    copy = copy_of(tmp_path, {"mmseg/apis/train.py": changed})
    assert copy.engine == ["mmseg/apis/train.py"] and copy.own == {"mmseg.apis.train": {"train_twice"}}


def test_a_file_that_is_not_python_has_nothing(tmp_path: Path) -> None:
    copy = copy_of(tmp_path, {f"{HEADS}/old.py": "print 'python 2'\n"})
    assert not copy.own and copy.files["mmseg.models.decode_heads.old"].error.startswith("this cannot be parsed")


def test_whose_project_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folder with a copy, not above the repository, the home folder, or one that anybody writes to."""
    for folder in ("town/mmseg", "town/deep/mmseg", "town/repo/.git", "town/configs/a", "town/repo/configs"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("town", "town/deep"):
        (tmp_path / folder / "mmseg/__init__.py").touch()
    town = tmp_path / "town"
    assert project_of(town / "configs/a/x.py") == town and project_of(town / "deep/x.py") == town / "deep"
    assert project_of(town / "repo/configs/x.py") is None and project_of(tmp_path / "x.py") is None
    monkeypatch.setattr(copies.Path, "home", lambda: town)
    assert project_of(town / "configs/a/x.py") is None and project_of(town / "deep/x.py") == town / "deep"
    monkeypatch.undo()
    os.chmod(town, 0o777)
    assert project_of(town / "configs/a/x.py") is None
