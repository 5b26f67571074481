"""Faults that would end a run at its first validation, or at the last batch of its first epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue.cli import main
from segue.config.builder.build import build_model
from segue.errors import ConfigError
from segue.recipes.open import read_config
from segue.training import train
from segue.training.preflight import feature_problems
from tests.cli.project import make_project
from tests.models.small import ocrnet

GROUPS = {"type": "GN", "num_groups": 2}
PSP = {
    "_delete_": True,
    "type": "PSPHead",
    "in_channels": 8,
    "in_index": 1,
    "channels": 8,
    "num_classes": 3,
    "pool_scales": [1, 2],
    "norm_cfg": {"type": "BN"},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = make_project(tmp_path)
    whole = "strides=(1, 1, 1, 1), dilations=(1, 1, 1, 1), "  # so that the last feature map of 32 x 32 is 8 x 8
    path.write_text(path.read_text().replace("base_channels=4, ", f"base_channels=4, {whole}"))
    return path


def trained(config: Path, tmp_path: Path, *options: str, **sections: Any) -> None:
    cfg = read_config(config, options)
    cfg.merge_from_dict(sections)
    train(cfg, work_dir=tmp_path / "work")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["default_hooks.checkpoint.save_best=mIoUU"], r"no metric 'mIoUU'; did you mean 'mIoU'\?"),
        (["default_hooks.checkpoint.save_best=IoU/drak"], r"no metric 'IoU/drak'; did you mean 'IoU/dark'\?"),
        (["default_hooks.checkpoint.save_best=mDice"], "no metric 'mDice'"),
        (["val_dataloader=None", "default_hooks.checkpoint.save_best=mIoU"], "no validation .* so there is no best"),
    ],
)
def test_metrics_that_will_not_be_there(config: Path, tmp_path: Path, options: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"default_hooks\.checkpoint\.save_best: .*{message}"):
        trained(config, tmp_path, *options)
    assert not (tmp_path / "work" / "scalars.jsonl").exists()


def test_early_stopping_watches_a_metric_that_is_there(config: Path, tmp_path: Path) -> None:
    hooks = [{"type": "EarlyStoppingHook", "monitor": "mIuo", "rule": "greater"}]
    with pytest.raises(ConfigError, match=r"custom_hooks\.0\.monitor: .*no metric 'mIuo'; did you mean 'mIoU'"):
        trained(config, tmp_path, custom_hooks=hooks)


@pytest.mark.parametrize(
    ("test_cfg", "message"),
    [
        ({"mode": "slide"}, "mode='slide' needs crop_size"),
        ({"mode": "slide", "crop_size": (8, 8)}, "mode='slide' needs stride"),
        ({"mode": "slide", "crop_size": (8, 8), "stride": (0, 0)}, r"stride=\(0, 0\) leaves gaps"),
        ({"mode": "slide", "crop_size": 8, "stride": 9}, r"stride=\(9, 9\) leaves gaps between windows of crop_size"),
        (
            {"mode": "slide", "crop_size": (8, 8, 8), "stride": 4},
            "crop_size=.* must be an integer, or",
        ),
    ],
)
def test_windows(config: Path, tmp_path: Path, test_cfg: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"model\.test_cfg: .*{message}"):
        trained(config, tmp_path, model={"test_cfg": test_cfg})


@pytest.mark.parametrize(("batch_size", "kind", "message"), [
    (1, "InfiniteSampler", r"1: a batch of 1 gives the batch normalization decode_head\.\S+ one value per channel"),
    (7, "DefaultSampler", r"7: the last batch of a pass, 1 of 8 images, .*set drop_last=True"),
])  # fmt: skip
def test_batches_of_one(config: Path, tmp_path: Path, batch_size: int, kind: str, message: str) -> None:
    loader = {"batch_size": batch_size, "sampler": {"type": kind, "shuffle": True}}
    with pytest.raises(ConfigError, match=rf"train_dataloader\.batch_size: {message}"):
        trained(config, tmp_path, model={"decode_head": PSP}, train_dataloader=loader)


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"decode_head": PSP}, "train_dataloader": {"batch_size": 7}},  # of an endless sampler
        {
            "model": {"decode_head": {**PSP, "norm_cfg": {"type": "GN", "num_groups": 2}}},
            "train_dataloader": {"batch_size": 1},
        },
        {"train_dataloader": {"batch_size": 1}},  # no pooling to one position
    ],
)
def test_batches_that_train(config: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    trained(config, tmp_path, **change)
    assert (tmp_path / "work" / "last.ckpt").exists()


LOSSES = ["CrossEntropyLoss", "OhemCrossEntropy", "FocalLoss", "TverskyLoss", "LovaszLoss", "HuasdorffDisstanceLoss"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("count", [2, 4, 19])
def test_class_weights(config: Path, tmp_path: Path, loss: str, count: int) -> None:
    own = {"type": loss, "class_weight": [1.0] * count}
    if loss == "LovaszLoss":
        own["reduction"] = "none"
    for losses, at in ((own, "loss_decode"), ([{"type": "CrossEntropyLoss"}, own], r"loss_decode\.1")):
        with pytest.raises(ConfigError, match=rf"{at}\.class_weight: has {count} values for num_classes=3"):
            trained(config, tmp_path, model={"decode_head": {"loss_decode": losses}})


def test_looking_changes_nothing(config: Path) -> None:
    from segue.config.builder.build import build_model
    from segue.training.preflight import single_value_norm

    cfg = read_config(config)
    cfg.merge_from_dict({"model": {"decode_head": PSP}})
    model = build_model(cfg).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert single_value_norm(model, cfg) is not None
    assert not model.training and all(value.equal(before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("decode_head=dict(in_index=7)", "model.decode_head: FCNHead: in_index=7, but there are 4 feature maps"),
        ("decode_head=dict(in_channels=16)", "model.decode_head: FCNHead: in_channels=16, but feature map 1 has 8"),
        ("auxiliary_head=[dict(type='FCNHead', in_channels=3, channels=4, num_classes=3)]", "model.auxiliary_head.0: "),
        (
            "auxiliary_head=dict(type='FCNHead', in_channels=8, in_index=-9, channels=4, num_classes=3)",
            "in_index=-9",
        ),
    ],
)
def test_features_that_are_not_there(
    edit: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project(tmp_path)
    (tmp_path / "child.py").write_text(f"_base_ = 'config.py'\nmodel = dict({edit})\n")
    work = str(tmp_path / "work")
    assert main(["train", str(tmp_path / "child.py"), "--work-dir", work, "--accelerator", "cpu"]) == 1
    said = capsys.readouterr().err
    assert message in said and "child.py:2" in said and not (tmp_path / "work").exists()


def test_the_heads_of_a_cascade_are_looked_at_with_what_they_read() -> None:
    """Nothing is wrong with an OCRNet; a second head that reads maps of other widths is named with its place."""
    assert not list(feature_problems(build_model(ocrnet()), {"crop_size": (64, 64)}))
    wrong = ocrnet()
    wrong["model"]["decode_head"][1]["in_channels"] = 7
    [problem] = feature_problems(build_model(wrong), {"crop_size": (64, 64)})
    assert problem.key == "model.decode_head.1" and "in_channels=7" in problem.message


def test_what_follows_a_head_that_fails_is_left_out() -> None:
    wrong = ocrnet()
    wrong["model"]["decode_head"][0]["in_index"] = 9
    [problem] = feature_problems(build_model(wrong), {"crop_size": (64, 64)})
    assert problem.key == "model.decode_head.0" and "in_index=9" in problem.message
