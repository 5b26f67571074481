"""Training adapters or a head alone: what learns, what is said, and that a resumed run is the uninterrupted one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from segue.checkpoints import read
from segue.checkpoints.trained import is_adapter
from segue.config.builder.build import build_model
from segue.errors import ConfigError
from segue.training.optimizers import build_optimizer, read_optim_wrapper
from tests.layers.small_transformers import BACKBONES
from tests.training.adapted_project import HEAD, Project
from tests.training.test_resume import StopAfter, same

LORA = {"r": 2, "alpha": 4, "dropout": 0.2, "targets": ["in_proj", "out_proj"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "ema": {"custom_hooks": [{"type": "EMAHook", "momentum": 0.2}]},
    "amp": {"optim_wrapper": {"type": "AmpOptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.01}}},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("adapted"))


def learned(project: Project, file: Path) -> set[str]:
    """The keys of the backbone that are not as published."""
    start, end = read(project.weights).state_dict, read(file).state_dict
    own = {key.removeprefix("backbone."): value for key, value in end.items() if key.startswith("backbone.")}
    assert start.keys() <= own.keys()
    return {key for key, value in own.items() if key not in start or not torch.equal(value, start[key])}


def test_adapters_learn_and_the_base_stays(project: Project) -> None:
    result = project.train(project.config(lora=LORA), "adapters")
    text = project.text.getvalue()
    assert "lora: adapters of rank 2 in 8 layers, 0.00 M parameters" in text
    assert "M of them trained (" in text
    assert "24 tensors of adapters (lora) are new: the file has none." in text  # three for each layer
    changed = learned(project, result.checkpoint)
    assert changed and all(is_adapter(key) for key in changed)
    values = read(result.checkpoint).state_dict
    assert any(bool(value.any()) for key, value in values.items() if key.endswith("lora_B"))


def test_frozen(project: Project) -> None:
    result = project.train(project.config(freeze=True), "frozen")
    assert learned(project, result.checkpoint) == set()
    assert "of them trained (" in project.text.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_resumed_is_uninterrupted(project: Project, name: str) -> None:
    cfg = project.config(lora=LORA)
    for key, value in CASES[name].items():
        cfg[key] = value
    project.train(cfg, f"{name}-whole")
    with pytest.raises(KeyboardInterrupt):
        project.train(cfg, f"{name}-parts", callbacks=[StopAfter(3)])
    project.train(cfg, f"{name}-parts", resume=True)
    same(project.folder / f"{name}-parts" / "last.ckpt", project.folder / f"{name}-whole" / "last.ckpt")


def groups(model: torch.nn.Module, **paramwise: Any) -> dict[str, dict[str, Any]]:
    """The settings of each parameter that is trained."""
    constructor = paramwise.pop("constructor", "DefaultOptimWrapperConstructor")
    wrapper = read_optim_wrapper(
        {
            "type": "OptimWrapper",
            "optimizer": {"type": "AdamW", "lr": 1.0, "weight_decay": 0.5},
            "paramwise_cfg": paramwise or None,
            "constructor": constructor,
        }
    )
    names = {id(p): key for key, p in model.named_parameters()}
    optimizer = build_optimizer(model, wrapper)
    return {names[id(p)]: group for group in optimizer.param_groups for p in group["params"]}


def test_the_optimizer_has_what_is_trained() -> None:
    for more in ({"freeze": True}, {"freeze": 2}, {"lora": LORA}):
        model = build_model(
            {"model": {"type": "EncoderDecoder", "backbone": dict(BACKBONES["mit"], **more), "decode_head": HEAD}}
        )
        assert set(groups(model)) == {key for key, p in model.named_parameters() if p.requires_grad}
        assert set(groups(model, norm_decay_mult=0.0)) == set(groups(model))


def test_rates_that_shrink_towards_the_input() -> None:
    """Adapters train at the rate of their block, and are decayed as matrices are."""
    head = dict(HEAD, in_channels=[32, 32], in_index=[0, 1])
    net = {"type": "EncoderDecoder", "backbone": dict(BACKBONES["beit"], lora={"r": 2}), "decode_head": head}
    found = groups(
        build_model({"model": net}),
        constructor="LayerDecayOptimizerConstructor",
        num_layers=3,
        layer_decay_rate=0.5,
    )
    for i in range(3):
        group = found[f"backbone.layers.{i}.attn.qkv.lora_B"]
        assert (group["lr"], group["weight_decay"]) == (0.5 ** (3 - i), 0.5)


def test_nothing_to_train(project: Project) -> None:
    head = build_model(project.config(freeze=True))
    head.decode_head.requires_grad_(False)
    with pytest.raises(ConfigError, match="no parameter has requires_grad=True: there is nothing to train"):
        groups(head)


def test_dry_run_counts(project: Project) -> None:
    project.train(project.config(lora=LORA), "dry", dry_run=True)
    assert "% trained)" in project.text.getvalue()
