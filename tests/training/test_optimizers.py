"""Parameter groups against mmengine's constructor (tools/record_paramwise.py), and the messages of bad settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from segue.errors import ConfigError
from segue.training.optimizers import build_optimizer, parameter_groups, read_optim_wrapper, unmatched

from .optimizer_models import PARAMWISE, Model

RECORDED = json.loads((Path(__file__).parent / "data" / "paramwise.json").read_text())
ADAMW = {"type": "AdamW", "lr": 6e-5, "weight_decay": 0.01}


@pytest.mark.parametrize("case", RECORDED)
def test_settings_of_each_parameter_equal_mmengine(case: str) -> None:
    """Oracle: mmengine 0.10.7's DefaultOptimWrapperConstructor on the same module."""
    model = Model()
    optimizer = build_optimizer(model, read_optim_wrapper({"optimizer": ADAMW, "paramwise_cfg": PARAMWISE[case]}))
    names = {id(p): name for name, p in model.named_parameters()}
    given = {names[id(p)]: [g["lr"], g["weight_decay"]] for g in optimizer.param_groups for p in g["params"]}
    assert given == RECORDED[case]


@pytest.mark.parametrize(
    ("keys", "where", "said"),
    [
        ({"head": {"lr_mult": "x"}}, ".head.lr_mult", "a number from 0 on is expected, not 'x'"),
        ({"head": {"decay_mult": -1}}, ".head.decay_mult", "a number from 0 on is expected, not -1"),
        ({"head": {"lr_mult": float("nan")}}, ".head.lr_mult", "a number from 0 on is expected, not nan"),
        ({"head": {"lr_mult": True}}, ".head.lr_mult", "a number from 0 on is expected, not True"),
        ({"head": {"lr_mul": 10.0}}, ".head.lr_mul", "there is no 'lr_mul'; did you mean 'lr_mult'?"),
        ({5: {"lr_mult": 1.0}}, "", "parts of parameters' names are expected, not 5"),
    ],
)
def test_wrong_custom_keys(keys: dict[object, object], where: str, said: str) -> None:
    wrapper = read_optim_wrapper({"optimizer": ADAMW, "paramwise_cfg": {"custom_keys": keys}})
    with pytest.raises(ConfigError) as caught:
        build_optimizer(Model(), wrapper)
    (problem,) = caught.value.problems
    assert problem.key == f"optim_wrapper.paramwise_cfg.custom_keys{where}"
    assert problem.message.startswith(said)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"lr": "1e-3"}, "lr: a number is expected, not '1e-3'"),
        ({"lr": [0.1]}, "lr: a number is expected, not [0.1]"),
        ({"lr": float("inf")}, "lr: a number is expected, not inf"),
        ({"lr": 10**400}, "lr: a number is expected, not 1000"),
        ({"lr": True}, "lr: a number is expected, not True"),
        ({"eps": None}, "eps: a number is expected, not None"),
        ({"betas": 5}, "betas: 2 numbers are expected, not 5"),
        ({"betas": (0.9,)}, "betas: 2 numbers are expected, not (0.9,)"),
        ({"betas": (0.9, "x")}, "betas: 2 numbers are expected, not (0.9, 'x')"),
        ({"amsgrad": "x"}, "amsgrad: True or False is expected, not 'x'"),
        ({"weight_decay": {}}, "weight_decay: a number is expected, not {}"),
    ],
)
def test_arguments_of_another_kind(edit: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_optimizer(Model(), read_optim_wrapper({"optimizer": {**ADAMW, **edit}}))
    assert f"optim_wrapper.optimizer.{said}" in str(caught.value)


def test_custom_keys_that_match_nothing_are_said() -> None:
    keys = {"decode_head": {"lr_mult": 10.0}, "haed": {"lr_mult": 10.0}, "pos_embed": {"eps": 1e-6, "momentum": 1}}
    wrapper = read_optim_wrapper({"optimizer": ADAMW, "paramwise_cfg": {"custom_keys": keys}})
    build_optimizer(Model(), wrapper)
    lines = unmatched(Model(), wrapper)
    usual = {"pos_block": {"decay_mult": 0.0}, "absolute_pos_embed": {"decay_mult": 0.0}}
    published = read_optim_wrapper({"optimizer": ADAMW, "paramwise_cfg": {"custom_keys": usual}})
    assert unmatched(Model(), published) == []
    key = "optim_wrapper.paramwise_cfg.custom_keys"
    assert lines == [
        f"ignored: {key}.haed: no trained parameter has it in its name",
        f"ignored: {key}.pos_embed.momentum: the optimizer has no such argument",
    ]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"paramwise_cfg": 5}, "optim_wrapper.paramwise_cfg: expected Mapping"),
        ({"loss_scale": {"init_scal": 1}}, "loss_scale has no argument 'init_scal'; did you mean 'init_scale'?"),
        ({"loss_scale": {"init_scale": "x"}}, "loss_scale: init_scale must be a number, got 'x'"),
        ({"clip_grad": {"type": "valu", "max_norm": 1}}, "clip_grad: type must be 'norm' or 'value', got 'valu'"),
    ],
)
def test_wrong_settings(edit: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_optim_wrapper({"optimizer": ADAMW, **edit})


def test_parameters_with_equal_settings_share_a_group() -> None:
    wrapper = read_optim_wrapper({"optimizer": ADAMW, "paramwise_cfg": {"norm_decay_mult": 0.0}})
    groups = parameter_groups(Model(), wrapper)
    assert len(groups) == 2
    assert "decode_head.1.bias" in groups[1]["names"]


def test_layer_decay_of_a_vit() -> None:
    """Oracle, by hand: 2 layers and decay 0.5 give 0.5 ** 3 to the embedding, 1 to the head; vectors do not decay."""

    class BEiT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch_embed = nn.Linear(3, 4)
            self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    class Segmentor(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = BEiT()
            self.decode_head = nn.Linear(4, 2)

    wrapper = read_optim_wrapper(
        {
            "optimizer": {"type": "AdamW", "lr": 1.0, "weight_decay": 0.05},
            "constructor": "LayerDecayOptimizerConstructor",
            "paramwise_cfg": {"num_layers": 2, "layer_decay_rate": 0.5},
        }
    )
    given = {n: (g["lr"], g["weight_decay"]) for g in parameter_groups(Segmentor(), wrapper) for n in g["names"]}
    assert given["backbone.patch_embed.weight"] == (0.125, 0.05)
    assert given["backbone.patch_embed.bias"] == (0.125, 0.0)
    assert given["backbone.layers.0.weight"] == (0.25, 0.05)
    assert given["backbone.layers.1.bias"] == (0.5, 0.0)
    assert given["decode_head.weight"] == (1.0, 0.05)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"optimizer": {"type": "Adamw", "lr": 1}}, "there is no optimizer 'Adamw'; did you mean 'AdamW'"),
        (
            {"optimizer": {"type": "SGD", "lr": 1, "momentm": 0.9}},
            "SGD has no argument 'momentm'; did you mean 'momentum'",
        ),
        ({"optimizer": {"type": "SGD", "lr": -1.0}}, "Invalid learning rate: -1.0"),
        ({"optimizer": ADAMW, "clip_gard": None}, "OptimWrapper has no argument 'clip_gard'; did you mean 'clip_grad'"),
        ({"type": "AmpWrapper", "optimizer": ADAMW}, "there is no optimizer wrapper 'AmpWrapper'"),
        ({"type": "ApexOptimWrapper", "optimizer": ADAMW}, "optim_wrapper.type: Apex is not used: torch's own mixed"),
        ({"optimizer": ADAMW, "accumulative_counts": 0}, "accumulative_counts must be at least 1, got 0"),
        ({"optimizer": ADAMW, "paramwise_cfg": {"norm_mult": 0}}, "ParamRules has no argument 'norm_mult'"),
        (
            {"optimizer": {"type": "SGD", "lr": 1.0}, "paramwise_cfg": {"norm_decay_mult": 0.0}},
            "norm_decay_mult: multiplies optimizer.weight_decay, which is not set",
        ),
    ],
)
def test_bad_settings_are_named(node: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_optimizer(Model(), read_optim_wrapper(node))
    assert message in str(caught.value)


def test_nothing_to_train_is_an_error() -> None:
    model = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(ConfigError, match="nothing to train"):
        build_optimizer(model, read_optim_wrapper({"optimizer": ADAMW}))


def test_precision_follows_the_device() -> None:
    amp = read_optim_wrapper({"type": "AmpOptimWrapper", "optimizer": ADAMW})
    assert (amp.precision(cuda=True), amp.precision(cuda=False)) == ("16-mixed", "bf16-mixed")
    assert read_optim_wrapper({"optimizer": ADAMW}).precision(cuda=True) == "32-true"
    assert read_optim_wrapper({"optimizer": ADAMW, "dtype": "bfloat16"}, amp=True).precision(cuda=True) == "bf16-mixed"


def test_shared_parameter_is_listed_once() -> None:
    """Oracle: torch refuses a parameter that appears twice."""
    a = nn.Linear(2, 2)
    b = nn.Linear(2, 2)
    b.weight = a.weight
    optimizer = build_optimizer(nn.Sequential(a, b), read_optim_wrapper({"optimizer": ADAMW}))
    assert sum(len(g["params"]) for g in optimizer.param_groups) == 3
    assert isinstance(optimizer, torch.optim.AdamW)
