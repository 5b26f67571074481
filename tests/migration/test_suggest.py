"""Answers to failures. Oracle: the cases written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.migration.suggest import Suggester, misspelled, reasons


@pytest.mark.parametrize(
    ("wrong", "right", "argument", "slip"),
    [
        ("FCNHaed", "FCNHead", False, True),
        ("fcnhead", "FCNHead", False, True),
        ("MyFCNHead", "FCNHead", False, False),
        ("FCNHeads", "FCNHead", False, False),
        ("ResNet50", "ResNet5", False, False),
        ("norm_evall", "norm_eval", True, True),
        ("dilate", "dilations", True, False),
    ],
)
def test_slips_and_other_names(wrong: str, right: str, argument: bool, slip: bool) -> None:
    """A class whose name contains another's is somebody's own, and must not become the other."""
    assert misspelled(wrong, right, argument=argument) is slip


def test_edits_of_one_file_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = dict(type='FCNHaed')\ny = dict(type='PSPHaed')\nz = dict(type='MyHead')\n")
    problems = [
        ["x.type", "there is no 'FCNHaed' in heads; did you mean 'FCNHead'?", "a.py:1"],
        ["y.type", "there is no 'PSPHaed' in heads; did you mean 'PSPHead'?", "a.py:2"],
        ["z.type", "there is no 'MyHead' in heads; did you mean 'DAHead'?", "a.py:3"],
    ]
    made = Suggester({"MyHead": "my.heads"}, {}).edits({"problems": problems}, "a.py", tmp_path, ["old"])
    assert made[-1].new.splitlines() == [
        "x = dict(type='FCNHead')",
        "y = dict(type='PSPHead')",
        "z = dict(type='MyHead')",
        "custom_imports = dict(imports=['old', 'my.heads'], allow_failed_imports=False)",
    ]
    assert (tmp_path / "a.py").read_text().startswith("x = dict(type='FCNHaed')")


def test_missing_bases_that_are_recipes(tmp_path: Path) -> None:
    """Written where the config looks for them, or beside the project's own; never outside the project."""
    name = "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024"
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/a.py").write_text(f"_base_ = ['mmseg::pspnet/{name}.py']\n")
    make = Suggester({}, {})

    def edits(base: str, reason: str) -> Any:
        problems = [["", f"the base '{base}' {reason}", "configs/a.py:1"]]
        return make.edits({"problems": problems}, "configs/a.py", tmp_path, [])

    new, changed = edits(f"mmseg::pspnet/{name}.py", "was not found: the package 'mmseg' is not installed")
    assert new.file == f"mmseg_configs/{name}.py" and "type='PSPHead'" in new.new
    assert changed.new == f"_base_ = ['../mmseg_configs/{name}.py']\n"
    (there,) = edits(f"../pspnet/{name}.py", "does not exist (looked for ...)")
    assert there.file == f"pspnet/{name}.py"
    assert not edits(f"../../{name}.py", "does not exist") and not edits("../no_recipe.py", "does not exist")


def test_reasons_name_places_in_the_project() -> None:
    frames = [["/lib/torch/nn.py", 3, "_call"], ["/tmp/x/my/heads.py", 41, "forward"], ["/lib/torch/f.py", 9, "cat"]]
    failed = {"error": {"type": "IndexError", "message": "out of range", "frames": frames}}
    assert reasons(failed, "/tmp/x") == ["IndexError: out of range (my/heads.py:41 in forward)"]
    inside = {"error": {"type": "TypeError", "message": "", "frames": [["/a/segue/heads/psp.py", 5, "forward"]]}}
    assert reasons(inside, "/tmp/x") == ["TypeError (segue/heads/psp.py:5 in forward)"]
    missing = {"error": {"type": "ConfigError", "message": "m", "module": "sklearn_not_here", "problems": []}}
    assert reasons(missing, "/")[0].startswith(
        "needs 'sklearn_not_here', which is neither in the project nor installed; "
    )
