"""Image to tokens: a strided convolution, with padding that lets any image size in."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.norm import Norm
from segue.layers.portable import missing
from segue.types import Size


def pad_to_windows(x: Tensor, kernel: Size, stride: Size, place: Literal["corner", "same"] = "corner") -> Tensor:
    """Zero-pad (B, C, H, W) so that windows of ``kernel`` at every ``stride`` pixels cover it to the last pixel.

    ``corner`` pads at the right and the bottom, ``same`` on all sides.
    """
    h, w = x.shape[-2:]
    rows = missing(h, stride[0]) + kernel[0] - stride[0]
    columns = missing(w, stride[1]) + kernel[1] - stride[1]
    if kernel[0] < stride[0] or kernel[1] < stride[1]:  # windows leave pixels out between them
        rows, columns = torch.sym_max(rows, 0), torch.sym_max(columns, 0)  # type: ignore[no-untyped-call]
    if not torch.compiler.is_exporting() and not (rows or columns):  # an export is for every size
        return x
    if place == "corner":
        return F.pad(x, (0, columns, 0, rows))
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


class PatchEmbed(nn.Module):
    """Convolution over patches, then normalization of each token.

    Args:
        in_channels: channels of the image or feature map.
        embed_dims: width of a token.
        patch_size, stride: of the convolution, in pixels.
        padding: pixels of zeros on every side, or ``corner``/``same``: as many as complete the last patches.
        bias: of the convolution.
        norm: of the tokens.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int,
        patch_size: int,
        *,
        stride: int | None = None,
        padding: int | Literal["corner", "same"] = "corner",
        bias: bool = True,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self.place = padding if isinstance(padding, str) else None
        self.projection = nn.Conv2d(
            in_channels,
            embed_dims,
            patch_size,
            stride=stride or patch_size,
            padding=0 if isinstance(padding, str) else padding,
            bias=bias,
        )
        self.norm = norm(embed_dims) if norm else None

    def forward(self, x: Tensor) -> tuple[Tensor, Size]:
        """(B, in_channels, H, W) to tokens (B, H' * W', embed_dims) and their grid (H', W')."""
        if self.place:
            x = pad_to_windows(x, self.projection.kernel_size, self.projection.stride, self.place)  # type: ignore
        x = self.projection(x)
        size = (x.shape[2], x.shape[3])
        x = to_tokens(x)
        return (self.norm(x) if self.norm else x), size


def to_tokens(x: Tensor) -> Tensor:
    """Feature map (B, C, H, W) to tokens (B, H * W, C)."""
    if torch.is_grad_enabled() and x.requires_grad:
        x = _ContiguousGradient.apply(x)  # type: ignore[no-untyped-call]
    return x.flatten(2).transpose(1, 2)


class _ContiguousGradient(torch.autograd.Function):
    """Identity whose gradient is laid out as (B, C, H, W).

    The gradient of a transposition is laid out as (B, H, W, C). For B = 1 its strides are ambiguous, and batch
    normalization on CPU (torch 2.13) then returns wrong gradients, in silence.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.contiguous()


def to_map(x: Tensor, size: Size) -> Tensor:
    """Tokens (B, H * W, C) to a feature map (B, C, H, W), contiguous."""
    return torch.unflatten(x.transpose(1, 2), 2, size).contiguous()


def fit_patch_size(weight: Tensor, size: Size) -> Tensor:
    """A patch embedding (D, C, h, w) for patches of another size, which means the same for patches that are resized.

    FlexiViT (Beyer et al. 2023, arXiv:2212.08013, equations 2 to 5): with patches x resized to B x, the product with
    the new weights is that of x with the old ones, exactly where patches grow, and as near as can be where they shrink.
    """
    old: Size = (weight.shape[2], weight.shape[3])
    if old == size:
        return weight
    unit = torch.unflatten(torch.eye(old[0] * old[1], dtype=torch.float64), 1, (1, *old))
    resized = F.interpolate(unit, size=size, mode="bicubic", antialias=True).flatten(1)  # B transposed
    fitted = weight.double().flatten(2) @ torch.linalg.pinv(resized).T
    return torch.unflatten(fitted, 2, size).to(weight.dtype)
