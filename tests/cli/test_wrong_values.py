"""One wrong value in a good config: a message with its place and what is expected, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main

from .project import make_project

#: the edit, and what the message names
WRONG = {
    "optim_wrapper = [1]": "optim_wrapper: a dict is expected",
    "optim_wrapper = dict(optimizer=5)": "optim_wrapper.optimizer: ",
    "optim_wrapper = dict(optimizer=dict(lr='x'))": "optim_wrapper.optimizer",
    "optim_wrapper = dict(clip_grad=5)": "optim_wrapper.clip_grad: expected",
    "optim_wrapper = dict(clip_grad=(1, 2))": "optim_wrapper.clip_grad: expected",
    "optim_wrapper = dict(clip_grad=dict(max_nrm=1))": "clip_grad has no argument 'max_nrm'",
    "optim_wrapper = dict(accumulative_counts='two')": "optim_wrapper.accumulative_counts: expected int",
    "optim_wrapper = dict(paramwise_cfg=dict(custom_keys=3))": "optim_wrapper.paramwise_cfg",
    "train_cfg = 'abc'": "train_cfg: a dict is expected",
    "train_cfg = dict(max_iters='many')": "train_cfg.max_iters: expected int",
    "train_cfg = dict(max_iters=-512)": "train_cfg.max_iters",
    "train_cfg = dict(val_interval=0)": "train_cfg.val_interval",
    "train_cfg = dict(val_begin='x')": "train_cfg.val_begin: expected int",
    "default_hooks = dict(checkpoint=5)": "default_hooks.checkpoint: ",
    "default_hooks = dict(checkpoint=dict(interval='x'))": "default_hooks.checkpoint.interval: expected int",
    "default_hooks = dict(checkpoint=dict(max_keep_ckpts='x'))": "checkpoint.max_keep_ckpts: expected int",
    "default_hooks = dict(checkpoint=dict(intervall=3))": "CheckpointHook has no argument 'intervall'",
    "default_hooks = dict(logger=dict(interval=0))": "default_hooks.logger: ",
    "custom_hooks = dict(type='EMAHook')": "custom_hooks: a list is expected",
    "custom_hooks = ['x']": "custom_hooks.0: a dict",
    "custom_hooks = [dict(type=3)]": "custom_hooks.0.type: a name is expected",
    "custom_hooks = [dict(type='EMAHook', momentum='x')]": "custom_hooks.0.momentum: expected float",
    "train_dataloader = dict(num_workers=float('inf'))": "train_dataloader.num_workers: expected int",
    "train_dataloader = dict(num_workers=10**30)": "at most",
    "train_dataloader = dict(batch_size=2**31)": "at most",
    "train_dataloader = dict(batch_size='x')": "train_dataloader.batch_size: expected int",
    "train_dataloader = dict(sampler=5)": "train_dataloader.sampler: expected",
    "train_dataloader = dict(dataset=dict(pipeline=None))": "pipeline",
    "train_dataloader = dict(dataset=dict(pipeline=[dict(type=[1])]))": "dataset.pipeline.0.type: a name",
    "train_dataloader = dict(dataset=dict(pipeline=[3]))": "train_dataloader.dataset.pipeline.0: ",
    "model = dict(decode_head=dict(channels=0))": "model.decode_head.channels: must be at least 1, not 0",
    "model = dict(decode_head=dict(channels=-4))": "model.decode_head.channels: must be at least 1, not -4",
    "model = dict(decode_head=dict(channels=10**8))": "model.decode_head.channels: is 100000000, more than",
    "model = dict(decode_head=dict(dropout_ratio=2))": "model.decode_head: FCNHead cannot be made: dropout probability",
    "model = dict(decode_head=dict(type=4))": "model.decode_head.type: a name is expected",
    "model = dict(decode_head=dict(loss_decode=[None]))": "model.decode_head.loss_decode.0: ",
    "model = dict(decode_head=dict(loss_decode=dict(type='CrossEntropyLoss', class_weight=[1.0])))": "has 1 values for",
    "model = dict(backbone=dict(depth=19))": "model.backbone",
    "model = dict(backbone=dict(depth='x'))": "model.backbone.depth",
    "load_from = 5": "load_from: a text is expected",
    "randomness = dict(seed='x')": "randomness.seed",
    "randomness = dict(seed=-5)": "randomness.seed",
    "env_cfg = 5": "env_cfg: a dict is expected",
    "param_scheduler = [dict(type='PolyLR', power='x')]": "param_scheduler.0.power: expected float",
    "param_scheduler = [dict(type='PolyLR', end='x')]": "param_scheduler.0.end: expected int",
    "resume = 'abc'": "resume: True or False",
    "work_dir = 5": "work_dir: a text is expected",
    "data_preprocessor = 3": "data_preprocessor: a dict is expected",
    "val_evaluator = dict(iou_metrics=5)": "val_evaluator.iou_metrics",
    "val_evaluator = 'mIoU'": "val_evaluator: a dict or a list",
    "custom_imports = dict(imports=5)": "custom_imports",
    "custom_imports = dict(imports=[5])": "custom_imports",
    "custom_imports = dict(imports='..')": "custom_imports",
}


@pytest.mark.parametrize("edit", WRONG)
def test_one_wrong_value(edit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_project(tmp_path)
    child = tmp_path / "child.py"
    child.write_text(f"_base_ = 'config.py'\n{edit}\n")
    work = tmp_path / "work"
    assert main(["train", str(child), "--work-dir", str(work), "--accelerator", "cpu"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("segue train: ") and "Traceback" not in said
    assert WRONG[edit] in said
    assert "child.py:2: " in said or "config.py:" in said
    assert not (work / "scalars.jsonl").exists()
