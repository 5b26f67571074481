"""Freezing a backbone, or its first blocks: no gradients, evaluation mode, whatever the class."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from segue.errors import ConfigError, InputError
from segue.layers.freezing import freeze
from tests.layers.small_transformers import BACKBONES, backbone


@pytest.mark.parametrize("name", BACKBONES)
def test_all_of_it(name: str) -> None:
    net = backbone(name, freeze=True)
    for one in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        whole = nn.ModuleDict({"backbone": one}).train()
        assert whole.training and not any(module.training for module in one.modules())
        assert not any(p.requires_grad for p in one.parameters())
        assert not any(x.requires_grad for x in one(torch.randn(1, 3, 64, 64)))
    assert type(net).__name__ == BACKBONES[name]["type"] and set(net.state_dict()) == set(backbone(name).state_dict())


#: the parts that learn when one block or stage is frozen
LEARNING = {
    "dino": {"blocks.1", "blocks.2", "norm.weight", "norm.bias"},
    "vit": {"layers.1", "layers.2"},
    "beit": {"layers.1", "layers.2"},
    "mae": {"layers.1", "layers.2"},
    "mit": {"layers.1", "layers.2", "layers.3"},
    "swin": {"stages.1", "stages.2", "stages.3"} | {f"norm{i}.{end}" for i in (1, 2, 3) for end in ("weight", "bias")},
    "pcpvt": {f"{part}.{i}" for part in ("patch_embeds", "layers", "position_encodings") for i in (1, 2)},
}
LEARNING["svt"] = LEARNING["pcpvt"] | {f"norm_list.{i}" for i in (1, 2)}


@pytest.mark.parametrize("name", LEARNING)
def test_first_block(name: str) -> None:
    net = backbone(name, freeze=1).train()
    learning = {".".join(key.split(".")[:2]) for key, p in net.named_parameters() if p.requires_grad}
    assert learning == LEARNING[name]
    for key, parameter in net.named_parameters():
        owner = net.get_submodule(key.rpartition(".")[0])
        assert owner is net or owner.training == parameter.requires_grad, key
    sum(x.mean() for x in net(torch.randn(2, 3, 64, 64))).backward()  # type: ignore[union-attr]


def test_numbers() -> None:
    assert {p.requires_grad for p in backbone("vit", freeze=3).parameters()} == {False}
    embedding = {key for key, p in backbone("vit", freeze=0).named_parameters() if not p.requires_grad}
    assert {key.partition(".")[0] for key in embedding} == {"patch_embed", "cls_token", "pos_embed"}
    for count in (-1, 4):
        with pytest.raises(
            ConfigError, match=f"freeze={count}: VisionTransformer has 3 blocks or stages; 0 to 3, or True"
        ):
            backbone("vit", freeze=count)


def test_stages_that_are_attributes() -> None:
    """As in feature extractors of timm, within a wrapper."""
    stages = nn.Module()
    for name in ("patch_embed", "layers_0", "norm_0", "layers_1", "norm_1"):
        stages.add_module(name, nn.LayerNorm(2))
    wrapper = nn.Module()
    wrapper.add_module("model", stages)
    assert freeze(wrapper, 1) == ("model.patch_embed", "model.layers_0", "model.norm_0")
    assert [key for key, p in wrapper.named_parameters() if p.requires_grad and key.endswith("weight")] == [
        "model.layers_1.weight",
        "model.norm_1.weight",
    ]


def test_no_blocks() -> None:
    with pytest.raises(
        InputError, match=r"freeze=1: Sequential has no list of blocks or stages .*; freeze=True freezes all"
    ):
        freeze(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)), 1)
    assert freeze(nn.Sequential(nn.Linear(1, 1)), True) == ("",)
