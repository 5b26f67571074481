"""AlexNet, VGG and ResNet. Oracle: the parameter counts that torchvision publishes for its models of these names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from segue.compat.mmcv import classifiers


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("made", "published"),
    [
        (lambda: classifiers.AlexNet(1000), 61100840),
        (lambda: classifiers.VGG(16, num_classes=1000), 138357544),
        (lambda: classifiers.VGG(19, with_bn=True, num_classes=1000), 143678248),
        (lambda: classifiers.ResNet(18), 11689512 - 513000),  # without the classifier: 512 or 2048 x 1000 + 1000
        (lambda: classifiers.ResNet(50), 25557032 - 2049000),
        (lambda: classifiers.ResNet(152), 60192808 - 2049000),
    ],
)
def test_sizes(made: Any, published: int) -> None:
    with torch.device("meta"):
        assert count(made()) == published


def test_keys() -> None:
    """As torchvision names them."""
    with torch.device("meta"):
        resnet, vgg, alex = classifiers.ResNet(50), classifiers.VGG(11), classifiers.AlexNet(5)
    assert (
        "layer2.0.downsample.1.running_mean" in resnet.state_dict() and "layer4.2.conv3.weight" in resnet.state_dict()
    )
    assert [key for key in vgg.state_dict() if key.endswith("weight")][-1] == "features.18.weight"
    assert "classifier.6.weight" in alex.state_dict() and "features.10.bias" in alex.state_dict()


def test_maps() -> None:
    image = torch.randn(1, 3, 64, 64)
    maps = classifiers.ResNet(18, dilations=(1, 1, 1, 2), strides=(1, 2, 2, 1))(image)
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 4, 4)]
    assert classifiers.ResNet(50, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,), style="caffe")(
        image
    ).shape == (1, 256, 16, 16)
    outs = classifiers.VGG(11, out_indices=(2, 4), with_last_pool=False)(image)
    assert [tuple(m.shape[1:]) for m in outs] == [(256, 8, 8), (512, 4, 4)]
    assert classifiers.AlexNet()(image).shape == (1, 256, 1, 1)


def test_frozen_parts() -> None:
    model = classifiers.ResNet(18, frozen_stages=1, bn_eval=True).train()
    assert not model.layer1[0].conv1.weight.requires_grad and model.layer2[0].conv1.weight.requires_grad
    assert not model.layer3[0].bn1.training and model.layer3.training
    vgg = classifiers.VGG(11, with_bn=True, frozen_stages=1, bn_eval=False).train()
    assert not vgg.features[0].weight.requires_grad and vgg.features[4].weight.requires_grad
    assert vgg.features[5].training and not vgg.features[1].training


def test_saved_memory_is_the_same_result() -> None:
    torch.manual_seed(0)
    layer = classifiers.make_res_layer(classifiers.Bottleneck, 8, 4, 2, stride=2, with_cp=True).eval()
    x = torch.randn(2, 8, 6, 6, requires_grad=True)
    out = layer(x)
    for block in layer:
        block.with_cp = False
    torch.testing.assert_close(out, layer(x))


@pytest.mark.parametrize(
    ("make", "error"),
    [(lambda: classifiers.VGG(12), KeyError), (lambda: classifiers.ResNet(20), KeyError),
     (lambda: classifiers.ResNet(18, num_stages=2), AssertionError),
     (lambda: classifiers.BasicBlock(4, 4, style="x"), AssertionError)],
)  # fmt: skip
def test_refused(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()
