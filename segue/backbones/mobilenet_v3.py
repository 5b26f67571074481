"""MobileNetV3 (Howard et al. 2019, arXiv:1905.02244): inverted residuals with squeeze-and-excite and hard swish.

As used for segmentation (section 6.4): strides after 1/8 become dilations of 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.activation import ACTIVATIONS, RELU, HSigmoid
from segue.layers.conv import ConvModule
from segue.layers.freezing import Freezing
from segue.layers.inverted_residual import make_divisible
from segue.layers.norm import BN, Norm
from segue.layers.portable import missing
from segue.layers.recompute import recompute
from segue.types import Activation

HSWISH: Activation = ACTIVATIONS["HSwish"]
#: tables 1 and 2: kernel, expanded width, output width, squeeze-and-excite, hard swish, stride
Row = tuple[int, int, int, bool, bool, int]
BLOCKS: dict[str, tuple[Row, ...]] = {
    "small": (
        (3, 16, 16, True, False, 2),
        (3, 72, 24, False, False, 2),
        (3, 88, 24, False, False, 1),
        (5, 96, 40, True, True, 2),
        (5, 240, 40, True, True, 1),
        (5, 240, 40, True, True, 1),
        (5, 120, 48, True, True, 1),
        (5, 144, 48, True, True, 1),
        (5, 288, 96, True, True, 2),
        (5, 576, 96, True, True, 1),
        (5, 576, 96, True, True, 1),
    ),
    "large": (
        (3, 16, 16, False, False, 1),
        (3, 64, 24, False, False, 2),
        (3, 72, 24, False, False, 1),
        (5, 72, 40, True, False, 2),
        (5, 120, 40, True, False, 1),
        (5, 120, 40, True, False, 1),
        (3, 240, 80, False, True, 2),
        (3, 200, 80, False, True, 1),
        (3, 184, 80, False, True, 1),
        (3, 184, 80, False, True, 1),
        (3, 480, 112, True, True, 1),
        (3, 672, 112, True, True, 1),
        (5, 672, 160, True, True, 2),
        (5, 960, 160, True, True, 1),
        (5, 960, 160, True, True, 1),
    ),
}
#: the first blocks (from 0) with dilation 2 and 4, in place of their strides
DILATED = {"small": (3, 8), "large": (6, 12)}
LAST_CHANNELS = {"small": 576, "large": 960}


def pad_same(x: Tensor, kernel_size: int, stride: int) -> Tensor:
    """Pad (B, C, H, W) so that a convolution gives ceil(H / stride) rows, an odd row at the end, as TensorFlow does.

    Strided convolutions of the published weights were trained so; padding both sides alike would shift the grid.
    """
    pads: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = missing(size, stride) + kernel_size - stride  # no kernel is smaller than its stride
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class SqueezeExcite(nn.Module):
    """Weights channels by what their mean over the image says, with a quarter of their number between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = make_divisible(channels // 4, 8)
        self.conv1 = ConvModule(channels, hidden, 1)
        self.conv2 = ConvModule(hidden, channels, 1, act=HSigmoid)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return x * self.conv2(self.conv1(x.mean(dim=(2, 3), keepdim=True)))


class InvertedResidualV3(nn.Module):
    """1 x 1 to a wide map, k x k per channel, squeeze-and-excite, 1 x 1 back.

    Args:
        in_channels, width, out_channels: of the ends and the middle; equal first two leave the first 1 x 1 out.
        kernel_size, stride, dilation: of the k x k.
        has_shortcut: whether the input is added.
        squeezes: whether there is squeeze-and-excite.
        norm, act: of the convolutions.
        with_cp: recompute the block in the backward pass, to save memory.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int,
        dilation: int,
        has_shortcut: bool,
        squeezes: bool,
        norm: Norm | None,
        act: Activation,
        with_cp: bool,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self.has_shortcut = has_shortcut
        self.kernel_size, self.stride = kernel_size, stride
        self.expand_conv = ConvModule(in_channels, width, 1, norm=norm, act=act) if width != in_channels else None
        self.depthwise_conv = ConvModule(
            width,
            width,
            kernel_size,
            stride=stride,
            padding=0 if stride > 1 else kernel_size // 2 * dilation,
            dilation=dilation,
            groups=width,
            norm=norm,
            act=act,
        )
        self.se = SqueezeExcite(width) if squeezes else None
        self.linear_conv = ConvModule(width, out_channels, 1, norm=norm, act=None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H / stride, W / stride)."""
        if self.with_cp and x.requires_grad:
            return recompute(self._compute, x)
        return self._compute(x)

    def _compute(self, x: Tensor) -> Tensor:
        out = x if self.expand_conv is None else self.expand_conv(x)
        if self.stride > 1:
            out = pad_same(out, self.kernel_size, self.stride)
        out = self.depthwise_conv(out)
        if self.se is not None:
            out = self.se(out)
        out = self.linear_conv(out)
        return x + out if self.has_shortcut else out


class MobileNetV3(Freezing):
    """A convolution, 11 or 15 inverted residuals, and a 1 x 1 convolution: layers 0 to 12 or 16.

    Args:
        arch: ``small`` or ``large``.
        out_indices: layers whose output is returned.
        frozen_stages: layers up to this one are not trained; -1: everything is.
        reduction_factor: divides the widths of the last stage; 2 in the paper's segmentation models.
        in_channels: channels of the image.
        norm: of the convolutions; ``norm_eval`` keeps the statistics in training.
        with_cp: recompute blocks in the backward pass, to save memory.

    Raises:
        InputError: layers that do not exist.
    """

    def __init__(
        self,
        arch: Literal["small", "large"] = "small",
        *,
        norm: Norm | None = BN,
        out_indices: Sequence[int] = (0, 1, 12),
        frozen_stages: int = -1,
        reduction_factor: int = 1,
        in_channels: int = 3,
        norm_eval: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        rows = BLOCKS[arch]
        count = len(rows) + 2
        if not all(0 <= i < count for i in out_indices) or not -1 <= frozen_stages < count:
            raise InputError(
                f"MobileNetV3: out_indices={tuple(out_indices)} and frozen_stages={frozen_stages}; "
                f"the layers of {arch!r} are 0 to {count - 1}"
            )
        if reduction_factor < 1:
            raise InputError(f"MobileNetV3: reduction_factor={reduction_factor}; it divides widths, so 1 or more")
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.layers = [f"layer{i}" for i in range(count)]
        self.layer0 = ConvModule(in_channels, 16, 3, stride=2, norm=norm, act=HSWISH)
        channels = 16
        twice, four_times = DILATED[arch]
        for i, (kernel, width, out_channels, squeezes, swishes, stride) in enumerate(rows):
            dilation = 4 if i >= four_times else 2 if i >= twice else 1
            if i >= four_times:
                width, out_channels = width // reduction_factor, out_channels // reduction_factor
            block = InvertedResidualV3(
                channels,
                width,
                out_channels,
                kernel_size=kernel,
                stride=stride if dilation == 1 else 1,
                dilation=dilation,
                # A stride that became a dilation still counts as one here.
                has_shortcut=stride == 1 and channels == out_channels,
                squeezes=squeezes,
                norm=norm,
                act=HSWISH if swishes else RELU,
                with_cp=with_cp,
            )
            self.add_module(self.layers[i + 1], block)
            channels = out_channels
        self.add_module(self.layers[-1], ConvModule(channels, LAST_CHANNELS[arch], 1, norm=norm, act=HSWISH))
        self.freeze()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) to the outputs of the layers in ``out_indices``."""
        x = pad_same(x, 3, 2)
        features = []
        for i, name in enumerate(self.layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                features.append(x)
        return features

    def frozen(self) -> list[nn.Module]:
        """The first ``frozen_stages`` + 1 layers."""
        return [getattr(self, name) for name in self.layers[: self.frozen_stages + 1]]
