"""Criss-cross attention, CCNet (Huang et al. 2019, arXiv:1811.11721): each pixel attends to its row and its column.

Done twice, every pixel has seen every other, at (H + W) weights per pixel in place of H * W (section 3.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions
from segue.layers.scale import Scale


class CrissCrossAttention(nn.Module):
    """Attention along row and column, added to the input with a learned factor that starts at 0.

    Args:
        in_channels: of input and output; queries and keys have an eighth.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        width = max(in_channels // 8, 1)
        self.query_conv = nn.Conv2d(in_channels, width, 1)
        self.key_conv = nn.Conv2d(in_channels, width, 1)
        self.value_conv = nn.Conv2d(in_channels, in_channels, 1)
        self.gamma = Scale(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        query, key, value = self.query_conv(x), self.key_conv(x), self.value_conv(x)
        h, w = x.shape[-2:]
        column = torch.einsum("bchw,bciw->bhwi", query, key)  # (B, H, W, H)
        row = torch.einsum("bchw,bchj->bhwj", query, key)  # (B, H, W, W)
        # The pixel itself is in both; it counts in the row only.
        itself = torch.eye(h, dtype=torch.bool, device=x.device).view(1, h, 1, h)
        column = column.masked_fill(itself, float("-inf"))
        in_column, in_row = torch.split(torch.cat([column, row], dim=3).softmax(dim=3), [h, w], dim=3)
        context = torch.einsum("bhwi,bciw->bchw", in_column, value) + torch.einsum("bhwj,bchj->bchw", in_row, value)
        return x + self.gamma(context)


class CCHead(FCNHead):
    """Criss-cross attention between the two convolutions of an FCN head.

    Args:
        recurrence: how often the attention is applied, always with the same weights.
        kernel_size, concat_input, dilation: of the FCN head.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        recurrence: int = 2,
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(options, num_convs=2, kernel_size=kernel_size, concat_input=concat_input, dilation=dilation)
        self.recurrence = recurrence
        self.cca = CrissCrossAttention(self.channels)

    def transform(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        x = self.convs[0](x)
        for _ in range(self.recurrence):
            x = self.cca(x)
        out: Tensor = self.convs[1](x)
        return out
