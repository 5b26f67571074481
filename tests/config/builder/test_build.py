"""Building: what arrives at a constructor, and what a config with mistakes is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from torch import nn

from segue.config import Config
from segue.config.builder.build import build, build_model, check
from segue.config.builder.pretrained import PretrainedSource, pretrained_sources
from segue.config.builder.signature import signature
from segue.errors import ConfigError, InputError
from segue.layers.norm import Norm
from segue.types import Activation, Loss
from tests.models.small import encoder_decoder


@dataclass(frozen=True, kw_only=True)
class Extra:
    """A typed section."""

    width: int
    mode: Literal["slow", "fast"] = "slow"


class Probe(nn.Module):
    """Remembers what it was given."""

    def __init__(
        self,
        depth: int,
        *,
        rate: float = 0.5,
        name: str = "x",
        flag: bool = False,
        sizes: Sequence[int] = (),
        norm: Norm | None = None,
        act: Activation | None = None,
        extra: Extra | None = None,
        stages: Mapping[str, Extra] | None = None,
        loss_decode: Loss | Sequence[Loss] | None = None,
        anything: Any = None,
    ) -> None:
        nn.Module.__init__(self)
        if depth < 0:
            raise InputError(f"Probe: depth={depth}; it must not be negative")
        self.given = dict(locals())


PATH = f"{__name__}.Probe"


def probe(**values: Any) -> dict[str, Any]:
    return build({"part": {"type": PATH, "depth": 1, **values}}, "part", "heads").given


def problems(**values: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        build({"part": {"type": PATH, **({"depth": 1} | values)}}, "part", "heads")
    return [f"{p.key}: {p.message}" for p in caught.value.problems]


def test_dicts_arrive_as_objects() -> None:
    given = probe(
        norm_cfg={"type": "SyncBN", "requires_grad": False},
        act_cfg={"type": "LeakyReLU", "negative_slope": 0.3},
        extra={"width": 3},
        stages={"a": {"width": 1, "mode": "fast"}},
        loss_decode=[{"type": "CrossEntropyLoss"}, {"type": "DiceLoss", "loss_weight": 3.0}],
        anything={"left": "alone"},
    )
    assert given["norm"] == Norm("SyncBN", requires_grad=False)
    act = given["act"]()
    assert isinstance(act, nn.LeakyReLU) and act.negative_slope == 0.3
    assert given["extra"] == Extra(width=3)
    assert given["stages"] == {"a": Extra(width=1, mode="fast")}
    assert [type(loss).__name__ for loss in given["loss_decode"]] == ["CrossEntropyLoss", "DiceLoss"]
    assert given["anything"] == {"left": "alone"}


def test_what_asks_for_nothing_is_dropped() -> None:
    given = probe(conv_cfg=None, init_cfg={"type": "Pretrained", "checkpoint": "x"}, pretrained=None, train_cfg={})
    assert given["depth"] == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depht": 3}, "part.depht: Probe has no argument 'depht'; did you mean 'depth'?"),
        ({"norm_cgf": {}}, "part.norm_cgf: Probe has no argument 'norm_cgf'; did you mean 'norm_cfg'?"),
        ({"depth": "50"}, "part.depth: expected int, not '50'"),
        ({"depth": True}, "part.depth: expected int, not True"),
        ({"depth": [1]}, "part.depth: expected int, not the list [1]"),
        ({"depth": {"a": 1}}, "part.depth: expected int, not the dict {'a': 1}"),
        ({"sizes": 3}, "part.sizes: expected Sequence[int], not 3"),
        ({"sizes": [1, "b"]}, "part.sizes.1: expected int, not 'b'"),
        ({"flag": "yes"}, "part.flag: expected bool, not 'yes'"),
        (
            {"norm_cfg": {"type": "SynBN"}},
            "part.norm_cfg.type: there is no normalization 'SynBN'; did you mean 'SyncBN'?",
        ),
        ({"norm_cfg": {"type": "BN", "epz": 1}}, "part.norm_cfg.epz: Norm has no argument 'epz'; did you mean 'eps'?"),
        ({"norm_cfg": "BN"}, "part.norm_cfg: expected a dict with a 'type', not 'BN'"),
        ({"act_cfg": {"type": "Relu"}}, "part.act_cfg.type: there is no activation 'Relu'; did you mean 'ReLU'?"),
        ({"act_cfg": {"type": "ReLU", "slope": 1}}, "part.act_cfg.slope: ReLU has no argument 'slope'"),
        ({"extra": {"mode": "fats"}}, "part.extra.mode: expected 'slow' or 'fast', not 'fats'; did you mean 'fast'?"),
        ({"extra": {}}, "part.extra: Extra needs the argument 'width'"),
        (
            {"loss_decode": {"type": "CrossEntropy"}},
            "there is no 'CrossEntropy' in losses; did you mean 'CrossEntropyLoss'?",
        ),
        ({"loss_decode": {"use_sigmoid": True}}, "part.loss_decode: has no 'type'; it needs the name of one of losses"),
        ({"depth": -1}, "part: Probe: depth=-1; it must not be negative"),
    ],
)
def test_messages(values: dict[str, Any], message: str) -> None:
    assert any(message in found for found in problems(**values)), problems(**values)


def test_a_missing_argument() -> None:
    with pytest.raises(ConfigError, match="part: Probe needs the argument 'depth'"):
        build({"part": {"type": PATH}}, "part", "heads")


def test_all_problems_at_once_with_their_lines(tmp_path: Any) -> None:
    (tmp_path / "base.py").write_text("norm_cfg = dict(type='SynBN')\n")
    (tmp_path / "cfg.py").write_text(
        "_base_ = 'base.py'\n"
        "model = dict(\n"
        "    type='EncoderDecoder',\n"
        "    backbone=dict(type='ResNet', depth='50', norm_cfg=_base_.norm_cfg),\n"
        "    decode_head=dict(type='PSPHed', in_channels=64, channels=8, num_classes=3),\n"
        "    auxilary_head=None)\n"
    )
    with pytest.raises(ConfigError) as caught:
        build_model(Config.fromfile(tmp_path / "cfg.py"))
    lines = {p.key: p.where.rsplit("/", 1)[-1] for p in caught.value.problems}
    assert lines == {
        "model.backbone.depth": "cfg.py:4",
        "model.backbone.norm_cfg.type": "base.py:1",
        "model.decode_head.type": "cfg.py:5",
        "model.auxilary_head": "cfg.py:6",
    }
    assert str(caught.value).startswith("4 problems in the config:\n")


def test_options_take_the_flat_keys() -> None:
    model = build_model(encoder_decoder())
    assert model.decode_head.options.channels == 8 and len(model.decode_head.psp_modules) == 2
    assert type(model.decode_head.loss_decode[0]).__name__ == "CrossEntropyLoss"  # the default


def test_top_level_preprocessor_serves_a_model_without_its_own() -> None:
    cfg = encoder_decoder() | {"data_preprocessor": {"type": "SegDataPreProcessor", "size": (4, 4)}}
    assert build_model(cfg).data_preprocessor.train_padding.size == (4, 4)
    assert "data_preprocessor" not in cfg["model"]


def test_check_builds_nothing_and_finds_everything() -> None:
    cfg = encoder_decoder() | {"val_evaluator": {"type": "IoUMetrik"}}
    cfg["model"]["backbone"]["depth"] = "deep"
    assert [p.key for p in check(cfg)] == ["model.backbone.depth", "val_evaluator.type"]


def test_pretrained_sources() -> None:
    init = {"type": "Pretrained", "checkpoint": "b.pth", "prefix": "backbone."}
    cfg = {
        "model": {"pretrained": "open-mmlab://resnet50_v1c", "backbone": {"init_cfg": init}, "decode_head": [{}, {}]}
    }
    assert pretrained_sources(cfg) == [
        PretrainedSource("backbone", "open-mmlab://resnet50_v1c"),
        PretrainedSource("backbone", "b.pth", "backbone."),
    ]


def test_classes_with_any_keyword_are_not_checked() -> None:
    def user_head(**kwargs: Any) -> Callable[..., Any]:
        return kwargs  # type: ignore[return-value]

    assert signature(user_head)[1]
    assert build({"part": {"type": user_head, "whatever": 3}}, "part", "heads") == {"whatever": 3}
