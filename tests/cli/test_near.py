"""A word that is nearly right: the right one stands at the end of the message."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main
from tests.cli.project import make_project

PARSED = {
    "trian config.py": "'train'",
    "predcit": "'predict'",
    "weights inspekt x": "'inspect'",
    "convert datset x": "'dataset'",
    "train config.py --work-dirr x": "'--work-dir'",
    "demo --quik": "'--quick'",
    "pack config.py out --splits trian": "'train'",
    "predict config.py a b --devise cpu": "'--device'",
}
PATHS = {
    "train confg.py": "'config.py'",
    "train config": "'config.py'",
    "train config.yaml": "'config.py'",
    "config show sub/confg.py": "'sub/config.py'",
    "test confg.py last.ckpt": "'config.py'",
    "train config.py --resume lst.ckpt": "'last.ckpt'",
    "predict config.py lats.ckpt data/images/0.png": "'last.ckpt'",
    "predict config.py last.ckpt data/imges/0.png": "'data/images/0.png'",
    "predict config.py last.ckpt data/images/0.jpg": "'data/images/0.png'",
    "weights inspect lasst.ckpt": "'last.ckpt'",
    "check dta": "'data'",
    "check confg.py": "'config.py'",
    "run confg.py": "'config.py'",
    "train segformer_mit_b0": "'segformer_mit-b0_8xb",
    "train ocrnet_hr18": "'ocrnet_hr18",
    "models segfomer*": "'segformer",
    "convert dataset cityscape x": "'cityscapes'",
}
EDITS = {
    "_base_ = './confg.py'": "config.py'?",
    "optim_wrapper = dict(optimizer=dict(type='RMSProp', lr=0.1))": "'RMSprop'",
    "optim_wrapper = dict(optimizer=dict(type='adamw', lr=0.1))": "'AdamW'",
    "param_scheduler = [dict(type='PolyLr', end=4)]": "'PolyLR'",
    "custom_hooks = [dict(type='EmaHook')]": "'EMAHook'",
    "default_hooks = dict(chekpoint=dict(type='CheckpointHook'))": "hook is called so; did you mean 'checkpoint'?",
    "default_hooks = dict(checkpoint=dict(type='CheckPointHook'))": "'CheckpointHook'",
    "train_dataloader = dict(dataset=dict(type='CityScapes'))": "'CityscapesDataset'",
    "model = dict(backbone=dict(init_cfg=dict(type='Pretrain', checkpoint='x')))": "initializer 'Pretrain'; did",
    "model = dict(backbone=dict(init_cfg=dict(type='Pretrained')))": "init_cfg.checkpoint: a path, URL or",
    "model = dict(decode_head=dict(init_cfg=[dict(type='Normal', std=0.1), 5]))": "init_cfg.1: a dict(",
    "load_from = 'lsat.ckpt'": "'last.ckpt'",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = make_project(tmp_path)
    (tmp_path / "last.ckpt").write_bytes(b"")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "config.py").write_text(config.read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", PARSED)
def test_words_of_the_command(line: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(line.split())
    assert capsys.readouterr().err.endswith(f"; did you mean {PARSED[line]}?\n")


@pytest.mark.parametrize("line", PATHS)
def test_paths_and_recipes(line: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 1
    said = capsys.readouterr().err
    assert f"; did you mean {PATHS[line]}" in said, said


@pytest.mark.parametrize("edit", EDITS)
def test_names_in_a_config(edit: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = "" if edit.startswith("_base_") else "_base_ = 'config.py'\n"
    (project / "child.py").write_text(f"{base}{edit}\n")
    assert main(["train", "child.py", "--work-dir", "w", "--accelerator", "cpu"]) == 1
    assert EDITS[edit] in capsys.readouterr().err


def test_names_that_nothing_reads(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Also where the config is named from its own folder."""
    (project / "child.py").write_text("_base_ = 'config.py'\nmodle = dict(type='x')\n")
    assert main(["config", "show", "child.py"]) == 0
    assert main(
        ["train", "child.py", "--work-dir", "w", "--accelerator", "cpu", "--cfg-options", "model.decode_head.x=1"]
    )
    (project / "child.py").write_text(
        "_base_ = 'config.py'\nmodel = dict(decode_head=dict(init_cfg=dict(type='Normal', std=0.1)))\n"
        "custom_hooks = [dict(type='CheckpointHook', interval=1, by_epoch=False)]\n"
    )
    assert main(["train", "child.py", "--work-dir", "w", "--accelerator", "cpu"]) == 0
    said = capfd.readouterr()
    text = " ".join((said.err + said.out).split())
    assert "ignored: model.decode_head.init_cfg: Normal: the component starts as its paper says" in text
    assert "ignored: default_hooks.checkpoint: there is one CheckpointHook, and custom_hooks.0 comes later" in text
