"""mmcv.cnn blocks: structure and names as mmcv's checkpoints have them, numbers by torch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import segue.compat  # noqa: F401


def test_conv_module() -> None:
    from mmcv.cnn import ConvModule

    block = ConvModule(3, 4, 3, padding=1, norm_cfg=dict(type="BN"), act_cfg=dict(type="LeakyReLU", negative_slope=0.2))
    keys = ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"]
    assert list(block.state_dict()) == keys and block.with_norm and block.norm is block.bn
    x = torch.randn(2, 3, 8, 8)
    block.eval()
    expected = nn.functional.leaky_relu(block.bn(nn.functional.conv2d(x, block.conv.weight, padding=1)), 0.2)
    assert torch.equal(block(x), expected)
    assert torch.equal(block(x, activate=False), block.bn(block.conv(x)))
    bare = ConvModule(3, 4, 1, act_cfg=None)
    assert list(bare.state_dict()) == ["conv.weight", "conv.bias"] and not bare.with_activation
    first = ConvModule(
        3, 4, 3, norm_cfg=dict(type="BN"), order=("norm", "conv", "act"), padding_mode="reflect", padding=1
    )
    assert first.norm.num_features == 3 and first(x).shape == (2, 4, 8, 8)


def test_depthwise_separable() -> None:
    from mmcv.cnn import DepthwiseSeparableConvModule

    block = DepthwiseSeparableConvModule(4, 6, 3, padding=1, norm_cfg=dict(type="BN"), dw_act_cfg=None)
    assert block.depthwise_conv.conv.groups == 4 and not block.depthwise_conv.with_activation
    assert block(torch.randn(2, 4, 5, 5)).shape == (2, 6, 5, 5)


@pytest.mark.parametrize(
    ("cfg", "name", "kind"),
    [
        (dict(type="BN", requires_grad=False), "bn1", nn.BatchNorm2d),
        (dict(type="SyncBN", eps=1e-3), "bn1", nn.BatchNorm2d),
        (dict(type="GN", num_groups=2), "gn1", nn.GroupNorm),
        (dict(type="LN"), "ln1", nn.LayerNorm),
        (dict(type="IN"), "in1", nn.InstanceNorm2d),
    ],
)
def test_norm_layers(cfg: dict, name: str, kind: type) -> None:
    from mmcv.cnn import build_norm_layer, is_norm

    found, layer = build_norm_layer(cfg, 4, postfix=1)
    assert found == name and isinstance(layer, kind) and is_norm(layer)
    assert all(p.requires_grad == cfg.get("requires_grad", True) for p in layer.parameters())
    assert layer.eps == cfg.get("eps", 1e-5)


def test_other_layers_and_a_users_own() -> None:
    from mmcv.cnn import build_activation_layer, build_conv_layer, build_norm_layer, build_upsample_layer
    from mmseg.registry import MODELS

    assert isinstance(build_conv_layer(None, 3, 4, 1), nn.Conv2d)
    assert isinstance(build_conv_layer(dict(type="Conv1d"), 3, 4, 1), nn.Conv1d)
    assert build_activation_layer(dict(type="ReLU", inplace=True)).inplace
    up = build_upsample_layer(dict(type="bilinear", scale_factor=2, align_corners=False))
    assert up(torch.zeros(1, 1, 4, 4)).shape == (1, 1, 8, 8)

    @MODELS.register_module()
    class HalfNorm(nn.BatchNorm2d):
        pass

    assert build_norm_layer(dict(type="HalfNorm"), 4)[0] == "bn"
    with pytest.raises(KeyError, match="there is no normalization 'XN'; there are BN, "):
        build_norm_layer(dict(type="XN"), 4)


def test_functions_of_losses() -> None:
    """By hand: elements 1, 2, 3 with weights 1, 0, 2 sum to 7."""
    from mmseg.models.losses import weight_reduce_loss, weighted_loss

    loss, weight = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, 2.0])
    assert weight_reduce_loss(loss, weight, "sum") == 7 and weight_reduce_loss(loss, weight, "mean") == pytest.approx(
        7 / 3
    )
    assert weight_reduce_loss(loss, weight, "mean", avg_factor=2) == pytest.approx(3.5)
    with pytest.raises(ValueError, match='avg_factor can not be used with reduction="sum"'):
        weight_reduce_loss(loss, weight, "sum", avg_factor=2)

    @weighted_loss
    def gap(pred, target):
        return (pred - target).abs()

    assert gap(loss, torch.zeros(3), weight, reduction="sum") == 7


def test_accuracy() -> None:
    """Labels 0, 1, 2, ignored; predictions 0, 2, 2, 1: two of three."""
    from mmseg.models.losses import accuracy

    logits = torch.eye(3)[[0, 2, 2, 1]].T[None]
    labels = torch.tensor([[0, 1, 2, 255]])
    assert accuracy(logits, labels, ignore_index=255) == pytest.approx(200 / 3)
    assert accuracy(logits, labels, topk=(1, 3), ignore_index=255)[1] == pytest.approx(100.0)


def test_initializers() -> None:
    from mmengine.model import BaseModule, Sequential, kaiming_init

    class Net(BaseModule):
        def __init__(self, init_cfg=None):
            super().__init__(init_cfg)
            self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
            self.last = Sequential(nn.Linear(4, 2), init_cfg=dict(type="Constant", val=5.0, layer="Linear"))

    rules = [
        dict(
            type="Constant",
            layer=["Conv2d", "_BatchNorm"],
            val=2.0,
            bias=1.0,
            override=dict(name="conv", type="Constant", val=3.0),
        ),
    ]
    net = Net(rules)
    net.init_weights()
    assert net.conv.weight.unique().item() == 3 and net.bn.weight.unique().item() == 2
    assert net.bn.bias.unique().item() == 1 and net.last[0].weight.unique().item() == 5
    net.conv.weight.data.zero_()
    net.init_weights()  # once
    assert net.conv.weight.abs().sum() == 0
    torch.manual_seed(0)
    kaiming_init(net.conv, mode="fan_in", nonlinearity="relu")
    assert net.conv.weight.std().item() == pytest.approx((2 / 27) ** 0.5, rel=0.2)
