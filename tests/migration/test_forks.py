"""Copies of mmseg. Oracle: which of the files written here are the user's."""

from __future__ import annotations

from pathlib import Path

from segue.migration.find import find
from segue.migration.forks import Forks
from segue.migration.source import Import
from tests.migration import projects


def test_own_files_keep_their_names(tmp_path: Path) -> None:
    """A copy deeper in the project, and one whose file has the name of mmseg's own."""
    head = projects.FORK["mmseg/models/decode_heads/own_head.py"].replace("OwnHead", "DeepHead")
    theirs = "from mmseg.registry import MODELS\n\n\n@MODELS.register_module()\nclass FCNHead(int):\n    x = 'mine'\n"
    files = projects.FORK | {
        "mmseg/models/decode_heads/fcn_head.py": theirs,
        "third/mmseg/__init__.py": "",
        "third/mmseg/models/decode_heads/fcn_head.py": head,
        "third/mmseg/apis/train.py": "def train_segmentor(model, cfg):\n    return 1\n",
    }
    forks = Forks(find(projects.write(tmp_path, files)))
    assert forks.names == {
        "mmseg/models/decode_heads/fcn_head.py": "mmseg.models.decode_heads.fcn_head",
        "mmseg/models/decode_heads/own_head.py": "mmseg.models.decode_heads.own_head",
        "third/mmseg/models/decode_heads/fcn_head.py": "mmseg.models.decode_heads.fcn_head",
    }
    assert [source.path for source in forks.own] == sorted(forks.names)
    assert forks.components()["OwnHead"] == "mmseg.models.decode_heads.own_head"
    assert forks.engine() == ["third/mmseg/apis/train.py"]


def test_what_a_copy_answers(tmp_path: Path) -> None:
    forks = Forks(find(projects.write(tmp_path, projects.FORK)))

    def asked(module: str, name: str) -> bool:
        return forks.answers(Import(module, name, name, 1, "always"))

    assert asked("mmseg.models.decode_heads.own_blocks", "Gate") and asked("mmseg.models.decode_heads", "OwnHead")
    assert asked("mmseg.models.decode_heads", "own_blocks") and asked("mmseg.models.decode_heads.own_blocks", "*")
    assert not asked("mmseg.models.decode_heads.own_blocks", "Door") and not asked("mmseg.nowhere", "Gate")
