"""Registries: names to classes, with mmengine's behaviour, which the tests state."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import segue.compat  # noqa: F401
from segue.config.builder.build import build
from segue.config.builder.register import registered
from segue.errors import ConfigError


def test_registered_classes_are_built_and_usable_in_configs() -> None:
    from mmseg.registry import MODELS

    @MODELS.register_module()
    class OwnNeck(nn.Module):
        def __init__(self, in_channels, norm_cfg=None, **kwargs):
            super().__init__()
            self.given = in_channels, norm_cfg, kwargs

    neck = MODELS.build(dict(type="OwnNeck", in_channels=4, norm_cfg=dict(type="BN"), extra=[1, 2]))
    assert neck.given == (4, {"type": "BN"}, {"extra": [1, 2]})
    assert MODELS.build(dict(type="mmseg.OwnNeck", in_channels=1)).given[0] == 1
    assert "OwnNeck" in MODELS and MODELS.get("OwnNeck") is OwnNeck
    same = build({"neck": dict(type="OwnNeck", in_channels=4, norm_cfg=dict(type="XX"))}, "neck", "necks")
    assert same.given[1] == {"type": "XX"}  # as written: Segue does not look into it
    with pytest.raises(ConfigError, match=r"neck: .*missing 1 required positional argument: 'in_channels'"):
        build({"neck": dict(type="OwnNeck")}, "neck", "necks")


def test_names_and_collisions() -> None:
    from mmengine.registry import Registry
    from mmseg.registry import DATASETS

    @DATASETS.register_module(name=["One", "Two"])
    class Data:
        pass

    assert DATASETS.get("One") is DATASETS.get("Two") is Data
    with pytest.raises(KeyError, match="One is already registered in dataset"):
        DATASETS.register_module(name="One", module=type("Other", (), {}))
    other = DATASETS.register_module(name="One", module=type("Other", (), {}), force=True)
    assert DATASETS.get("One") is other
    own = Registry("tool")
    own.register_module(module=Data)
    assert own.build(dict(type="Data")) and len(own) == 1 and "Data" not in registered
    with pytest.raises(KeyError, match="Nope is not in the tool registry; import the file that registers it"):
        own.build(dict(type="Nope"))
    with pytest.raises(TypeError, match="cfg should be a dict"):
        own.build("Data")
    with pytest.raises(KeyError, match='must contain the key "type"'):
        own.build({})


def test_segues_components_are_built_from_dicts() -> None:
    from mmengine.registry import build_from_cfg
    from mmseg.models import build_head, build_loss
    from mmseg.registry import MODELS

    head = build_head(
        dict(
            type="FCNHead",
            in_channels=4,
            channels=4,
            num_classes=3,
            num_convs=1,
            norm_cfg=dict(type="GN", num_groups=2),
        )
    )
    assert head([torch.zeros(1, 4, 8, 8)]).shape == (1, 3, 8, 8) and head.norm_cfg["type"] == "GN"
    loss = build_loss(dict(type="CrossEntropyLoss", loss_weight=2.0))
    assert loss.loss_weight == 2.0
    backbone = build_from_cfg(dict(type="ResNetV1c", depth=18), MODELS)
    assert len(backbone.eval()(torch.zeros(1, 3, 32, 32))) == 4
    with pytest.raises(ConfigError, match="FCNHead has no argument 'num_conv'; did you mean 'num_convs'"):
        build_head(dict(type="FCNHead", in_channels=4, channels=4, num_classes=3, num_conv=1))
