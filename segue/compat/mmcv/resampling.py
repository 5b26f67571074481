"""mmcv.ops of StyleGAN's filters (upfirdn2d, bias_act, filtered_lrelu) and FlowNet's correlation, in plain PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.utils import _pair


def upfirdn2d(
    input: Tensor,
    filter: Tensor | None,
    up: Any = 1,
    down: Any = 1,
    padding: Any = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    """Put zeros between pixels, pad, filter, and keep every ``down``-th pixel.

    Args:
        input: (B, C, H, W).
        filter: (h, w), or (n,) of a separable one; None leaves it out.
        up, down: whole factors, or those of x and y.
        padding: pixels of the enlarged image: one number, (x, y), or left, right, top and bottom; negative ones crop.
        flip_filter: correlate instead of convolving.
        gain: a factor of the result.
        use_custom_op: accepted; there is one way here.
    """
    up_x, up_y = _pair(up)
    down_x, down_y = _pair(down)
    left, right, top, bottom = _four(padding)
    batch, channels, height, width = input.shape
    spread = input.new_zeros(batch, channels, height * up_y, width * up_x)
    spread[:, :, ::up_y, ::up_x] = input
    padded = F.pad(spread, [left, right, top, bottom])
    if filter is None:
        return padded[:, :, ::down_y, ::down_x] * gain
    kernel = filter.to(input) * gain ** (filter.ndim / 2)
    kernel = kernel if flip_filter else kernel.flip(list(range(kernel.ndim)))
    one = kernel.expand(channels, 1, *kernel.shape)
    if kernel.ndim == 2:
        found = F.conv2d(padded, one, groups=channels)
    else:
        found = F.conv2d(F.conv2d(padded, one[:, :, None], groups=channels), one[..., None], groups=channels)
    return found[:, :, ::down_y, ::down_x]


def _four(padding: Any) -> tuple[int, int, int, int]:
    if isinstance(padding, int):
        return padding, padding, padding, padding
    given = tuple(int(p) for p in padding)
    if len(given) == 2:
        return given[0], given[0], given[1], given[1]
    if len(given) != 4:
        raise AssertionError(f"padding={padding!r}: one number, two or four")
    return given[0], given[1], given[2], given[3]


def _sides(filter: Tensor | None) -> tuple[int, int]:
    """Width and height of a filter."""
    return (1, 1) if filter is None else (int(filter.shape[-1]), int(filter.shape[0]))


def filter2d(
    input: Tensor,
    filter: Tensor,
    padding: Any = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    """Filter (B, C, H, W), which keeps its size but for ``padding``."""
    (width, height), (left, right, top, bottom) = _sides(filter), _four(padding)
    grown = (left + width // 2, right + (width - 1) // 2, top + height // 2, bottom + (height - 1) // 2)
    return upfirdn2d(input, filter, padding=grown, flip_filter=flip_filter, gain=gain)


def upsample2d(
    input: Tensor,
    filter: Tensor,
    up: Any = 2,
    padding: Any = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    """Enlarge (B, C, H, W) by whole factors with a filter; brightness stays."""
    up_x, up_y = _pair(up)
    (width, height), (left, right, top, bottom) = _sides(filter), _four(padding)
    grown = (left + (width + up_x - 1) // 2, right + (width - up_x) // 2,
             top + (height + up_y - 1) // 2, bottom + (height - up_y) // 2)  # fmt: skip
    return upfirdn2d(input, filter, up=(up_x, up_y), padding=grown, flip_filter=flip_filter, gain=gain * up_x * up_y)


#: activation -> (function of x and alpha, its usual alpha, its usual gain)
_ACTIVATIONS: dict[str, tuple[Callable[[Tensor, float], Tensor], float, float]] = {
    "linear": (lambda x, a: x, 0, 1),
    "relu": (lambda x, a: x.relu(), 0, math.sqrt(2)),
    "lrelu": (lambda x, a: F.leaky_relu(x, a), 0.2, math.sqrt(2)),
    "tanh": (lambda x, a: x.tanh(), 0, 1),
    "sigmoid": (lambda x, a: x.sigmoid(), 0, 1),
    "elu": (lambda x, a: F.elu(x), 0, 1),
    "selu": (lambda x, a: F.selu(x), 0, 1),
    "softplus": (lambda x, a: F.softplus(x), 0, 1),
    "swish": (lambda x, a: x * x.sigmoid(), 0, math.sqrt(2)),
}


def bias_act(
    input: Tensor,
    bias: Tensor | None = None,
    dim: int = 1,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    use_custom_op: bool = True,
) -> Tensor:
    """Add a bias along ``dim``, activate, multiply, and bound to -clamp..clamp."""
    if act not in _ACTIVATIONS:
        raise AssertionError(f"act={act!r}: one of {', '.join(_ACTIVATIONS)}")
    function, usual, factor = _ACTIVATIONS[act]
    if bias is not None:
        input = input + bias.reshape([-1 if index == dim else 1 for index in range(input.ndim)])
    out = function(input, usual if alpha is None else alpha) * (factor if gain is None else gain)
    return out if clamp is None or clamp < 0 else out.clamp(-clamp, clamp)


def filtered_lrelu(
    input: Tensor,
    filter_up: Tensor | None = None,
    filter_down: Tensor | None = None,
    bias: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Any = 0,
    gain: float = math.sqrt(2),
    slope: float = 0.2,
    clamp: float | None = None,
    flip_filter: bool = False,
    use_custom_op: bool = True,
) -> Tensor:
    """Bias, enlarge with one filter, leaky ReLU, and reduce with another (arXiv:2106.12423, section 3.2)."""
    out = bias_act(input, bias)
    out = upfirdn2d(out, filter_up, up=up, padding=padding, gain=up**2, flip_filter=flip_filter)
    out = bias_act(out, act="lrelu", alpha=slope, gain=gain, clamp=clamp)
    return upfirdn2d(out, filter_down, down=down, flip_filter=flip_filter)


class Correlation(nn.Module):
    """How well each place of one map fits places around it in another (arXiv:1504.06852, section 3).

    Args:
        kernel_size: of the windows that are compared.
        max_displacement: how far, in steps of ``dilation_patch``.
        stride, padding, dilation: of the windows.
        dilation_patch: pixels between displacements.
    """

    def __init__(
        self,
        kernel_size: int = 1,
        max_displacement: int = 1,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        dilation_patch: int = 1,
    ) -> None:
        super().__init__()
        self.kernel_size, self.max_displacement, self.stride = kernel_size, max_displacement, stride
        self.padding, self.dilation, self.dilation_patch = padding, dilation, dilation_patch

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Two maps (B, C, H, W) to (B, 2 d + 1, 2 d + 1, H', W'), sums over channels and windows."""
        first, second = (F.pad(x, [self.padding] * 4) for x in (input1, input2))
        reach = self.max_displacement * self.dilation_patch
        around = F.pad(second, [reach] * 4)
        height, width = first.shape[2:]
        window = first.new_ones(1, 1, self.kernel_size, self.kernel_size)
        moves: Sequence[int] = range(0, 2 * reach + 1, self.dilation_patch)
        rows = []
        for y in moves:
            row = []
            for x in moves:
                products = (first * around[:, :, y : y + height, x : x + width]).sum(1, keepdim=True)
                row.append(F.conv2d(products, window, stride=self.stride, dilation=self.dilation)[:, 0])
            rows.append(torch.stack(row, 1))
        return torch.stack(rows, 1)
