"""ResNet: the goldens hold its numbers; here are sizes, dilation, freezing and messages."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segue.backbones.resnet import ResNet, ResNetV1c, ResNetV1d
from segue.errors import InputError
from tests.goldens_check import check_golden


@pytest.mark.parametrize("name", ["pspnet_r18", "fcn-d6_r50b-d16", "deeplabv3_r101-d16-mg124"])
def test_numbers_of_the_reference(name: str) -> None:
    """Deep stem and plain; strides turned into dilation; contracted dilation; multi-grid."""
    check_golden(name)


def test_strides_and_widths() -> None:
    """Stages at 1/4 to 1/32 of the image; a bottleneck's output is four times its width."""
    features = ResNet(50, in_channels=5).eval()(torch.zeros(1, 5, 97, 131))
    assert [tuple(f.shape[1:]) for f in features] == [(256, 25, 33), (512, 13, 17), (1024, 7, 9), (2048, 4, 5)]


def test_dilations_keep_the_size() -> None:
    features = ResNet(18, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)).eval()(torch.zeros(1, 3, 64, 64))
    assert [f.shape[-1] for f in features] == [16, 8, 8, 8]


def test_contract_dilation_halves_the_first_block_only() -> None:
    layer = ResNet(18, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), contract_dilation=True).layer4
    assert [block.conv1.dilation[0] for block in layer] == [2, 4]


def test_v1d_averages_in_the_shortcut_and_v1c_does_not() -> None:
    assert isinstance(ResNetV1d(18).layer2[0].downsample[0], nn.AvgPool2d)
    assert isinstance(ResNetV1c(18).layer2[0].downsample[0], nn.Conv2d)


def test_frozen_stages_neither_learn_nor_move_their_statistics() -> None:
    model = ResNetV1c(18, frozen_stages=1).train()
    frozen = {name.split(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"stem", "layer1"}
    before = model.stem[1].running_mean.clone()
    model(torch.randn(2, 3, 32, 32))
    assert torch.equal(model.stem[1].running_mean, before)


def test_norm_eval_keeps_statistics_in_training() -> None:
    model = ResNet(18, norm_eval=True).train()
    assert model.training and not model.layer1[0].bn1.training


def test_checkpointing_changes_no_gradient() -> None:
    """``with_cp`` recomputes in the backward pass; norms in evaluation mode make both passes deterministic."""
    plain, saving = ResNet(18, zero_init_residual=False), ResNet(18, with_cp=True)
    saving.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 32, 32)
    for model in (plain, saving):
        model.eval()
        model(x)[-1].sum().backward()
    assert torch.allclose(plain.conv1.weight.grad, saving.conv1.weight.grad, atol=1e-5)


def test_zero_init_residual_starts_as_the_shortcut() -> None:
    assert not ResNet(18).layer1[0].bn2.weight.any()
    assert ResNet(18, zero_init_residual=False).layer1[0].bn2.weight.all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 51}, r"depth=51; there are \[18, 34, 50, 101, 152\]"),
        ({"depth": 18, "strides": (1, 2)}, "strides and dilations need 4 values"),
        ({"depth": 18, "num_stages": 2, "strides": (1, 2), "dilations": (1, 1)}, r"num_stages=2 .* out_indices"),
        ({"depth": 50, "multi_grid": (1, 2)}, r"multi_grid=\(1, 2\) for a last stage of 3 blocks"),
    ],
)
def test_messages(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ResNet(**arguments)
