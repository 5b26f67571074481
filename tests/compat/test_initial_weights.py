"""``init_cfg``, ``pretrained`` and ``init_weights`` of components by mmseg's names. Oracle: mmseg 1.2.2 and mmengine
0.10.7 on the same calls.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from segue.errors import SegueError

BN = {"type": "BN"}
SWIN = {"embed_dims": 16, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)}
BACKBONES: dict[str, dict[str, Any]] = {
    "ResNet": {"depth": 18},
    "SwinTransformer": SWIN,
    "VisionTransformer": {"img_size": 32, "embed_dims": 16, "num_layers": 1, "num_heads": 2},
    "UNet": {"base_channels": 4},
    "MobileNetV2": {"widen_factor": 0.25},
    "CGNet": {"num_channels": (8, 16, 32)},
}


def build(**cfg: Any) -> Any:
    from mmseg.registry import MODELS

    return MODELS.build(cfg)


@pytest.mark.parametrize("name", BACKBONES)
def test_pretrained_is_an_init_cfg(name: str) -> None:
    more = BACKBONES[name]
    assert build(type=name, **more, pretrained="a.pth").init_cfg == {"type": "Pretrained", "checkpoint": "a.pth"}
    assert build(type=name, **more, pretrained=None).init_cfg is None
    with pytest.raises(TypeError, match="pretrained must be a str or None"):
        build(type=name, **more, pretrained=123)
    with pytest.raises(AssertionError, match=r"init_cfg and pretrained='a.pth' cannot be set at the same time"):
        build(type=name, **more, pretrained="a.pth", init_cfg={"type": "Pretrained", "checkpoint": "b.pth"})


def test_pretrained_weights_are_loaded(tmp_path: Path) -> None:
    from mmseg.models.backbones import ResNet

    trained = ResNet(depth=18)
    file = tmp_path / "r18.pth"
    torch.save(trained.state_dict(), file)
    made = ResNet(depth=18, pretrained=str(file))
    assert not torch.equal(made.conv1.weight, trained.conv1.weight)
    made.init_weights()
    assert torch.equal(made.conv1.weight, trained.conv1.weight)
    head = {"type": "FCNHead", "in_channels": 512, "in_index": 3, "channels": 4, "num_classes": 3, "norm_cfg": BN}
    model = build(
        type="EncoderDecoder", pretrained=str(file), backbone={"type": "ResNet", "depth": 18}, decode_head=head
    )
    assert model.backbone.init_cfg == {"type": "Pretrained", "checkpoint": str(file)}
    model.init_weights()
    assert torch.equal(model.backbone.conv1.weight, trained.conv1.weight)
    with pytest.raises(AssertionError, match="both backbone and segmentor set pretrained weight"):
        backbone = {"type": "ResNet", "depth": 18, "pretrained": "a.pth"}
        build(type="EncoderDecoder", pretrained="b.pth", backbone=backbone, decode_head=head)


@pytest.mark.parametrize(
    ("cfg", "weight", "bias"),
    [
        ({"type": "Constant", "layer": "Conv2d", "val": 2.0}, 2.0, 0.0),
        ({"type": "ConstantInit", "layer": ["Conv2d"], "val": 2.0, "bias": 0.5}, 2.0, 0.5),
        ([{"type": "Normal", "layer": "Conv2d"}, {"type": "Constant", "layer": "Conv2d", "val": 3.0}], 3.0, 0),
        ({"type": "Constant", "val": 1.0, "bias": 2.0, "override": {"name": "conv_seg"}}, 1.0, 2.0),
        ({"type": "Normal", "std": 0.0, "layer": "Conv2d", "bias_prob": 0.01}, 0.0, -4.595119),
        (
            {"type": "Normal", "std": 1.0, "layer": "Linear",
             "override": {"type": "Constant", "name": "conv_seg", "val": 7.0, "bias_prob": 0.5}},
            7.0,
            0.0,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_any_kind_is_kept_and_applied(cfg: Any, weight: float, bias: float) -> None:
    head = build(type="FCNHead", in_channels=8, channels=4, num_classes=3, norm_cfg=BN, init_cfg=cfg)
    assert head.init_cfg == cfg
    head.init_weights()
    assert head.conv_seg.weight.unique().tolist() == [weight]
    assert head.conv_seg.bias.unique().tolist() == pytest.approx([bias])


def test_an_initializer_of_the_users() -> None:
    from mmengine.registry import WEIGHT_INITIALIZERS

    @WEIGHT_INITIALIZERS.register_module()
    class Sevens:
        def __init__(self, val: float) -> None:
            self.val = val

        def __call__(self, module: nn.Module) -> None:
            nn.init.constant_(module.conv_seg.weight, self.val)

    head = build(type="FCNHead", in_channels=8, channels=4, num_classes=3, init_cfg={"type": "Sevens", "val": 7.0})
    head.init_weights()
    assert (head.conv_seg.weight == 7).all()


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ({"type": "Normel", "layer": "Conv2d"}, "no initializer 'Normel'; did you mean 'Normal'"),
        ({"type": "Normal", "override": {"name": "nothing"}}, "override names 'nothing', which is no part of FCNHead"),
        ({"type": "Normal", "override": {"name": "conv_seg", "std": 1}}, r"override of 'conv_seg' has \['std'\]"),
    ],
)
def test_refusals(cfg: Any, message: str) -> None:
    head = build(type="FCNHead", in_channels=8, channels=4, num_classes=3, init_cfg=cfg)
    with pytest.raises(ValueError, match=message) as caught:
        head.init_weights()
    assert isinstance(caught.value, SegueError)
