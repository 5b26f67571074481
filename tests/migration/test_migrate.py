"""Whole projects: every verdict with its reason, the patch, the page, and a project that stays as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from segue.cli import main
from segue.config.builder.build import build_model
from segue.migration import migrate
from segue.migration.verdict import Report
from segue.recipes.open import read_config
from tests.migration import projects

LIMIT = 90.0  # generous: nothing here waits for it


def hashes(root: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of 1.x, and weights of its plain config."""
    root = projects.write(tmp_path_factory.mktemp("projects") / "town_project", projects.NEW)
    model = build_model(read_config(root / "configs/_base_/model.py"))
    meta = {"CLASSES": ("sky", "road", "tree"), "PALETTE": [[0, 0, 200], [90, 90, 90], [0, 150, 0]]}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, root.parent / "plain.pth")
    return root


@pytest.fixture(scope="module")
def outcome(town: Path) -> Iterator[dict[str, Any]]:
    """What the command says of it: exit status, JSON, page, patch, and whether the project changed."""
    before, out = hashes(town), town.parent
    status = main([
        "migrate", str(town), "--checkpoint", str(out / "plain.pth"), "--time-limit", str(LIMIT),
        "--html", str(out / "page.html"), "--json", str(out / "report.json"), "--jobs", "1",
    ])  # fmt: skip
    found = json.loads((out / "report.json").read_text())
    yield {
        "status": status,
        "unchanged": hashes(town) == before,
        "files": {file["path"]: file for file in found["files"]},
        "report": found,
        "page": (out / "page.html").read_text(),
        "patch": (out / "page.patch").read_text(),
    }


def test_the_project_is_only_read(outcome: dict[str, Any], town: Path) -> None:
    """Oracle: hashes of all files before and after; what a config would have executed has left no trace."""
    assert outcome["unchanged"] and not (town / "executed.txt").exists()
    assert outcome["status"] == 1 and not outcome["report"]["good"]


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("configs/plain.py", "runs as is"),
        ("configs/head.py", "runs as is"),
        ("configs/forgot.py", "runs with edits"),
        ("configs/typo.py", "runs with edits"),
        ("configs/recipe.py", "runs as is"),
        ("configs/_base_/data.py", "part of other configs"),
        ("town/dataset.py", "runs as is"),
        ("town/heads.py", "runs as is"),
        ("town/moved.py", "runs with edits"),
        ("tools/train.py", "runs with edits"),
    ],
)
def test_what_runs(outcome: dict[str, Any], path: str, verdict: str) -> None:
    file = outcome["files"][path]
    assert file["verdict"] == verdict, file
    assert not file["reasons"]


@pytest.mark.parametrize(
    ("path", "stage", "reason"),
    [
        ("configs/classes.py", "data", "configs/classes.py:2: model.decode_head.num_classes: is 7, but "
         "train_dataloader.dataset has 3 classes (sky, road, tree); make them equal"),
        ("configs/executes.py", "read", "configs/executes.py:3: open is not part of the config language (configs are "
         "interpreted, not executed); to execute the file as a Python program, if you trust its author, pass "
         "--trust-config"),
        ("configs/crash.py", "train", "the process ended by itself with status 3"),
        ("configs/wrong.py", "train", "IndexError: list index out of range (town/heads.py:32 in forward)"),
        ("configs/lost.py", "read", "configs/lost.py:1: the base '../somewhere/model.py' does not exist (looked for "
         "'somewhere/model.py'); copy it there from mmseg's configs, or inherit from a recipe (segue models)"),
        ("configs/broken.py", "", "configs/broken.py:1: this is not valid Python 3: "),
        ("town/ops.py", "", "line 2 imports mmcv.ops.BezierAlign: operators of detecting texts and "
         "turned boxes; use a package for that"),
        ("town/det.py", "", "line 2 imports mmdet.models.losses.FocalLoss: mmdet is not part of Segue; Segue's own is "
         "segue.losses.focal.FocalLoss"),
        ("town/extra.py", "", "needs 'not_installed_anywhere', which is neither in the project nor installed; the "
         "project's own documentation may say where it is from"),
        ("tools/benchmark.py", "", "line 2 imports mmcv.tensorrt.TRTWrapper: not offered yet: give "
         "segue.load(config, checkpoint).model to torch.export.export yourself"),
    ],
)  # fmt: skip
def test_why_not(outcome: dict[str, Any], path: str, stage: str, reason: str) -> None:
    file = outcome["files"][path]
    assert file["verdict"] == "does not run" and file["stage"] == stage, file
    assert len(file["reasons"]) == 1 and file["reasons"][0].startswith(reason), file["reasons"]


def test_what_was_found_out(outcome: dict[str, Any]) -> None:
    """Each config that runs was built, trained and asked for a prediction, with its own dataset and pipeline."""
    head = outcome["files"]["configs/head.py"]
    assert list(head["seconds"]) == ["read", "code", "check", "build", "data", "train", "predict"]
    assert head["facts"]["parts"] == ["ResNet", "TownHead"] and head["facts"]["data_proven"]
    assert head["facts"]["dataset"] == "TownDataset" and head["facts"]["classes"] == 3
    assert 0 < head["facts"]["loss"] < 10
    heads = outcome["files"]["town/heads.py"]["facts"]
    assert heads["used by"] == ["configs/crash.py", "configs/wrong.py", "configs/forgot.py", "configs/head.py"]
    assert heads["run by"] == ["configs/forgot.py", "configs/head.py"]
    assert outcome["report"]["packages"] == {}  # nobody knows what that name would be on an index
    assert outcome["report"]["not looked at"] == ["data/: data"]


def test_edits(outcome: dict[str, Any]) -> None:
    edits = {path: file["edits"] for path, file in outcome["files"].items() if file["edits"]}
    assert edits["configs/forgot.py"] == ["name town.heads in custom_imports, so that the config finds its classes"]
    assert edits["configs/typo.py"] == [
        "spell 'norm_evall' as 'norm_eval' (configs/typo.py:4)",
        "spell 'FCNHaed' as 'FCNHead' (configs/typo.py:3)",
    ]
    assert "configs/recipe.py" not in edits  # its base is mmseg's, and answered by the recipe of that name
    assert edits["tools/train.py"] == ["add the line import segue.compat, or run it unchanged with segue run"]
    typo = outcome["files"]["configs/typo.py"]["diffs"]["configs/typo.py"]
    assert "-    decode_head=dict(type='FCNHaed'),\n" in typo and "+    backbone=dict(norm_eval=True))\n" in typo


def test_the_checkpoint(outcome: dict[str, Any]) -> None:
    """It goes to a config of its model, loads whole, predicts, and is refused nowhere."""
    fit = outcome["report"]["checkpoint"]
    assert fit["good"] and fit["config"] == "configs/plain.py" and fit["agreement"]["configs/plain.py"] == 1.0
    assert fit["loading"]["taken"] == fit["loading"]["of"] and fit["loading"]["counts"] == [0, 0, 0]
    assert fit["agreement"]["configs/head.py"] < 1
    assert {name for name, _ in fit["loading"]["shares"]} <= {"sky", "road", "tree"}


def test_the_page(outcome: dict[str, Any]) -> None:
    """One file without references, with every verdict, the edits as diffs, and the picture of the checkpoint."""
    page = outcome["page"]
    assert page.count("<title>town_project: from mmseg to Segue</title>") == 1
    assert "3 of 11 configs run as they are, 2 with the edits below, and 6 do not." in page
    assert page.count('src="data:image/png;base64,') == 1 and "<script" not in page and "<link" not in page
    for path in outcome["files"]:
        assert path in page
    assert '<span class="plus">+    backbone=dict(norm_eval=True))</span>' in page
    assert "patch -p1 &lt; " in page and "pip install" not in page


def test_the_patch_makes_it_run(outcome: dict[str, Any], town: Path, tmp_path: Path) -> None:
    """Oracle: patch(1) on a copy; then what ran with edits runs as it is."""
    copy = tmp_path / "town_project"
    shutil.copytree(town, copy)
    done = subprocess.run(["patch", "-p1"], input=outcome["patch"], text=True, cwd=copy, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (copy / "configs/crash.py").unlink()
    report = migrate(copy, time_limit=LIMIT)
    status = {verdict.path: verdict.status for verdict in report.verdicts}
    for path in ("configs/forgot.py", "configs/typo.py", "configs/recipe.py", "town/moved.py", "tools/train.py"):
        assert status[path] == "as is", path
    assert not report.patch


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A 0.x config with its dataset and script, a fork of mmseg, and a package below src."""
    files = {**projects.OLD, **projects.FORK, **projects.LAYOUT}
    root = projects.write(tmp_path_factory.mktemp("mixed"), files)
    before = hashes(root)
    report = migrate(root, time_limit=LIMIT, jobs=1)
    assert hashes(root) == before
    return report


def test_a_project_of_0x(mixed: Report) -> None:
    found = {verdict.path: verdict for verdict in mixed.verdicts}
    old = found["configs/old.py"]
    assert old.status == "as is", old.reasons
    assert old.facts["generation"] == "0.x" and old.facts["dataset"] == "SIADataset" and old.facts["data_proven"]
    assert old.facts["weights"] == ["open-mmlab://resnet18_v1c"]
    assert any("keys that mean nothing any more" in note and "workflow" in note for note in old.notes)
    assert found["sia.py"].status == "as is" and found["sia.py"].facts["run by"] == ["configs/old.py"]
    assert found["train.py"].status == "edits" and "+import segue.compat" in found["train.py"].diffs["train.py"]


def test_a_fork(mixed: Report) -> None:
    """The user's own file is tried where it lies, with what it imports beside it; nothing else of the copy is run."""
    found = {verdict.path: verdict for verdict in mixed.verdicts}
    assert mixed.vendored == ["mmseg"] and [path for path in found if path.startswith("mmseg/")] == [
        "mmseg/models/decode_heads/own_head.py"
    ]
    head = found["mmseg/models/decode_heads/own_head.py"]
    assert head.status == "as is" and head.facts["name"] == "mmseg.models.decode_heads.own_head", head.reasons
    config = found["configs/own.py"]
    assert config.status == "as is" and config.facts["parts"] == ["ResNet", "OwnHead"], config.reasons
    assert head.facts["run by"] == ["configs/own.py"] and "own_modules" not in mixed.patch


def test_a_package_below_src(mixed: Report) -> None:
    found = {verdict.path: verdict for verdict in mixed.verdicts}
    assert found["src/houses/heads.py"].facts["name"] == "houses.heads"
    config = found["configs/house.py"]
    assert config.status == "edits" and not config.diffs
    assert [edit.what for edit in config.edits] == ["run with PYTHONPATH=src, where 'houses' is"]
    assert mixed.good


def test_without_code_nothing_of_the_project_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Modules that would leave a trace do not, even under names of the standard library; plain configs still run."""
    trace = "from pathlib import Path\nPath(__file__).with_name('trace.txt').touch()\n"
    root = projects.write(tmp_path / "p", {
        "queue.py": trace,
        "sitecustomize.py": trace,
        "heads.py": trace + projects.HEADS,
        "ops.py": trace + projects.DEFORM,
        "configs/plain.py": projects.MODEL,
        "configs/own.py": projects.MODEL + "custom_imports = dict(imports=['heads'])\n",
        "configs/path.py": projects.MODEL + "model['decode_head'] = dict(type='heads.NoneRegistered')\n",
    })  # fmt: skip
    monkeypatch.chdir(root)
    status = main(["migrate", ".", "--no-code", "--html", str(tmp_path / "a.html"), "--json", str(tmp_path / "a.json")])
    found = {f["path"]: f for f in json.loads((tmp_path / "a.json").read_text())["files"]}
    assert not list(root.rglob("trace.txt")) and status == 1
    assert found["configs/plain.py"]["verdict"] == "runs as is"
    for path in ("configs/own.py", "configs/path.py"):
        assert found[path]["verdict"] == "not run"
        assert found[path]["reasons"] == ["it runs code of the project, which was not run (--no-code)"]
    assert found["heads.py"]["reasons"] == ["its code was not run (--no-code)"]
    assert found["ops.py"]["verdict"] == "does not run"
    assert "No code of the project was run." in (tmp_path / "a.html").read_text()
    assert "1 run as they are, 1 do not run, 3 were not run" in capsys.readouterr().out.replace("\n", " ")


def test_arguments_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text(projects.MODEL)
    cases = [
        ([str(tmp_path / "none")], "none: is not a folder"),
        ([str(tmp_path), "--checkpoint", "no.pth"], "no.pth: no such file; --checkpoint takes the path of a weights"),
        ([str(tmp_path), "--config", "b.py"], "--config b.py: the project has no such config"),
        ([str(tmp_path), "--only", "b*"], "--only b*: matches none of the project's 1 configs"),
        ([str(tmp_path), "--time-limit", "0"], "--time-limit 0: must be positive"),
    ]
    for arguments, message in cases:
        assert main(["migrate", *arguments, "--html", str(tmp_path / "x.html")]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
