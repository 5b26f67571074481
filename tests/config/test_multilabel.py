"""``labels = dict(kind='multilabel')`` fills in what a config leaves open and reports what contradicts it.

Oracle: the contract as the docstring of `segue.config.labels` states it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from segue.config import Config
from segue.config.labels import apply_labels
from segue.errors import ConfigError
from segue.recipes.open import read_config


def config(labels: dict[str, Any] | None = None, dataset: Any = None, evaluator: Any = None, **head: Any) -> Config:
    return Config(
        {
            "labels": {"kind": "multilabel", **(labels or {})},
            "model": {"decode_head": {"type": "FCNHead", "num_classes": 3, **head}},
            "train_dataloader": {"dataset": {"type": "MultilabelDataset", **(dataset or {})}},
            "val_evaluator": evaluator or {"type": "IoUMetric"},
        }
    )


def refused(cfg: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        apply_labels(cfg)
    return str(caught.value)


def test_heads_losses_threshold_and_datasets_follow() -> None:
    cfg = apply_labels(config({"ignore": 128, "map": {7: 1}}))
    head, data = cfg["model"]["decode_head"], cfg["train_dataloader"]["dataset"]
    assert (head["multilabel"], head["threshold"]) == (True, 0.5)
    assert head["loss_decode"] == {"type": "CrossEntropyLoss", "use_sigmoid": True}
    assert (data["ignore_index"], data["label_map"]) == (128, {7: 1})
    assert apply_labels(cfg) == cfg
    losses = [{"type": "DiceLoss"}, {"type": "mmseg.FocalLoss"}, {"type": "TverskyLoss"}]
    made = apply_labels(config({"threshold": 0.4}, loss_decode=losses))["model"]["decode_head"]
    assert [loss.get("use_sigmoid") for loss in made["loss_decode"]] == [True, None, None]
    assert made["threshold"] == 0.4


@pytest.mark.parametrize("name", ["PSPHead", "DAHead", "OCRHead", "DepthwiseSeparableASPPHead", "UPerHead"])
def test_heads_that_can(name: str) -> None:
    assert apply_labels(config(type=name))["model"]["decode_head"]["multilabel"] is True


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out_channels": 1}, r"out_channels: is 1, but .* has a logit for each of 3 classes"),
        ({"multilabel": False}, r"multilabel: is False, but labels\.kind='multilabel' asks for True"),
        ({"threshold": 0.3}, r"threshold: is 0\.3, but labels asks for 0\.5"),
        ({"sampler": {"type": "OHEMPixelSampler"}}, r"decode_head\.sampler: chooses pixels by their one class"),
        ({"loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": False}}, r"use_sigmoid: is False, but"),
        ({"loss_decode": [{"type": "LovaszLoss"}]}, r"loss_decode\.0\.type: LovaszLoss takes one class per pixel"),
        ({"type": "Mask2FormerHead"}, r"decode_head\.type: Mask2FormerHead takes one class per pixel"),
        ({"type": "PIDHead"}, r"PIDHead takes one class per pixel in its own loss"),
        ({"ignore_index": 9}, r"leave it out and say labels=dict\(ignore=9\)"),
        ({"labels": {"offset": 1}}, r"labels\.offset: is 1, but in the mask of a class 0 means no"),
        ({"labels": {"map": {0: 0, 255: 2}}}, r"labels\.map: \{255: 2\}: a value .* means 0, 1, or 255"),
        ({"labels": {"threshold": 2}}, r"labels\.threshold: is 2; a probability"),
        ({"dataset": {"type": "FolderDataset"}}, r"dataset\.type: FolderDataset has one class per pixel"),
        ({"dataset": {"reduce_zero_label": True}}, r"reduce_zero_label: is True, but 0 in the mask"),
        ({"dataset": {"pipeline": [{"type": "GenerateEdge"}]}}, r"pipeline\.0\.type: GenerateEdge needs one class"),
        ({"evaluator": [{"type": "DepthMetric"}]}, r"val_evaluator\.0\.type: DepthMetric takes one class per pixel"),
    ],
)
def test_contradictions_are_errors(given: dict[str, Any], message: str) -> None:
    found = refused(config(**given))
    assert re.search(message, found), found


def test_the_other_kinds_refuse_multilabel_parts() -> None:
    assert "MultilabelDataset has several classes per pixel" in refused(config({"kind": "multiclass"}))
    silent = {key: value for key, value in config(multilabel=True).items() if key != "labels"}
    found = refused(silent)
    assert "dataset.type: needs labels=dict(kind='multilabel')" in found
    assert "decode_head.multilabel: belongs to labels=dict(kind='multilabel')" in found


def test_all_contradictions_come_at_once_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text(
        "labels = dict(kind='multilabel', offset=0)\n"
        "model = dict(decode_head=dict(\n"
        "    type='FCNHead',\n"
        "    out_channels=2, num_classes=3))\n"
        "train_dataloader = dict(dataset=dict(\n"
        "    type='CityscapesDataset'))\n"
    )
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path / "c.py")
    assert [problem.where.rpartition("/")[2] for problem in caught.value.problems] == ["c.py:4", "c.py:6"]
