"""``freeze`` and ``lora`` in a config: for Segue's backbones, a project's own, and those that mmseg's names build."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segue.compat.components import component
from segue.compat.mmengine.registry import MODELS
from segue.config.builder.build import build, build_model, check
from segue.config.builder.tuned import tune
from segue.errors import ConfigError
from segue.layers.lora import Lora, adapted_layers
from tests.layers.small_transformers import BACKBONES, backbone


class OwnEncoder(nn.Module):
    """A project's backbone; its blocks have separate queries and values."""

    def __init__(self, width: int = 8, **kwargs: Any) -> None:
        nn.Module.__init__(self)
        self.options = kwargs
        self.embed = nn.Conv2d(3, width, 4, 4)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"q": nn.Linear(width, width), "k": nn.Linear(width, width), "v": nn.Linear(width, width)})
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.embed(x).permute(0, 2, 3, 1)
        for block in self.blocks:
            x = x + block["v"](x) * (block["q"](x) * block["k"](x)).sigmoid()
        return [x.permute(0, 3, 1, 2)]


class OwnFreeze(OwnEncoder):
    """One that has its own idea of freezing, by a keyword."""

    def __init__(self, **kwargs: Any) -> None:
        frozen = kwargs.pop("freeze", False)
        OwnEncoder.__init__(self, **kwargs)
        self.mine = frozen


class OwnLora(OwnEncoder):
    def __init__(self, lora: dict[str, Any] | None = None) -> None:
        OwnEncoder.__init__(self)
        self.mine = lora


def own(name: str, **values: Any) -> Any:
    return build({"model": {"type": f"{__name__}.{name}", **values}}, "model", "backbones")


def test_a_projects_backbone() -> None:
    net = own("OwnEncoder", lora={"r": 2})
    assert list(adapted_layers(net)) == ["blocks.0.q", "blocks.0.v", "blocks.1.q", "blocks.1.v"]
    assert net.options == {} and type(net).__name__ == "OwnEncoder"
    net = own("OwnEncoder", freeze=1).train()
    assert not net.embed.training and net.blocks[1].training
    assert {key.split(".")[1] for key, p in net.named_parameters() if p.requires_grad} == {"1"}


def test_an_argument_of_the_class_is_its_own() -> None:
    net = own("OwnFreeze", freeze=True)
    assert net.mine is True and all(p.requires_grad for p in net.parameters())
    assert own("OwnLora", lora={"r": 3}).mine == {"r": 3}


def test_freeze_keeps_adapters_out_of_the_first_blocks() -> None:
    net = backbone("vit", freeze=1, lora={"r": 2}).train()
    assert [name.split(".")[1] for name in adapted_layers(net)] == ["1", "2"]
    assert not net.layers[0].training and net.layers[1].training
    assert {key[-2:] for key, p in net.named_parameters() if p.requires_grad} == {"_A", "_B"}
    with pytest.raises(ConfigError, match="all layers that targets name are in the frozen parts of VisionTransformer"):
        backbone("vit", freeze=3, lora={"r": 2})


def test_both_without_freezing() -> None:
    net = backbone("vit", freeze=False, lora={"r": 2})
    assert all(p.requires_grad for p in net.parameters()) and adapted_layers(net)


def test_freezing_all_beside_adapters_is_the_default() -> None:
    nets = [backbone("vit", lora={"r": 2}, **more) for more in ({}, {"freeze": True})]
    learning = [[key for key, p in net.named_parameters() if p.requires_grad] for net in nets]
    assert learning[0] == learning[1]


def test_nothing_asked() -> None:
    for more in ({"freeze": False}, {"freeze": None}, {"lora": None}, {"lora": False}):
        net = backbone("vit", **more)
        assert all(p.requires_grad for p in net.parameters()) and not adapted_layers(net)


def test_stages_of_classes_that_count_themselves() -> None:
    """freeze=N of a ResNet is its frozen_stages."""
    net = build({"model": {"type": "ResNetV1c", "depth": 18, "freeze": 1}}, "model", "backbones").train()
    assert net.frozen_stages == 1 and not net.stem.training


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"freeze": "yes"}, "model.freeze", "True, False or a number of blocks is expected, not 'yes'"),
        ({"freeze": 1.5}, "model.freeze", "not 1.5"),
        ({"lora": 8}, "model.lora", "a dict such as dict(r=8) is expected, not 8"),
        ({"lora": True}, "model.lora", "not True"),
        ({"lora": [{"r": 8}]}, "model.lora", "is expected, not ["),
        ({"lora": {"rank": 8}}, "model.lora.rank", "Lora has no argument 'rank'"),
        ({"lora": {"r": "8"}}, "model.lora.r", "expected int, not '8'"),
        ({"lora": {"r": 2.5}}, "model.lora.r", "expected int, not 2.5"),
        ({"lora": {"target": "qkv"}}, "model.lora.target", "did you mean 'targets'?"),
        ({"lora": {"dropout": "a"}}, "model.lora.dropout", "expected float, not 'a'"),
    ],
)
def test_wrong_values(given: dict[str, Any], path: str, message: str) -> None:
    found = check({"model": {**BACKBONES["vit"], **given}}, {"model": "backbones"})
    assert [problem.key for problem in found] == [path]
    assert message in str(found[0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lora": {"r": 0}}, "model.lora: lora: r=0; a rank of 1 or more"),
        ({"lora": {"r": 64}}, "model: lora: r=64 is more than the smaller side of layers.0.attn.attn.in_proj"),
        ({"lora": {"targets": "qkv"}}, "'qkv' is no linear layer of VisionTransformer"),
    ],
)
def test_wrong_sizes(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        backbone("vit", **given)


def test_convolutions() -> None:
    with pytest.raises(ConfigError, match="lora: ResNet has no attention layers such as qkv, q or v, nor any other"):
        build({"model": {"type": "ResNetV1c", "depth": 18, "lora": {"r": 2}}}, "model", "backbones")
    both = {"type": "ResNetV1c", "depth": 18, "frozen_stages": 1, "freeze": 2}
    (problem,) = check({"model": both}, {"model": "backbones"})
    assert problem.key == "model.freeze" and "frozen_stages=1 is given, too" in str(problem)


def test_heads_have_neither() -> None:
    head = {"type": "FCNHead", "in_channels": 8, "channels": 4, "num_classes": 2, "freeze": True}
    (problem,) = check({"model": head}, {"model": "heads"})
    assert "has no argument 'freeze'" in str(problem)


def test_by_names_of_mmseg() -> None:
    """MODELS.build of a project's segmentor, and a project's subclass of a backbone."""
    net = MODELS.build(dict(BACKBONES["mit"], lora={"r": 2}))
    assert len(adapted_layers(net)) == 4
    with pytest.raises(ConfigError, match=r"MixVisionTransformer.lora.rank: Lora has no argument 'rank'"):
        MODELS.build(dict(BACKBONES["mit"], lora={"rank": 2}))
    mit: Any = component("MixVisionTransformer", ("backbones",))

    class Mine(mit):  # type: ignore[misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.extra = nn.Linear(4, 4)

    given = {key: value for key, value in BACKBONES["mit"].items() if key != "type"}
    net = MODELS.build(dict(type=Mine, freeze=True, **given)).train()
    assert not any(module.training for module in net.modules()) and isinstance(net, Mine)
    assert len(net(torch.zeros(1, 3, 32, 32))) == 4


def test_in_a_model() -> None:
    cfg = {
        "model": {
            "type": "EncoderDecoder",
            "backbone": dict(BACKBONES["mit"], lora={"r": 2, "targets": ["in_proj", "out_proj"]}),
            "decode_head": {
                "type": "SegformerHead",
                "in_channels": [16, 16, 32, 32],
                "in_index": [0, 1, 2, 3],
                "channels": 8,
                "num_classes": 2,
            },
        }
    }
    net = build_model(cfg)
    assert len(adapted_layers(net)) == 8
    assert all(p.requires_grad for p in net.decode_head.parameters())


def test_statistics_stay_beside_adapters() -> None:
    """A batch norm of a backbone with adapters is in evaluation, whether blocks are frozen or not."""

    class Normed(OwnEncoder):
        def __init__(self) -> None:
            OwnEncoder.__init__(self)
            self.norm = nn.BatchNorm2d(8)

    for amount, still in ((None, {"norm"}), (1, {"norm", "embed", "blocks.0"})):
        net = tune(Normed(), freeze=amount, lora=Lora(r=1)).train()
        assert {name for name, part in net.named_modules() if not part.training} >= still
        assert net.training and net.blocks[1].training
