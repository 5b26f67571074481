"""What a config says at its top level is read, or said to be read by nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from segue.config import Config, merge_options
from segue.config.sections import shape_problems, unread
from segue.errors import ConfigError
from segue.recipes.open import read_config
from tests.cli.project import make_project


@pytest.fixture
def child(tmp_path: Path) -> Path:
    make_project(tmp_path)
    return tmp_path / "child.py"


def written(child: Path, text: str) -> Config:
    child.write_text(f"_base_ = 'config.py'\n{text}\n")
    return Config.fromfile(child)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle = dict(type='EncoderDecoder')", "nothing reads 'modle'; did you mean 'model'?"),
        ("moddel = dict(backbone=dict(depth=101))", "nothing reads 'moddel'; did you mean 'model'?"),
        ("custom_hook = [dict(type='EMAHook')]", "nothing reads 'custom_hook'; did you mean 'custom_hooks'?"),
        ("tran_pipeline = [dict(type='Resize')]", "nothing reads 'tran_pipeline'; did you mean 'train_pipeline'?"),
        ("test_dataloadre = dict(batch_size=2)", "nothing reads 'test_dataloadre'; did you mean 'test_dataloader'?"),
        ("log_procefsor = dict(by_epoch=False)", "nothing reads 'log_procefsor'; did you mean 'log_processor'?"),
        ("trai_ncfg = dict(max_iters=3)", "nothing reads 'trai_ncfg'; did you mean 'train_cfg'?"),
        ("lod_from = 'x.pth'", "nothing reads 'lod_from'; did you mean 'load_from'?"),
        ("seed = 3", "nothing reads 'seed', a key of mmseg 0.x, mixed into 1.x; it is randomness.seed now"),
        (
            "runner = dict(type='IterBasedRunner')",
            "nothing reads 'runner', a key of mmseg 0.x, mixed into 1.x; it is train_cfg now",
        ),
        (
            "dataset = dict(type='FolderDataset', data_root='elsewhere')",
            "nothing reads 'dataset'; put it into a loader: train_dataloader = dict(dataset=dataset, ...)",
        ),
        (
            "train_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]",
            "nothing reads 'train_pipeline'; the datasets hold their own copy: set train_dataloader.dataset.pipeline",
        ),
    ],
)
def test_names_that_nothing_reads(child: Path, text: str, said: str) -> None:
    assert unread(written(child, text)) == [f"{child}:2: {said}"]


@pytest.mark.parametrize(
    "text",
    [
        "iters = 3\ntrain_cfg = dict(max_iters=iters)",
        "crop_size = (32, 32)\nnorm = dict(type='BN')\nmodel = dict(decode_head=dict(norm_cfg=norm))",
        "steps = [dict(type='PackSegInputs')]\nval_dataloader = dict(dataset=dict(pipeline=steps))",
        "tail = [dict(type='PackSegInputs')]\npipeline = [dict(type='LoadImageFromFile'), *tail]\n"
        "val_dataloader = dict(dataset=dict(pipeline=pipeline))",
        "models = dict(depth=18)\nmodel = dict(backbone=models)",
    ],
)
def test_variables_are_nobodys_business(child: Path, text: str) -> None:
    assert unread(written(child, text)) == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "train_pipeline.0.color_type=grayscale",
            "the datasets hold their own copy: set train_dataloader.dataset.pipeline",
        ),
        ("dataset.data_root=elsewhere", "put it into a loader"),
        ("data_root=elsewhere", "nothing reads it when the config has been read"),
        ("a=1", "--cfg-options a: nothing reads it"),
    ],
)
def test_options_of_variables(child: Path, option: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    """A variable has been read when the options come: they change it and nothing else."""
    cfg = written(child, "")
    merge_options(cfg, [option])
    assert len(unread(cfg)) == 1 and said in unread(cfg)[0]
    with caplog.at_level(logging.WARNING, "segue"):
        read_config(child, [option])
    assert said in caplog.text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("optim_wrapper = [1]", "optim_wrapper: a dict is expected here, not [1]"),
        ("train_cfg = 'abc'", "train_cfg: a dict is expected here, not 'abc'"),
        ("default_hooks = dict(checkpoint=5)", "default_hooks.checkpoint: a dict(type='...') is expected here, not 5"),
        ("custom_hooks = dict(type='A')", "custom_hooks: a list is expected here, not {'type': 'A'}"),
        ("custom_hooks = [None]", "custom_hooks.0: a dict(type='...') is expected here, not None"),
        ("param_scheduler = [3]", "param_scheduler.0: a dict(type='...') is expected here, not 3"),
        ("load_from = 5", "load_from: a text is expected here, not 5"),
        ("randomness = 3", "randomness: a dict is expected here, not 3"),
        ("env_cfg = True", "env_cfg: a dict is expected here, not True"),
        ("work_dir = 5", "work_dir: a text is expected here, not 5"),
        ("resume = 'abc'", "resume: True or False is expected here, not 'abc'"),
        ("custom_imports = 5", "custom_imports: a dict is expected here, not 5"),
        ("model = dict(decode_head=dict(type=4))", "model.decode_head.type: a name is expected here, not 4"),
        ("model = dict(backbone=dict(type=['a']))", "model.backbone.type: a name is expected here, not ['a']"),
        ("model = dict(backbone=dict(type=''))", "model.backbone.type: a name is expected here, not ''"),
        (
            "val_dataloader = dict(_delete_=True, batch_size=1)",
            "val_dataloader: has no 'dataset'; give it dataset=dict(type='...')",
        ),
    ],
)
def test_kinds(child: Path, text: str, problem: str) -> None:
    assert [str(p) for p in shape_problems(written(child, text))] == [f"{child}:2: {problem}"]
    with pytest.raises(ConfigError, match=r"expected here|has no 'dataset'"):
        read_config(child)


def test_values_that_only_python_makes(child: Path) -> None:
    cfg = written(child, "")
    cfg["env_cfg"] = b"bytes"
    assert [str(p) for p in shape_problems(cfg)] == ["env_cfg: a dict is expected here, not b'bytes'"]


def test_all_at_once(child: Path) -> None:
    cfg = written(child, "work_dir = 5\nenv_cfg = 'x'\nmodel = dict(backbone=dict(type=3))")
    assert [p.where for p in shape_problems(cfg)] == [f"{child}:3", f"{child}:2", f"{child}:4"]


def test_what_switches_off_and_what_python_made(child: Path) -> None:
    cfg = written(child, "val_dataloader = None\ncustom_hooks = None\ndefault_hooks = dict(logger=None)")
    cfg["work_dir"] = Path("runs")
    assert shape_problems(cfg) == []
