"""A config with a fault in each of several sections: one report names them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main
from segue.errors import ConfigError, DataError, Problem
from segue.training.gather import MISSING, Gathered
from tests.cli.project import make_project

FAULTS = {  # of stages that used to hide each other -> what the report has of it
    "optim_wrapper = dict(optimizer=dict(type='RMSProp'))": "optim_wrapper.optimizer: there is no optimizer 'RMSProp'",
    "train_cfg = dict(max_iters=-5)": "train_cfg.max_iters",
    "model = dict(decode_head=dict(chanels=8))": "model.decode_head.chanels: FCNHead has no argument 'chanels'",
    "default_hooks = dict(checkpoint=dict(save_best='mIoUU'))": "save_best: the validation has no metric 'mIoUU'",
    "val_dataloader = dict(dataset=dict(data_root='nowhere'))": "val_dataloader.dataset: nowhere/images",
    "visualizer = dict(type='SegLocalVisualiser')": "visualizer.type: there is no visualizer 'SegLocalVisualiser'",
    "randomness = dict(seed=-5)": "randomness.seed: a whole number from 0 on, below 2**63, is expected",
    "train_dataloader = dict(sampler=dict(type='InfinitSampler'))": "there is no sampler 'InfinitSampler'",
    "param_scheduler = [dict(type='PolyLr')]": "param_scheduler.0: there is no learning-rate schedule 'PolyLr'",
}
SHAPES = {
    "default_hooks = 5": "default_hooks: a dict is expected here, not 5",
    "env_cfg = 'x'": "env_cfg: a dict is expected here, not 'x'",
    "optim_wrapper = [1]": "optim_wrapper: a dict is expected here, not [1]",
}


def said(folder: Path, edits: list[str], capsys: pytest.CaptureFixture[str], *more: str) -> str:
    make_project(folder)
    (folder / "child.py").write_text("\n".join(["_base_ = 'config.py'", *edits]))
    assert (
        main(["train", str(folder / "child.py"), "--work-dir", str(folder / "w"), "--accelerator", "cpu", *more]) == 1
    )
    assert not (folder / "w").exists()
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


def test_five_sections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [fault for fault in FAULTS if not fault.startswith(("default_hooks", "val_dataloader", "randomness"))]
    text = said(tmp_path, wanted, capsys)
    assert [FAULTS[fault] for fault in wanted if FAULTS[fault] not in text] == []
    assert f"{len(wanted)} problems" in text or text.count("child.py:") == len(wanted), text


def test_all_but_what_depends_on_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its data, a validation's metrics are not known."""
    wanted = [fault for fault in FAULTS if not fault.startswith("default_hooks")]
    text = said(tmp_path, wanted, capsys)
    assert [FAULTS[fault] for fault in wanted if FAULTS[fault] not in text] == []


def test_what_needs_the_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Metric names, the optimizer and a batch of one are found together, although the schedule cannot be read."""
    wanted = ["default_hooks = dict(checkpoint=dict(save_best='mIoUU'))", "param_scheduler = [dict(type='PolyLr')]"]
    text = said(tmp_path, wanted, capsys)
    assert [FAULTS[fault] for fault in wanted if FAULTS[fault] not in text] == []


def test_wrong_kinds_and_wrong_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [fault for fault in FAULTS if fault.startswith(("train_cfg", "model", "param_scheduler", "visualizer"))]
    text = said(tmp_path, [*SHAPES, *names], capsys)
    assert [part for part in [*SHAPES.values(), *(FAULTS[n] for n in names)] if part not in text] == []
    assert MISSING not in text


def test_a_folder_and_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_project(tmp_path)
    (tmp_path / "w").write_text("a file")
    (tmp_path / "child.py").write_text("_base_ = 'config.py'\nrandomness = dict(seed='x')\n")
    command = ["train", str(tmp_path / "child.py"), "--work-dir", str(tmp_path / "w" / "x"), "--accelerator", "cpu"]
    assert main([*command, "--resume", "nothing.ckpt"]) == 1
    text = capsys.readouterr().err
    assert "nothing.ckpt does not exist" in text and "randomness.seed" in text and "w is not a folder" in text


def test_one_error_stays_what_it_is() -> None:
    gathered = Gathered()
    assert gathered.attempt("a", lambda: 5) == 5
    gathered.raise_all()
    assert gathered.attempt("a", lambda: _fail(DataError("x.png: broken"))) is None
    with pytest.raises(DataError, match=r"^x\.png: broken$"):
        gathered.raise_all()
    gathered.attempt("b", lambda: _fail(ConfigError([Problem("c", "wrong"), Problem("model", MISSING)])))
    gathered.attempt("b", lambda: _fail(ConfigError([Problem("c", "wrong", "f.py:1"), Problem("model", "has none")])))
    with pytest.raises(ConfigError) as caught:
        gathered.raise_all()
    assert [str(p) for p in caught.value.problems] == [
        "a: x.png: broken", "f.py:1: c: wrong", f"model: {MISSING}",
    ]  # fmt: skip


def _fail(error: Exception) -> None:
    raise error
