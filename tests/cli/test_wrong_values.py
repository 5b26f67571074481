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
    "optim_wrapper = dict(type='OptimWraper')": "there is no optimizer wrapper 'OptimWraper'; did you mean",
    "optim_wrapper = dict(optimizer=dict(type='SGDD', lr=0.1))": "there is no optimizer 'SGDD'; did you mean 'SGD'?",
    "optim_wrapper = dict(optimizer=dict(type='SGD', lr=-1.0))": "optim_wrapper.optimizer: Invalid learning rate",
    "optim_wrapper = dict(accumulative_counts=0)": "accumulative_counts must be at least 1, got 0",
    "optim_wrapper = dict(loss_scale='abc', type='AmpOptimWrapper')": "loss_scale must be 'dynamic', a number or",
    "train_cfg = dict(type='IterBasedTrainLop')": "there is no training loop 'IterBasedTrainLop'; did you mean",
    "train_cfg = dict(max_iters=float('nan'))": "train_cfg.max_iters: expected int, not nan",
    "train_cfg = dict(max_iters=True)": "train_cfg.max_iters: expected int, not True",
    "default_hooks = dict(timer='x')": "default_hooks.timer: a dict(type='...') is expected here",
    "default_hooks = dict(checkpoint=dict(save_best=5))": "save_best: expected str or Sequence[str], not 5",
    "default_hooks = dict(checkpoint=dict(interval=-1.5))": "default_hooks.checkpoint.interval: expected int, not -1.5",
    "custom_hooks = [dict(type='EMAHok')]": "custom_hooks.0: there is no hook 'EMAHok'; did you mean 'EMAHook'?",
    "custom_hooks = [dict(type='EMAHook', momentum=2.0)]": "momentum must lie in (0, 1), got 2.0",
    "train_dataloader = dict(num_workers=-3)": "num_workers=-3",
    "train_dataloader = dict(batch_size=0)": "batch_size=0",
    "train_dataloader = dict(batch_size=[2])": "train_dataloader.batch_size: expected int, not the list [2]",
    "train_dataloader = dict(sampler=dict(type='InfinitSampler'))": "did you mean 'InfiniteSampler'?",
    "train_dataloader = dict(dataset=dict(type='NoSuchDataset'))": "there is no 'NoSuchDataset' in datasets",
    "train_dataloader = dict(dataset=5)": "train_dataloader.dataset: expected a dict with a 'type' from datasets",
    "train_dataloader = dict(dataset=dict(data_root=5))": "train_dataloader.dataset.data_root: expected str, not 5",
    "train_dataloader = dict(persistent_workers='x')": "train_dataloader.persistent_workers: expected bool, not 'x'",
    "model = dict(decode_head=dict(num_classes=0))": "model.decode_head.num_classes: must be at least 1, not 0",
    "model = dict(decode_head=dict(num_classes='x'))": "model.decode_head.num_classes: expected int, not 'x'",
    "model = dict(decode_head=dict(in_index=9))": "in_index=9, but there are 4 feature maps",
    "model = dict(decode_head=dict(in_channels=7))": "in_channels=7, but feature map 1 has 8 channels",
    "model = dict(decode_head=dict(ignore_index='x'))": "model.decode_head.ignore_index: expected int, not 'x'",
    "model = dict(decode_head=dict(align_corners='maybe'))": "model.decode_head.align_corners: expected bool",
    "model = dict(decode_head=dict(loss_decode=dict(type='CrossEntropyLos')))": "did you mean 'CrossEntropyLoss'?",
    "model = dict(decode_head=None)": "model.decode_head: expected a dict with a 'type', not None",
    "model = dict(backbone=None)": "model.backbone: expected a dict with a 'type', not None",
    "model = dict(test_cfg=dict(mode='slid'))": "model.test_cfg.mode: expected 'whole' or 'slide', not 'slid'",
    "model = dict(test_cfg=dict(mode='slide', crop_size=(8, 8), stride=(9, 9)))": "leaves gaps between windows",
    "param_scheduler = [dict(type='PolyLRR')]": "param_scheduler.0: there is no learning-rate schedule 'PolyLRR'",
    "param_scheduler = [dict(type='PolyLR', begin=-3)]": "begin must be 0 or more, got -3",
    "param_scheduler = 'PolyLR'": "param_scheduler: a dict or a list is expected",
    "randomness = dict(seed=2**70)": "randomness.seed: a whole number from 0 on, below 2**63, is expected",
    "val_evaluator = dict(type='IoUMetrik')": "val_evaluator.type: there is no 'IoUMetrik' in metrics; did you mean",
    "val_evaluator = dict(iou_metrics=['mIuO'])": "iou_metrics must be among mIoU, mDice, mFscore",
    "val_dataloader = dict(batch_size='x')": "val_dataloader.batch_size: expected int, not 'x'",
    "env_cfg = dict(dist_cfg=5)": "env_cfg.dist_cfg: a dict is expected here, not 5",
    "work_dir = ['a']": "work_dir: a text is expected",
    "resume = 7": "resume: True or False",
    "visualizer = 5": "visualizer: a dict is expected",
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
