"""Point-wise spatial attention, PSANet (Zhao et al., ECCV 2018).

Every position predicts a map of weights, centered on itself, of how much it takes from each other position
(``collect``) or gives to it (``distribute``); section 3. https://hszhao.github.io/papers/eccv18_psanet.pdf

Deviation from the reference: with ``compact`` and one direction, it takes the one for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.portable import resized
from segue.layers.resize import resize
from segue.types import Size


def place_masks(masks: Tensor, mask_size: Size) -> Tensor:
    """Weights by offset to weights by position (figure 3).

    Args:
        masks: (B, MH * MW, H, W); of each position (H, W), the weights at the offsets from ``-(MH - 1) // 2`` and
            ``-(MW - 1) // 2`` on.
        mask_size: (MH, MW).

    Returns:
        (B, H * W, H * W): at [b, i, j] the weight that position j has for position i; 0 where the offset from j to i
        is outside the mask.
    """
    h, w = masks.shape[-2:]
    rows, rows_inside = _offsets(h, mask_size[0], masks.device)
    columns, columns_inside = _offsets(w, mask_size[1], masks.device)
    # From (H, H) and (W, W) to (H, W, H, W): the mask element for target (h, w) of the position (h', w').
    index = rows[:, None, :, None] * mask_size[1] + columns[None, :, None, :]
    inside = rows_inside[:, None, :, None] & columns_inside[None, :, None, :]
    index, inside = index.reshape(h * w, h * w), inside.reshape(h * w, h * w)
    placed = masks.flatten(2).gather(1, index.expand(masks.shape[0], -1, -1))
    return placed.masked_fill(~inside, 0.0)


def _offsets(size: int, mask_size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """At [i, j], which element of a centered mask at j lies on i, and whether there is one."""
    position = torch.arange(size, device=device)
    offset = position[:, None] - position[None, :] + (mask_size - 1) // 2
    return offset.clamp(0, mask_size - 1), (offset >= 0) & (offset < mask_size)


class PSAHead(DecodeHead):
    """Collected and distributed information, concatenated to the input.

    Args:
        mask_size: (H, W) of the predicted maps; 2 * H - 1 reaches everything in a feature map of height H.
        psa_type: which of the two; ``bi-direction`` is both.
        compact: the maps are over absolute positions; then ``mask_size`` must be the (shrunk) feature map's.
        shrink_factor: the attention works on maps smaller by this.
        normalization_factor: divides what was gathered.
        psa_softmax: whether the weights of a position sum to 1.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        mask_size: Sequence[int],
        psa_type: Literal["collect", "distribute", "bi-direction"] = "bi-direction",
        compact: bool = False,
        shrink_factor: int = 2,
        normalization_factor: float = 1.0,
        psa_softmax: bool = True,
    ) -> None:
        super().__init__(options)
        self.mask_size = (mask_size[0], mask_size[1])
        self.psa_type = psa_type
        self.compact = compact
        self.shrink_factor = shrink_factor
        self.normalization_factor = normalization_factor
        self.psa_softmax = psa_softmax

        def conv(c_in: int, c_out: int, kernel_size: int = 1, padding: int = 0) -> ConvModule:
            return ConvModule(c_in, c_out, kernel_size, padding=padding, norm=self.norm, act=self.act)

        def attention() -> nn.Sequential:
            last = nn.Conv2d(self.channels, mask_size[0] * mask_size[1], kernel_size=1, bias=False)
            return nn.Sequential(conv(self.channels, self.channels), last)

        both = psa_type == "bi-direction"
        self.reduce = conv(self.in_channels, self.channels)
        self.attention = attention()
        if both:
            self.reduce_p = conv(self.in_channels, self.channels)
            self.attention_p = attention()
        # Published weights were trained with this border of one position around a 1 x 1 convolution.
        self.proj = conv(self.channels * (2 if both else 1), self.in_channels, padding=1)
        self.bottleneck = conv(2 * self.in_channels, self.channels, 3, padding=1)

    def shrunk(self, x: Tensor) -> tuple[Tensor, int]:
        """(B, C, H, W) by ``shrink_factor`` smaller, and ``align_corners`` of the way back."""
        h, w = x.shape[-2:]
        factor = self.shrink_factor
        if factor == 1:
            return x, self.align_corners
        if torch.compiler.is_exporting():  # a branch would be taken for every size as for the traced one
            both: int = torch.sym_min(h % factor, 1) * torch.sym_min(w % factor, 1)  # type: ignore[no-untyped-call]
            return resized(x, (h // factor + both, w // factor + both), both), both
        aligned = h % factor != 0 and w % factor != 0
        size = ((h - 1) // factor + 1, (w - 1) // factor + 1) if aligned else (h // factor, w // factor)
        return resize(x, size, aligned), aligned

    def gather(self, x: Tensor, masks: Tensor, distribute: bool) -> Tensor:
        """Features (B, C, H, W) and masks (B, MH * MW, H, W) to what each position got, (B, C, H, W)."""
        if self.compact:
            if self.mask_size[0] * self.mask_size[1] != x.shape[2] * x.shape[3]:
                raise InputError(
                    f"PSAHead: with compact=True, mask_size={self.mask_size} must be the feature map's size divided "
                    f"by shrink_factor, here {tuple(x.shape[-2:])}; compact=False takes any size"
                )
            weights = masks.flatten(2)
        else:
            weights = place_masks(masks, self.mask_size)
        # Columns are the positions that predicted the weights; now, those that receive.
        weights = weights.transpose(1, 2) if distribute else weights
        if self.psa_softmax:
            weights = weights.softmax(dim=1)
        return (x.flatten(2) @ weights).view_as(x) / self.normalization_factor

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        x = self.select(features)
        reduced, align_corners = self.shrunk(self.reduce(x))
        got = [self.gather(reduced, self.attention(reduced), self.psa_type == "distribute")]
        if self.psa_type == "bi-direction":
            reduced, _ = self.shrunk(self.reduce_p(x))
            got.append(self.gather(reduced, self.attention_p(reduced), True))
        gathered = self.proj(torch.cat(got, dim=1))
        if torch.compiler.is_exporting():
            gathered = resized(gathered, x.shape[-2:], align_corners)
        else:
            gathered = resize(gathered, x.shape[-2:], bool(align_corners))
        return self.bottleneck(torch.cat([x, gathered], dim=1))
