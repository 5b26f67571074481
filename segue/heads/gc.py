"""Global context networks, GCNet (Cao et al. 2019, arXiv:1904.11492): one attention map for all queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions

Fusion = Literal["channel_add", "channel_mul"]


class ContextBlock(nn.Module):
    """The global context block (figure 4d): pool the image with attention, transform, and give it to every pixel.

    Args:
        in_channels: of input and output.
        ratio: width of the transform's bottleneck, as a share of ``in_channels``.
        pooling_type: ``att`` pools with attention, ``avg`` evenly.
        fusion_types: add the context to the channels, or multiply these by its sigmoid, or first this, then that.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        ratio: float,
        pooling_type: Literal["att", "avg"] = "att",
        fusion_types: Sequence[Fusion] = ("channel_add",),
    ) -> None:
        super().__init__()
        if not fusion_types or not set(fusion_types) <= {"channel_add", "channel_mul"}:
            raise InputError(f"fusion_types={tuple(fusion_types)}; give 'channel_add', 'channel_mul' or both")
        width = max(int(in_channels * ratio), 1)
        self.conv_mask = None
        if pooling_type == "att":
            self.conv_mask = nn.Conv2d(in_channels, 1, kernel_size=1)
            nn.init.kaiming_normal_(self.conv_mask.weight, mode="fan_in", nonlinearity="relu")
            nn.init.zeros_(self.conv_mask.bias)  # type: ignore[arg-type]

        def transform(wanted: Fusion) -> nn.Sequential | None:
            if wanted not in fusion_types:
                return None
            last = nn.Conv2d(width, in_channels, kernel_size=1)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
            first = nn.Conv2d(in_channels, width, kernel_size=1)
            return nn.Sequential(first, nn.LayerNorm([width, 1, 1]), nn.ReLU(inplace=True), last)

        self.channel_add_conv = transform("channel_add")
        self.channel_mul_conv = transform("channel_mul")

    def pool(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, 1, 1)."""
        if self.conv_mask is None:
            return F.adaptive_avg_pool2d(x, 1)
        weights = self.conv_mask(x).flatten(2).softmax(dim=2)  # (B, 1, H * W)
        return (x.flatten(2) @ weights.transpose(1, 2)).unsqueeze(3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        context = self.pool(x)
        if self.channel_mul_conv:
            x = x * self.channel_mul_conv(context).sigmoid()
        return x + self.channel_add_conv(context) if self.channel_add_conv else x


class GCHead(FCNHead):
    """A global context block between the two convolutions of an FCN head.

    Args:
        ratio, pooling_type, fusion_types: of the block.
        kernel_size, concat_input, dilation: of the FCN head.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        ratio: float = 1 / 4,
        pooling_type: Literal["att", "avg"] = "att",
        fusion_types: Sequence[Fusion] = ("channel_add",),
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(options, num_convs=2, kernel_size=kernel_size, concat_input=concat_input, dilation=dilation)
        self.gc_block = ContextBlock(self.channels, ratio=ratio, pooling_type=pooling_type, fusion_types=fusion_types)

    def transform(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        out: Tensor = self.convs[1](self.gc_block(self.convs[0](x)))
        return out
