"""``labels`` fills in what a config leaves open and reports what contradicts it.

Oracle: the contract as its module's docstring states it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.cli import main
from segue.config import Config
from segue.config.labels import apply_labels
from segue.doctor import check_config
from segue.errors import ConfigError
from segue.recipes.open import read_config
from tests.doctor.seeded import FAULTS, make_data


def config(labels: dict[str, Any], **changes: Any) -> Config:
    """Two heads and a dataset that leave everything open, but for ``changes`` of the decode head."""
    return Config(
        {
            "labels": labels,
            "model": {"decode_head": {"type": "FCNHead", **changes}, "auxiliary_head": [{"type": "FCNHead"}]},
            "train_dataloader": {
                "dataset": {"type": "RepeatDataset", "times": 2, "dataset": {"type": "BaseSegDataset"}}
            },
        }
    )


def refused(cfg: Config) -> str:
    with pytest.raises(ConfigError) as caught:
        apply_labels(cfg)
    return str(caught.value)


def test_binary_sets_outputs_losses_threshold_and_datasets() -> None:
    before = config({"kind": "binary", "ignore": 9, "map": {0: 0, 255: 1}})
    cfg = apply_labels(before)
    for head in (cfg["model"]["decode_head"], cfg["model"]["auxiliary_head"][0]):
        assert (head["num_classes"], head["out_channels"], head["threshold"]) == (2, 1, 0.5)
        assert head["loss_decode"] == {"type": "CrossEntropyLoss", "use_sigmoid": True}
    dataset = cfg["train_dataloader"]["dataset"]["dataset"]
    assert (dataset["ignore_index"], dataset["label_map"]) == (9, {0: 0, 255: 1})
    assert "num_classes" not in before.model.decode_head
    assert apply_labels(cfg) == cfg


def test_multiclass_activates_with_the_softmax() -> None:
    losses = [{"type": "CrossEntropyLoss"}, {"type": "DiceLoss"}, {"type": "FocalLoss"}]
    cfg = apply_labels(config({"kind": "multiclass", "offset": 1}, num_classes=5, loss_decode=losses))
    assert [loss.get("use_sigmoid") for loss in cfg["model"]["decode_head"]["loss_decode"]] == [False, False, None]
    assert cfg["train_dataloader"]["dataset"]["dataset"]["reduce_zero_label"] is True


def test_without_labels_nothing_changes() -> None:
    cfg = Config({"model": {"decode_head": {"loss_decode": {"type": "DiceLoss"}}}})
    assert apply_labels(cfg) is cfg


@pytest.mark.parametrize(
    ("labels", "changes", "messages"),
    [
        ({"kind": "binary"}, {"num_classes": 19}, [r"decode_head\.num_classes: is 19; binary labels have 2"]),
        ({"kind": "binary"}, {"out_channels": 2}, [r"out_channels: is 2, but labels\.kind='binary' has one logit"]),
        ({"kind": "binary"}, {"threshold": 0.3}, [r"threshold: is 0\.3, but labels asks for 0\.5"]),
        (
            {"kind": "binary"},
            {"loss_decode": [{"type": "CrossEntropyLoss", "use_sigmoid": False}, {"type": "TverskyLoss"}]},
            [r"loss_decode\.0\.use_sigmoid: is False, but .*asks for True", r"TverskyLoss needs a logit per class"],
        ),
        ({"kind": "multiclass"}, {"num_classes": 3, "out_channels": 1}, [r"a logit for each of 3 classes"]),
        (
            {"kind": "multiclass"},
            {"loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": True}},
            [r"use_sigmoid: is True, but labels\.kind='multiclass' asks for False"],
        ),
        ({"ignore": 11}, {"ignore_index": 11}, [r"leave it out and say labels=dict\(ignore=11\)"]),
        ({"kind": "multilable"}, {}, [r"no kind 'multilable'; there are: binary, multiclass"]),
        ({"offset": 2}, {}, [r"labels\.offset: is 2; 0, or 1"]),
        ({"offset": 1, "ignore": 11}, {}, [r"offset=1 says that 0 is unlabeled"]),
        ({"kinds": "binary"}, {}, [r"labels has no 'kinds'; did you mean 'kind'"]),
        ({"threshold": 0.5, "kind": "multiclass"}, {}, [r"only kind='binary' and kind='multilabel' have one"]),
        ({"map": [0, 1]}, {}, [r"labels\.map: expected a dict"]),
    ],
)
def test_contradictions_are_errors(labels: dict[str, Any], changes: dict[str, Any], messages: list[str]) -> None:
    found = refused(config(labels, **changes))
    assert all(re.search(message, found) for message in messages), found


def test_contradictions_of_datasets_and_pipelines_name_the_line(tmp_path: Path) -> None:
    text = (
        make_data(tmp_path)
        .read_text()
        .replace("dict(type='LoadAnnotations')", "dict(type='LoadAnnotations', reduce_zero_label=True)")
    )
    (tmp_path / "config.py").write_text(text + "labels = dict(kind='multiclass', offset=0)\n")
    with pytest.raises(
        ConfigError, match=r"config.py:\d+: train_dataloader\.dataset\.pipeline\.1\.reduce_zero_label: is True"
    ):
        read_config(tmp_path / "config.py")


def test_binary_labels_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masks of 0 and 255: the check names the line, and with it the model trains, is measured and predicts 0 and 1."""
    import cv2

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    path = make_data(tmp_path, 2)
    FAULTS["0/255 masks"][1](tmp_path)
    loss = "num_classes=2, loss_decode=dict(type='CrossEntropyLoss', class_weight='median')"
    path.write_text(path.read_text().replace("num_classes=2", loss) + "labels = dict(kind='binary')\n")
    [finding] = check_config(read_config(path)).findings
    assert [fix.keys for fix in finding.fixes] == [("labels.map",)]
    assert main(["check", "config.py", "--apply"]) == 1
    assert "labels = dict(map={0: 0, 255: 1})" in (tmp_path / "config_checked.py").read_text()
    assert main(["check", "config_checked.py"]) == 0
    assert main(["train", "config_checked.py", "--work-dir", "run"]) == 0
    assert "mIoU" in capsys.readouterr().out
    assert main(["predict", "config_checked.py", "run/last.ckpt", "data/images/val", "--out", "seen"]) == 0
    labels = [cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in Path("seen").glob("*.png") if "overlay" not in p.name]
    assert len(labels) == 3 and all(set(np.unique(mask)) <= {0, 1} for mask in labels)
