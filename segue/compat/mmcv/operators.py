"""mmcv.ops that losses, heads and upsamplers of maps use, in plain PyTorch: right, but slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.heads.cc import CrissCrossAttention as _CrissCross
from segue.heads.psa import place_masks

Conv2d, ConvTranspose2d, Linear, MaxPool2d = nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.MaxPool2d
SyncBatchNorm = nn.SyncBatchNorm
conv2d, conv_transpose2d = F.conv2d, F.conv_transpose2d


def get_compiler_version() -> str:
    """Nothing is compiled."""
    return "not compiled"


def get_compiling_cuda_version() -> str:
    """Nothing is compiled."""
    return "not compiled"


def _reduced(loss: Tensor, reduction: str, count: int) -> Tensor:
    return loss if reduction == "none" else loss.sum() / (count if reduction == "mean" else 1)


def sigmoid_focal_loss(
    input: Tensor,
    target: Tensor,
    gamma: float = 2.0,
    alpha: float = 0.25,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Of logits (N, C) and labels (N,), where C is the background: (N, C) for ``none``, a mean over N for ``mean``."""
    truth = F.one_hot(target, input.shape[1] + 1)[:, :-1].to(input)
    prob = input.sigmoid()
    factor = truth * alpha * (1 - prob).pow(gamma) + (1 - truth) * (1 - alpha) * prob.pow(gamma)
    loss = F.binary_cross_entropy_with_logits(input, truth, reduction="none") * factor
    if weight is not None:
        loss = loss * weight[target.clamp(max=len(weight) - 1)][:, None]
    return _reduced(loss, reduction, len(input))


def softmax_focal_loss(
    input: Tensor,
    target: Tensor,
    gamma: float = 2.0,
    alpha: float = 0.25,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Of logits (N, C) and labels (N,): (N,) for ``none``."""
    log = F.log_softmax(input, dim=1).gather(1, target[:, None])[:, 0]
    loss = -((1 - log.exp()) ** gamma) * log
    loss = loss * (alpha * (target > 0) + (1 - alpha) * (target == 0)).to(loss)
    if weight is not None:
        loss = loss * weight[target]
    return _reduced(loss, reduction, len(input))


class _Focal(nn.Module):
    function: Callable[..., Tensor]

    def __init__(self, gamma: float, alpha: float, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.gamma, self.alpha, self.reduction = gamma, alpha, reduction
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logits (N, C) and labels (N,) to the loss."""
        return type(self).function(input, target, self.gamma, self.alpha, self.weight, self.reduction)


class SigmoidFocalLoss(_Focal):
    """`sigmoid_focal_loss` as a module."""

    function = sigmoid_focal_loss


class SoftmaxFocalLoss(_Focal):
    """`softmax_focal_loss` as a module."""

    function = softmax_focal_loss


def carafe(features: Tensor, masks: Tensor, kernel_size: int, group_size: int, scale_factor: int) -> Tensor:
    """Each pixel of the enlarged map is a weighted sum of the pixels around its place.

    Args:
        features: (B, C, H, W).
        masks: (B, kernel_size**2 * group_size, H * scale_factor, W * scale_factor).

    Returns:
        (B, C, H * scale_factor, W * scale_factor).
    """
    b, c, h, w = features.shape
    if masks.shape[1] != kernel_size**2 * group_size or c % group_size:
        raise AssertionError(f"masks have {masks.shape[1]} channels, kernel_size**2 * group_size must be as many")
    around = F.unfold(features, kernel_size, padding=kernel_size // 2).view(b, c * kernel_size**2, h, w)
    around = around.repeat_interleave(scale_factor, 2).repeat_interleave(scale_factor, 3)
    around = around.view(b, group_size, c // group_size, kernel_size**2, h * scale_factor, w * scale_factor)
    weights = masks.view(b, group_size, 1, kernel_size**2, h * scale_factor, w * scale_factor)
    return (around * weights).sum(3).flatten(1, 2)


carafe_naive = carafe


class CARAFE(nn.Module):
    """`carafe` as a module."""

    def __init__(self, kernel_size: int, group_size: int, scale_factor: int) -> None:
        super().__init__()
        self.kernel_size, self.group_size, self.scale_factor = kernel_size, group_size, scale_factor

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """As `carafe`."""
        return carafe(features, masks, self.kernel_size, self.group_size, self.scale_factor)


CARAFENaive = CARAFE


class CARAFEPack(nn.Module):
    """CARAFE with masks of its own (Wang et al. 2019)."""

    def __init__(
        self, channels: int, scale_factor: int, up_kernel: int = 5, up_group: int = 1, encoder_kernel: int = 3,
        encoder_dilation: int = 1, compressed_channels: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        self.channels, self.scale_factor, self.up_kernel, self.up_group = channels, scale_factor, up_kernel, up_group
        self.channel_compressor = nn.Conv2d(channels, compressed_channels, 1)
        self.content_encoder = nn.Conv2d(
            compressed_channels, up_kernel**2 * up_group * scale_factor**2, encoder_kernel,
            padding=int((encoder_kernel - 1) * encoder_dilation / 2), dilation=encoder_dilation,
        )  # fmt: skip
        self.init_weights()

    def init_weights(self) -> None:
        """Glorot's weights, and nearly equal masks."""
        nn.init.xavier_uniform_(self.channel_compressor.weight)
        nn.init.zeros_(self.channel_compressor.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.content_encoder.weight, std=0.001)
        nn.init.zeros_(self.content_encoder.bias)  # type: ignore[arg-type]

    def kernel_normalizer(self, mask: Tensor) -> Tensor:
        """Masks that add up to one at each pixel."""
        mask = F.pixel_shuffle(mask, self.scale_factor)
        return mask.unflatten(1, (-1, self.up_kernel**2)).softmax(2).flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, channels, H * scale_factor, W * scale_factor)."""
        mask = self.kernel_normalizer(self.content_encoder(self.channel_compressor(x)))
        return carafe(x, mask, self.up_kernel, self.up_group, self.scale_factor)


class CrissCrossAttention(_CrissCross):
    """Attention of each pixel to its row and column (CCNet)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels)
        self.in_channels = in_channels


class PSAMask(nn.Module):
    """Masks around each pixel put into place over the whole map (PSANet): ``collect`` or ``distribute``."""

    def __init__(self, psa_type: str, mask_size: tuple[int, int] | None = None) -> None:
        super().__init__()
        if psa_type not in ("collect", "distribute"):
            raise AssertionError(f"psa_type={psa_type!r}: 'collect' or 'distribute'")
        self.psa_type, self.mask_size = psa_type, mask_size

    def forward(self, input: Tensor) -> Tensor:
        """(B, mask height * mask width, H, W) to (B, H * W, H, W)."""
        if self.mask_size is None:
            raise TypeError("PSAMask needs mask_size")
        placed = place_masks(input, (int(self.mask_size[0]), int(self.mask_size[1])))
        b, _, h, w = input.shape
        return placed if self.psa_type == "collect" else placed.flatten(2).transpose(1, 2).reshape(b, h * w, h, w)


class CornerPool(nn.Module):
    """The largest value so far along a direction: ``bottom``, ``left``, ``right`` or ``top``."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        if mode not in ("bottom", "left", "right", "top"):
            raise AssertionError(f"mode={mode!r}: 'bottom', 'left', 'right' or 'top'")
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        dim = 2 if self.mode in ("bottom", "top") else 3
        if self.mode in ("bottom", "right"):
            return x.cummax(dim).values
        return x.flip(dim).cummax(dim).values.flip(dim)


def masked_conv2d(
    features: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """A convolution where ``mask`` (1, H, W) is above 0; zeros elsewhere."""
    return F.conv2d(features, weight, bias, stride, padding) * (mask > 0).to(features)[:, None]


class MaskedConv2d(nn.Conv2d):
    """nn.Conv2d that may be given a mask."""

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """(B, C, H, W) to (B, C', H', W')."""
        if mask is None:
            return super().forward(input)
        return masked_conv2d(input, mask, self.weight, self.bias, self.padding, self.stride)


def tin_shift(input: Tensor, shift: Tensor) -> Tensor:
    """Frames (B, T, C, H * W) moved in time by ``shift`` (B, groups), zeros where there is none."""
    out = torch.zeros_like(input)
    width = input.shape[2] // shift.shape[1]
    frames = input.shape[1]
    for b in range(input.shape[0]):
        for g in range(shift.shape[1]):
            step = int(shift[b, g])
            part = slice(g * width, (g + 1) * width)
            if abs(step) < frames:
                to, source = (slice(step, None), slice(None, frames - step)) if step >= 0 else (
                    slice(None, frames + step), slice(-step, None))  # fmt: skip
                out[b, to, part] = input[b, source, part]
    return out


class TINShift(nn.Module):
    """`tin_shift` as a module."""

    def forward(self, input: Tensor, shift: Tensor) -> Tensor:
        """As `tin_shift`."""
        return tin_shift(input, shift)


def fused_bias_leakyrelu(
    input: Tensor,
    bias: Tensor,
    negative_slope: float = 0.2,
    scale: float = 2**0.5,
) -> Tensor:
    """A bias per channel, leaky ReLU, times ``scale``."""
    return F.leaky_relu(input + bias.view(1, -1, *(1,) * (input.ndim - 2)), negative_slope) * scale


class FusedBiasLeakyReLU(nn.Module):
    """`fused_bias_leakyrelu` with a bias of its own."""

    def __init__(self, num_channels: int, negative_slope: float = 0.2, scale: float = 2**0.5) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.negative_slope, self.scale = negative_slope, scale

    def forward(self, input: Tensor) -> Tensor:
        """(B, num_channels, ...) to the same."""
        return fused_bias_leakyrelu(input, self.bias, self.negative_slope, self.scale)
