"""mmseg.models.utils: images to tokens and back, with the arguments of mmseg. mmcv has the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from segue.compat.mmcv.layers import build_conv_layer, build_norm_layer
from segue.compat.mmengine.modules import BaseModule
from segue.compat.mmengine.tools import to_2tuple
from segue.compat.mmseg.interface import side_of
from segue.compat.refusals import RefusedValueError
from segue.layers.patch_embed import to_map, to_tokens

LN: Mapping[str, Any] = {"type": "LN"}


def nlc_to_nchw(x: Tensor, hw_shape: Sequence[int]) -> Tensor:
    """(B, H * W, C) to (B, C, H, W)."""
    if x.ndim != 3 or x.shape[1] != hw_shape[0] * hw_shape[1]:
        raise AssertionError(f"The seq_len doesn't match H, W: {tuple(x.shape)} are not {tuple(hw_shape)} tokens")
    return to_map(x, (side_of(hw_shape[0]), side_of(hw_shape[1])))


def nchw_to_nlc(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, H * W, C)."""
    if x.ndim != 4:
        raise AssertionError(f"a map (B, C, H, W) is needed, not {tuple(x.shape)}")
    return to_tokens(x)


def nchw2nlc2nchw(module: Callable[..., Tensor], x: Tensor, contiguous: bool = False, **kwargs: Any) -> Tensor:
    """A map through a module of tokens, and back to a map."""
    size = x.shape[-2:]
    tokens = nchw_to_nlc(x)
    out = nlc_to_nchw(module(tokens.contiguous() if contiguous else tokens, **kwargs), size)
    return out.contiguous() if contiguous else out


def nlc2nchw2nlc(
    module: Callable[..., Tensor], x: Tensor, hw_shape: Sequence[int], contiguous: bool = False, **kwargs: Any
) -> Tensor:
    """Tokens through a module of maps, and back to tokens."""
    image = nlc_to_nchw(x, hw_shape)
    out = nchw_to_nlc(module(image.contiguous() if contiguous else image, **kwargs))
    return out.contiguous() if contiguous else out


class AdaptivePadding(nn.Module):
    """Zeros until a kernel's windows cover the map: at right and bottom (``corner``), or all around (``same``)."""

    def __init__(self, kernel_size: Any = 1, stride: Any = 1, dilation: Any = 1, padding: str = "corner") -> None:
        super().__init__()
        if padding not in ("same", "corner"):
            raise AssertionError(f"padding={padding!r}: 'same' or 'corner'")
        self.padding = padding
        self.kernel_size, self.stride, self.dilation = to_2tuple(kernel_size), to_2tuple(stride), to_2tuple(dilation)

    def get_pad_shape(self, input_shape: Sequence[int]) -> tuple[int, int]:
        """Rows and columns to add to a map of (H, W)."""
        added = []
        for side, kernel, stride, dilation in zip(
            input_shape, self.kernel_size, self.stride, self.dilation, strict=True
        ):
            windows = -(-side // stride)
            added.append(max((windows - 1) * stride + (kernel - 1) * dilation + 1 - side, 0))
        return added[0], added[1]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H', W')."""
        rows, columns = self.get_pad_shape(x.shape[-2:])
        if not rows and not columns:
            return x
        left, top = (columns // 2, rows // 2) if self.padding == "same" else (0, 0)
        return F.pad(x, (left, columns - left, top, rows - top))


def _sides(
    size: Any, padding: AdaptivePadding | None, kernel: Any, stride: Any, pad: Any, dilation: Any
) -> tuple[int, int]:
    """How many windows there are in a map of ``size`` = (H, W)."""
    height, width = to_2tuple(size)
    if padding is not None:
        rows, columns = padding.get_pad_shape((height, width))
        height, width = height + rows, width + columns
    sides = zip((height, width), to_2tuple(kernel), to_2tuple(stride), to_2tuple(pad), to_2tuple(dilation), strict=True)
    out = [(side + 2 * p - d * (k - 1) - 1) // s + 1 for side, k, s, p, d in sides]
    return out[0], out[1]


class PatchEmbed(BaseModule):
    """Patches of an image to tokens; ``padding`` is a number, ``corner`` or ``same``."""

    def __init__(
        self,
        in_channels: int = 3,
        embed_dims: int = 768,
        conv_type: str = "Conv2d",
        kernel_size: Any = 16,
        stride: Any = None,
        padding: Any = "corner",
        dilation: Any = 1,
        bias: bool = True,
        norm_cfg: Mapping[str, Any] | None = None,
        input_size: Any = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dims = embed_dims
        kernel, dilation = to_2tuple(kernel_size), to_2tuple(dilation)
        stride = to_2tuple(kernel_size if stride is None else stride)
        self.adap_padding = AdaptivePadding(kernel, stride, dilation, padding) if isinstance(padding, str) else None
        pad = to_2tuple(0 if isinstance(padding, str) else padding)
        self.projection = build_conv_layer(
            {"type": conv_type}, in_channels, embed_dims, kernel_size=kernel, stride=stride, padding=pad,
            dilation=dilation, bias=bias,
        )  # fmt: skip
        self.norm = build_norm_layer(norm_cfg, embed_dims)[1] if norm_cfg is not None else None
        self.init_input_size: Any = None
        self.init_out_size: Any = None
        if input_size:
            self.init_input_size = to_2tuple(input_size)
            self.init_out_size = _sides(input_size, self.adap_padding, kernel, stride, pad, dilation)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """(B, in_channels, H, W) to (B, N, embed_dims), and how many rows and columns N is."""
        x = self.projection(x if self.adap_padding is None else self.adap_padding(x))
        size = (x.shape[2], x.shape[3])
        x = x.flatten(2).transpose(1, 2)
        return (x if self.norm is None else self.norm(x)), size


class PatchMerging(BaseModule):
    """Groups of tokens to one: their channels side by side (`nn.Unfold`'s order), normalized, then a linear layer."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any = 2,
        stride: Any = None,
        padding: Any = "corner",
        dilation: Any = 1,
        bias: bool = False,
        norm_cfg: Mapping[str, Any] | None = LN,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels, self.out_channels = in_channels, out_channels
        kernel, dilation = to_2tuple(kernel_size), to_2tuple(dilation)
        stride = to_2tuple(stride if stride else kernel_size)
        self.adap_padding = AdaptivePadding(kernel, stride, dilation, padding) if isinstance(padding, str) else None
        pad = to_2tuple(0 if isinstance(padding, str) else padding)
        self.sampler = nn.Unfold(kernel_size=kernel, dilation=dilation, padding=pad, stride=stride)
        width = kernel[0] * kernel[1] * in_channels
        self.norm = build_norm_layer(norm_cfg, width)[1] if norm_cfg is not None else None
        self.reduction = nn.Linear(width, out_channels, bias=bias)

    def forward(self, x: Tensor, input_size: Sequence[int]) -> tuple[Tensor, tuple[int, int]]:
        """(B, H * W, in_channels) and (H, W) to (B, H' * W', out_channels) and (H', W')."""
        if not isinstance(input_size, Sequence):
            raise RefusedValueError(f"Expect input_size is `Sequence` but get {input_size}")
        if x.ndim != 3:
            raise RefusedValueError(f"tokens (B, H * W, C) have 3 dimensions, not {x.ndim}")
        image = nlc_to_nchw(x, input_size)
        if self.adap_padding is not None:
            image = self.adap_padding(image)
        windows = self.sampler
        size = _sides(image.shape[-2:], None, windows.kernel_size, windows.stride, windows.padding, windows.dilation)
        x = windows(image).transpose(1, 2)
        return self.reduction(x if self.norm is None else self.norm(x)), size
