"""mmcv.cnn's AlexNet, VGG and ResNet, whose keys are torchvision's. Segue's own backbones are in `segue.backbones`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def _load(module: nn.Module, pretrained: str | None) -> None:
    """Weights of a path, URL or alias; without one those stay that torch gives."""
    if pretrained is not None:
        from segue.checkpoints import load_weights

        load_weights(module, pretrained)


def _freeze(*parts: nn.Module) -> None:
    for part in parts:
        part.eval()
        for parameter in part.parameters():
            parameter.requires_grad = False


class AlexNet(nn.Module):
    """Krizhevsky et al. 2012: images (B, 3, H, W) to maps (B, 256, h, w), or with ``num_classes`` to scores."""

    def __init__(self, num_classes: int = -1) -> None:
        super().__init__()
        self.num_classes = num_classes
        layers: list[nn.Module] = []
        for inside, outside, kernel, stride, padding, pool in (
            (3, 64, 11, 4, 2, True),
            (64, 192, 5, 1, 2, True),
            (192, 384, 3, 1, 1, False),
            (384, 256, 3, 1, 1, False),
            (256, 256, 3, 1, 1, True),
        ):
            layers += [nn.Conv2d(inside, outside, kernel, stride, padding), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(3, 2)] if pool else []
        self.features = nn.Sequential(*layers)
        if num_classes > 0:
            self.classifier = nn.Sequential(
                nn.Dropout(),
                nn.Linear(256 * 6 * 6, 4096),
                nn.ReLU(inplace=True),
                nn.Dropout(),
                nn.Linear(4096, 4096),
                nn.ReLU(inplace=True),
                nn.Linear(4096, num_classes),
            )

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load weights."""
        _load(self, pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Maps, or scores."""
        x = self.features(x)
        return self.classifier(x.flatten(1)) if self.num_classes > 0 else x


def make_vgg_layer(
    inplanes: int, planes: int, num_blocks: int, dilation: int = 1, with_bn: bool = False, ceil_mode: bool = False
) -> list[nn.Module]:
    """The layers of a stage: convolutions of 3 x 3, and a pooling by 2."""
    layers: list[nn.Module] = []
    for index in range(num_blocks):
        source = inplanes if index == 0 else planes
        layers.append(nn.Conv2d(source, planes, 3, padding=dilation, dilation=dilation))
        layers += [nn.BatchNorm2d(planes)] if with_bn else []
        layers.append(nn.ReLU(inplace=True))
    return [*layers, nn.MaxPool2d(2, 2, ceil_mode=ceil_mode)]


class VGG(nn.Module):
    """Simonyan and Zisserman, arXiv:1409.1556.

    Args:
        depth: 11, 13, 16 or 19.
        with_bn: batch normalization.
        num_classes: with a classifier, for images of 224 x 224.
        num_stages, dilations, out_indices: the stages, and which are given out, after their pooling.
        frozen_stages: so many stages are not trained.
        bn_eval, bn_frozen: batch norms keep their statistics, and their weights, in training.
        ceil_mode: of the poolings.
        with_last_pool: whether the last stage pools.
    """

    arch_settings = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # noqa: RUF012

    def __init__(
        self,
        depth: int,
        with_bn: bool = False,
        num_classes: int = -1,
        num_stages: int = 5,
        dilations: Sequence[int] = (1, 1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        frozen_stages: int = -1,
        bn_eval: bool = True,
        bn_frozen: bool = False,
        ceil_mode: bool = False,
        with_last_pool: bool = True,
    ) -> None:
        super().__init__()
        if depth not in self.arch_settings:
            raise KeyError(f"invalid depth {depth} for vgg")
        if not 1 <= num_stages <= 5 or len(dilations) != num_stages or max(out_indices) >= num_stages:
            raise AssertionError(f"{num_stages} stages, {len(dilations)} dilations, out_indices={tuple(out_indices)}")
        self.num_classes, self.out_indices, self.frozen_stages = num_classes, tuple(out_indices), frozen_stages
        self.bn_eval, self.bn_frozen = bn_eval, bn_frozen
        layers: list[nn.Module] = []
        self.range_sub_modules: list[tuple[int, int]] = []
        source = 3
        for index, blocks in enumerate(self.arch_settings[depth][:num_stages]):
            planes = min(64 * 2**index, 512)
            stage = make_vgg_layer(source, planes, blocks, dilations[index], with_bn, ceil_mode)
            if index == num_stages - 1 and not with_last_pool:
                stage.pop()
            self.range_sub_modules.append((len(layers), len(layers) + len(stage)))
            layers += stage
            source = planes
        self.module_name = "features"
        self.features = nn.Sequential(*layers)
        if num_classes > 0:
            self.classifier = nn.Sequential(
                nn.Linear(512 * 7 * 7, 4096),
                nn.ReLU(inplace=True),
                nn.Dropout(),
                nn.Linear(4096, 4096),
                nn.ReLU(inplace=True),
                nn.Dropout(),
                nn.Linear(4096, num_classes),
            )

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load weights."""
        _load(self, pretrained)

    def forward(self, x: Tensor) -> Any:
        """The maps of ``out_indices``, and scores with a classifier; one of them is no tuple."""
        outs = []
        for index, (start, stop) in enumerate(self.range_sub_modules):
            x = self.features[start:stop](x)
            if index in self.out_indices:
                outs.append(x)
        if self.num_classes > 0:
            outs.append(self.classifier(x.flatten(1)))
        return outs[0] if len(outs) == 1 else tuple(outs)

    def train(self, mode: bool = True) -> VGG:
        """Leaves alone what is frozen."""
        super().train(mode)
        if self.bn_eval:
            _still(self, self.bn_frozen)
        if mode:
            _freeze(*[self.features[i] for stop in self.range_sub_modules[: max(self.frozen_stages, 0)]
                      for i in range(*stop)])  # fmt: skip
        return self


def _still(module: nn.Module, frozen: bool) -> None:
    for part in module.modules():
        if isinstance(part, _BatchNorm):
            part.eval()
            if frozen:
                _freeze(part)


class BasicBlock(nn.Module):
    """Two convolutions of 3 x 3 beside a shortcut."""

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = "pytorch",
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if style not in ("pytorch", "caffe"):
            raise AssertionError(f"style={style!r}: 'pytorch' or 'caffe'")
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample, self.with_cp = downsample, with_cp

    def _branch(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return out + (x if self.downsample is None else self.downsample(x))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inplanes, H, W) to (B, planes * expansion, H', W')."""
        saved = self.with_cp and x.requires_grad
        return self.relu(checkpoint(self._branch, x, use_reentrant=False) if saved else self._branch(x))


class Bottleneck(BasicBlock):
    """1 x 1, 3 x 3 and 1 x 1; the stride is the second's in ``pytorch`` style, the first's in ``caffe`` style."""

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: nn.Module | None = None,
        style: str = "pytorch",
        with_cp: bool = False,
    ) -> None:
        super().__init__(inplanes, planes, 1, 1, downsample, style, with_cp)
        first, second = (1, stride) if style == "pytorch" else (stride, 1)
        self.conv1 = nn.Conv2d(inplanes, planes, 1, first, bias=False)
        self.conv2 = nn.Conv2d(planes, planes, 3, second, dilation, dilation, bias=False)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)

    def _branch(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        out = self.bn3(self.conv3(out))
        return out + (x if self.downsample is None else self.downsample(x))  # type: ignore[no-any-return]


def make_res_layer(
    block: Any,
    inplanes: int,
    planes: int,
    blocks: int,
    stride: int = 1,
    dilation: int = 1,
    style: str = "pytorch",
    with_cp: bool = False,
) -> nn.Sequential:
    """A stage of residual blocks."""
    downsample = None
    if stride != 1 or inplanes != planes * block.expansion:
        downsample = nn.Sequential(
            nn.Conv2d(inplanes, planes * block.expansion, 1, stride, bias=False),
            nn.BatchNorm2d(planes * block.expansion),
        )
    layers = [block(inplanes, planes, stride, dilation, downsample, style=style, with_cp=with_cp)]
    layers += [
        block(planes * block.expansion, planes, 1, dilation, style=style, with_cp=with_cp) for _ in range(blocks - 1)
    ]
    return nn.Sequential(*layers)


class ResNet(nn.Module):
    """He et al., arXiv:1512.03385, of depth 18, 34, 50, 101 or 152; the arguments are those of `VGG`."""

    arch_settings = {  # noqa: RUF012
        18: (BasicBlock, (2, 2, 2, 2)),
        34: (BasicBlock, (3, 4, 6, 3)),
        50: (Bottleneck, (3, 4, 6, 3)),
        101: (Bottleneck, (3, 4, 23, 3)),
        152: (Bottleneck, (3, 8, 36, 3)),
    }

    def __init__(
        self,
        depth: int,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        style: str = "pytorch",
        frozen_stages: int = -1,
        bn_eval: bool = True,
        bn_frozen: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if depth not in self.arch_settings:
            raise KeyError(f"invalid depth {depth} for resnet")
        if not 1 <= num_stages <= 4 or not len(strides) == len(dilations) == num_stages:
            raise AssertionError(f"{num_stages} stages, {len(strides)} strides, {len(dilations)} dilations")
        if max(out_indices) >= num_stages:
            raise AssertionError(f"out_indices={tuple(out_indices)}, but there are {num_stages} stages")
        block, counts = self.arch_settings[depth]
        self.out_indices, self.frozen_stages = tuple(out_indices), frozen_stages
        self.bn_eval, self.bn_frozen = bn_eval, bn_frozen
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.res_layers, source = [], 64
        for index in range(num_stages):
            planes, name = 64 * 2**index, f"layer{index + 1}"
            options = strides[index], dilations[index], style, with_cp
            self.add_module(name, make_res_layer(block, source, planes, counts[index], *options))
            self.res_layers.append(name)
            source = planes * block.expansion
        self.feat_dim = source

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load weights."""
        _load(self, pretrained)

    def forward(self, x: Tensor) -> Any:
        """The maps of ``out_indices``; one is no tuple."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        outs = []
        for index, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if index in self.out_indices:
                outs.append(x)
        return outs[0] if len(outs) == 1 else tuple(outs)

    def train(self, mode: bool = True) -> ResNet:
        """Leaves alone what is frozen."""
        super().train(mode)
        if self.bn_eval:
            _still(self, self.bn_frozen)
        if mode and self.frozen_stages >= 0:
            _freeze(self.conv1, self.bn1, *[getattr(self, name) for name in self.res_layers[: self.frozen_stages]])
        return self
