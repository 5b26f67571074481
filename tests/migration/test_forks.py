"""Copies of mmseg. Oracle: which of the files written here are the user's."""

from __future__ import annotations

from pathlib import Path

from segue.migration.find import find
from segue.migration.forks import Forks, is_users, known
from segue.migration.source import read
from tests.migration import projects


def test_whose_a_file_is() -> None:
    own = "@MODELS.register_module()\nclass {}: ...\n"
    assert is_users(read("mmseg/a.py", own.format("OwnHead")))
    for theirs in ("FCNHead", "PolyLRRatio", "SegVisualizationHook", "LearningRateDecayOptimizerConstructor"):
        assert not is_users(read("mmseg/a.py", own.format(theirs)))
    assert not is_users(read("mmseg/a.py", "class Free: ...\n"))
    assert known("PSPHead") and known("CityscapesDataset") and not known("OwnHead")


def test_files_move_with_what_they_need(tmp_path: Path) -> None:
    """Two files of one name get two homes."""
    second = (
        projects.FORK["mmseg/models/decode_heads/own_head.py"]
        .replace("OwnHead", "OwnNet")
        .replace(".own_blocks", "..decode_heads.own_blocks")
    )
    files = projects.FORK | {"mmseg/models/backbones/own_head.py": second}
    forks = Forks(find(projects.write(tmp_path, files)))
    assert [source.path for source in forks.own] == [
        "mmseg/models/backbones/own_head.py",
        "mmseg/models/decode_heads/own_head.py",
    ]
    assert forks.homes == {
        "mmseg.models.backbones.own_head": "own_modules.own_head",
        "mmseg.models.decode_heads.own_blocks": "own_modules.own_blocks",
        "mmseg.models.decode_heads.own_head": "own_modules.decode_heads_own_head",
    }
    edits = forks.move(forks.own[1])
    assert [edit.file for edit in edits] == ["own_modules/decode_heads_own_head.py", "own_modules/own_blocks.py"]
    assert "from own_modules.own_blocks import Gate" in edits[0].new
