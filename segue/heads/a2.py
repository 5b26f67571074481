"""Double attention, A2-Net (Chen et al. 2018, arXiv:1810.11579): gather features of the image, then distribute them.

Second-order attention pooling makes a few global descriptors, ``G = A softmax(B)^T`` with the softmax over positions
(equation 4); each position takes a mix of them, ``z_i = G softmax(v_i)`` with the softmax over descriptors (equations 5
and 6). In terms of OCRNet (arXiv:1909.11065, "double attention") the descriptors are object regions that no loss names.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import Norm


class DoubleAttention(nn.Module):
    """The double attention block with a residual connection (figure 2), which starts as the identity.

    Args:
        in_channels: of input and output.
        channels: m, width of the descriptors.
        num_descriptors: n.
        norm: after the last convolution.
    """

    def __init__(self, in_channels: int, *, channels: int, num_descriptors: int, norm: Norm | None) -> None:
        super().__init__()
        self.feature_conv = nn.Conv2d(in_channels, channels, 1)  # A
        self.gather_conv = nn.Conv2d(in_channels, num_descriptors, 1)  # B
        self.distribute_conv = nn.Conv2d(in_channels, num_descriptors, 1)  # V
        self.out_conv = nn.Conv2d(channels, in_channels, 1, bias=norm is None)
        self.out_norm = norm(in_channels) if norm else None
        for parameter in (self.out_norm or self.out_conv).parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        features = self.feature_conv(x).flatten(2)  # (B, m, H * W)
        where = self.gather_conv(x).flatten(2).softmax(dim=2)  # (B, n, H * W)
        descriptors = features @ where.transpose(1, 2)  # (B, m, n)
        mix = self.distribute_conv(x).flatten(2).softmax(dim=1)  # (B, n, H * W)
        out = self.out_conv(torch.unflatten(descriptors @ mix, 2, x.shape[-2:]))
        return x + (self.out_norm(out) if self.out_norm else out)


class A2Head(FCNHead):
    """Double attention between the two convolutions of an FCN head.

    Args:
        descriptor_channels: width of the descriptors; default a quarter of ``channels``, as in the paper.
        num_descriptors: default as many as that.
        kernel_size, concat_input, dilation: of the FCN head.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        descriptor_channels: int | None = None,
        num_descriptors: int | None = None,
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(options, num_convs=2, kernel_size=kernel_size, concat_input=concat_input, dilation=dilation)
        width = descriptor_channels or max(self.channels // 4, 1)
        self.a2_block = DoubleAttention(
            self.channels, channels=width, num_descriptors=num_descriptors or width, norm=self.norm
        )

    def transform(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        out: Tensor = self.convs[1](self.a2_block(self.convs[0](x)))
        return out
