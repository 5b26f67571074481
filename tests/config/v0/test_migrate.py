"""Configs of mmseg 0.x as 1.x; what is expected is what mmseg's migration guide and 1.2.2's converted configs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.cli import main
from segue.config import Config
from segue.config.v0 import Migration, is_v0, migrate, migrate_dataset
from segue.errors import ConfigError
from segue.recipes.open import read_config
from tests.config.v0.old_config import TOP, write


@pytest.fixture
def old(tmp_path: Path) -> Config:
    return Config.fromfile(write(tmp_path))


@pytest.fixture
def new(old: Config) -> Config:
    return migrate(old).cfg


def test_a_config_of_0x_is_told_from_its_sections() -> None:
    assert is_v0({"data": {"samples_per_gpu": 2}})
    assert is_v0({"total_iters": 100})
    assert not is_v0({"model": {"type": "EncoderDecoder"}})
    # a few configs of 1.2.2 keep a section that nothing reads any more
    assert not is_v0({"runner": {"type": "IterBasedRunner"}, "train_dataloader": {"batch_size": 2}})


def test_pipelines_lose_normalization_and_gain_packing(new: Config) -> None:
    (first, second) = new.train_dataloader.dataset.dataset.datasets
    assert [step.type for step in first.pipeline] == [
        "LoadImageFromFile",
        "LoadAnnotations",
        "RandomResize",
        "RandomCrop",
        "RandomFlip",
        "PhotoMetricDistortion",
        "PackSegInputs",
    ]
    resize = {"type": "RandomResize", "scale": (96, 64), "ratio_range": (0.5, 2.0), "keep_ratio": True}
    assert first.pipeline[2] == resize
    assert first.pipeline[-1].meta_keys == ("img_path", "ori_shape")
    assert (first.ann_file, second.ann_file) == ("a.txt", "b.txt")
    assert first.data_prefix == {"img_path": "img", "seg_map_path": "ann"}
    assert second.data_prefix.seg_map_path == "more"
    assert first.metainfo == {"classes": ("lane", "road"), "palette": [[0, 0, 0], [9, 9, 9]]}
    assert first.type == "BaseSegDataset" and first.reduce_zero_label is True
    test = [dict(step) for step in new.test_dataloader.dataset.pipeline]
    assert test == [
        {"type": "LoadImageFromFile"},
        {"type": "Resize", "keep_ratio": True, "scale": (96, 64)},
        {"type": "LoadAnnotations"},
        {"type": "PackSegInputs"},
    ]
    assert [step.type for step in new.test_pipeline] == [step["type"] for step in test]


def test_the_preprocessor_does_what_the_pipelines_did(new: Config) -> None:
    assert new.model.data_preprocessor == {
        "type": "SegDataPreProcessor",
        "mean": [120.0, 110.0, 100.0],
        "std": [60.0, 50.0, 40.0],
        "bgr_to_rgb": True,
        "pad_val": 0,
        "seg_pad_val": 255,
        "size": (32, 48),
        "test_cfg": {"size_divisor": 32},
    }


def test_the_model_keeps_its_dict(old: Config, new: Config) -> None:
    assert new.model.backbone == old.model.backbone
    assert new.model.test_cfg == {"mode": "whole"}  # beside the model in the oldest configs
    assert new.model.decode_head.loss_decode == {"type": "DiceLoss", "loss_weight": 3.0}
    assert new.test_cfg == {"type": "TestLoop"}


def test_training_sections(new: Config) -> None:
    assert new.optim_wrapper == {
        "type": "AmpOptimWrapper",
        "optimizer": {"type": "AdamW", "lr": 6e-5, "weight_decay": 0.01},
        "paramwise_cfg": {"custom_keys": {"head": {"lr_mult": 10.0}}},
        "clip_grad": {"max_norm": 1},
        "accumulative_counts": 2,
        "loss_scale": "dynamic",
    }
    warmup, poly = new.param_scheduler
    assert warmup == {"type": "LinearLR", "start_factor": 1e-3, "by_epoch": False, "begin": 0, "end": 20}
    decay = {"type": "PolyLR", "eta_min": 1e-6, "power": 1.0, "begin": 20, "end": 100, "by_epoch": False}
    assert poly == decay
    assert new.train_cfg == {"type": "IterBasedTrainLoop", "max_iters": 100, "val_interval": 25}
    assert new.val_evaluator == {"type": "IoUMetric", "iou_metrics": ["mIoU", "mDice"]}
    assert new.default_hooks.checkpoint == {
        "type": "CheckpointHook",
        "by_epoch": False,
        "interval": 10,
        "max_keep_ckpts": 3,
        "save_best": "mIoU",
    }
    assert new.default_hooks.logger == {"type": "LoggerHook", "interval": 5, "log_metric_by_epoch": False}
    assert [backend.type for backend in new.vis_backends] == ["LocalVisBackend", "TensorboardVisBackend"]
    assert new.custom_hooks == [{"type": "EMAHook", "momentum": 0.001, "priority": "ABOVE_NORMAL"}]
    assert (new.load_from, new.resume) == ("runs/iter_50.pth", True)
    assert new.env_cfg.dist_cfg == {"backend": "gloo"} and new.env_cfg.mp_cfg.opencv_num_threads == 2
    assert new.my_constant == 7
    loader = new.train_dataloader
    assert (loader.batch_size, loader.num_workers, loader.sampler.type) == (3, 2, "InfiniteSampler")
    assert new.val_dataloader.batch_size == 1


def test_test_time_augmentation_keeps_the_old_ratios(new: Config) -> None:
    views = new.tta_pipeline[1].transforms
    assert [view.scale for view in views[0]] == [(48, 32), (96, 64)]
    assert [view.prob for view in views[1]] == [0.0, 1.0]


def test_values_know_the_line_of_the_old_file(old: Config, new: Config) -> None:
    for key, was in (
        ("model.data_preprocessor.mean", "train_pipeline.6.mean"),
        ("train_dataloader.batch_size", "data.samples_per_gpu"),
        ("optim_wrapper.clip_grad", "optimizer_config.grad_clip"),
        ("param_scheduler.1.power", "lr_config.power"),
        ("val_dataloader.dataset.ann_file", "data.val.split"),
        ("train_cfg.val_interval", "evaluation.interval"),
    ):
        assert new.origin(key) == old.origin(was) is not None, key


def test_every_key_is_in_the_ledger(old: Config) -> None:
    migration: Migration = migrate(old)
    fates = {entry.key: entry.fate for entry in migration.entries}
    missing = [key for key in old if not any(k == key or k.startswith((f"{key}.", f"{key} ")) for k in fates)]
    assert not missing
    assert fates["workflow"] == "ignored" and fates["checkpoint_config.create_symlink"] == "ignored"
    assert fates["data.samples_per_gpu"] == "translated" and fates["model"] == "used"
    assert fates["model.decode_head.loss_decode.smooth"] == "ignored"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lr_config = dict(policy='Inv')", "'Inv' has no counterpart; there are poly, step, exp"),
        (
            "lr_config = dict(policy='step', step=[1], warmup='exp', warmup_iters=5)",
            "'exp' has no counterpart; use 'li",
        ),
        ("optimizer_config = dict(type='MyOptimizerHook')", "'MyOptimizerHook' is a hook of your own"),
        ("runner = dict(type='IterBasedRunner')", "says no max_iters"),
        ("runner = dict(type='MyRunner', max_iters=9)", "'MyRunner' is a runner of your own; training is IterBased"),
    ],
)
def test_what_would_change_the_result_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, TOP + line + "\n")
    with pytest.raises(ConfigError, match=message) as caught:
        migrate(Config.fromfile(path))
    assert "old.py:" in str(caught.value)


@pytest.mark.parametrize(
    ("old_step", "new_step"),
    [
        ("img_scale=(64, 32)", {"type": "Resize", "scale": (64, 32), "keep_ratio": True}),
        ("img_scale=[(64, 32), (32, 16)]", {"type": "RandomResize", "keep_ratio": True}),
        ("img_scale=[(64, 32)], multiscale_mode='value'", {"type": "Resize", "scale": (64, 32)}),
        ("img_scale=[(8, 8), (4, 4)], multiscale_mode='value'", {"type": "RandomChoiceResize"}),
        ("img_scale=(64, 32), keep_ratio=True, min_size=48", {"type": "ResizeShortestEdge", "scale": 48}),
    ],
)
def test_the_many_forms_of_resize(old_step: str, new_step: dict[str, object]) -> None:
    text = f"data = dict(train=dict(type='CustomDataset', pipeline=[dict(type='Resize', {old_step})]))"
    step = migrate(Config.fromstring(text, ".py")).cfg.train_dataloader.dataset.pipeline[0]
    assert new_step.items() <= step.items()


def test_an_epoch_based_run() -> None:
    text = """
runner = dict(type='EpochBasedRunner', max_epochs=12)
lr_config = dict(policy='step', step=[8, 11])
evaluation = dict(interval=2)
data = dict(samples_per_gpu=2, workers_per_gpu=0, train=dict(type='CustomDataset', pipeline=[]))
"""
    new = migrate(Config.fromstring(text, ".py")).cfg
    assert new.train_cfg == {"type": "EpochBasedTrainLoop", "max_epochs": 12, "val_interval": 2}
    assert new.param_scheduler == [{"type": "MultiStepLR", "milestones": [8, 11], "gamma": 0.1, "by_epoch": True}]
    assert new.train_dataloader.sampler == {"type": "DefaultSampler", "shuffle": True}
    assert new.train_dataloader.drop_last and not new.train_dataloader.persistent_workers


def test_one_dataset_alone(old: Config) -> None:
    dataset = migrate_dataset(old.data.val)
    assert dataset.data_prefix == {"img_path": "img", "seg_map_path": "ann"} and dataset.ann_file == "val.txt"


def test_reading_a_config_translates_it_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options may name sections of either version."""
    path = write(tmp_path)
    cfg = read_config(path, ["data.samples_per_gpu=5", "default_hooks.logger.interval=7", "model.backbone.depth=34"])
    assert (cfg.train_dataloader.batch_size, cfg.default_hooks.logger.interval, cfg.model.backbone.depth) == (5, 7, 34)
    said = capsys.readouterr().err
    assert "old.py is of mmseg 0.x and was translated" in said and said.count("\n") == 1


def test_the_command_prints_writes_and_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write(tmp_path), tmp_path / "new.py"
    assert main(["config", "migrate", str(path)]) == 0
    printed = capsys.readouterr().out
    assert main(["config", "migrate", str(path), "--out", str(out)]) == 0
    assert out.read_text() == printed and not is_v0(Config.fromfile(out))
    assert main(["config", "migrate", str(path), "--check"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert any(line.startswith("translated data.samples_per_gpu") and "data.py:3" in line for line in listed)
    assert "used" in listed[-1] and "ignored" in listed[-1]
    assert main(["config", "migrate", str(out)]) == 1
    assert "is no config of mmseg 0.x; it needs no translation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "optim_wrapper = dict(paramwise_cfg=dict())",
            "optim_wrapper: a key of mmseg 1.x in a config of 0.x, which has",
        ),
        ("default_hooks = dict()", "default_hooks: a key of mmseg 1.x in a config of 0.x, which has 'data'"),
        ("train_dataloader = dict(batch_size=2)", "the two are mixed; write what 0.x calls it, or translate"),
    ],
)
def test_keys_of_1x_in_a_config_of_0x(key: str, said: str, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(f"_base_ = '{write(tmp_path).name}'\n{key}\n")
    with pytest.raises(ConfigError) as error:
        read_config(child)
    assert said in str(error.value) and f"{child}:2" in str(error.value)
