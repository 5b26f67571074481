"""Disentangled non-local networks (Yin et al. 2020, arXiv:2006.06668).

The attention of a non-local block is split into a whitened pairwise term, which learns what belongs together, and a
unary term, which learns what is salient everywhere (equation 11).

Deviation from the reference: in the mode ``gaussian`` it whitens the block's input as well, by mistake.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.heads.fcn import FCNHead
from segue.heads.nl import Mode, NonLocalBlock
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import Norm


class DisentangledNonLocalBlock(NonLocalBlock):
    """A non-local block with both terms.

    Args:
        in_channels, reduction, use_scale, mode, norm: as in ``NonLocalBlock``.
        temperature: divides the products of the embedded Gaussian.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        reduction: int = 2,
        use_scale: bool = True,
        mode: Mode = "embedded_gaussian",
        temperature: float = 0.05,
        norm: Norm | None = None,
    ) -> None:
        super().__init__(in_channels, reduction=reduction, use_scale=use_scale, mode=mode, norm=norm)
        if mode == "embedded_gaussian":
            self.scale /= temperature
        self.conv_mask = nn.Conv2d(in_channels, 1, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        theta, phi, value = self.project(x)
        theta = theta - theta.mean(dim=2, keepdim=True)
        phi = phi - phi.mean(dim=2, keepdim=True)
        pairwise = torch.unflatten(self.gather(theta, phi, value), 2, x.shape[-2:])
        mask = self.conv_mask(x).flatten(2).softmax(dim=2)  # (B, 1, H * W)
        unary = (value @ mask.transpose(1, 2)).unsqueeze(3)  # (B, width, 1, 1)
        return x + self.conv_out(pairwise + unary)


class DNLHead(FCNHead):
    """A disentangled non-local block between the two convolutions of an FCN head.

    Args:
        temperature, reduction, use_scale, mode: of the block.
        kernel_size, concat_input, dilation: of the FCN head.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        temperature: float = 0.05,
        reduction: int = 2,
        use_scale: bool = True,
        mode: Mode = "embedded_gaussian",
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(options, num_convs=2, kernel_size=kernel_size, concat_input=concat_input, dilation=dilation)
        self.dnl_block = DisentangledNonLocalBlock(
            self.channels,
            reduction=reduction,
            use_scale=use_scale,
            mode=mode,
            temperature=temperature,
            norm=self.norm,
        )

    def transform(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        out: Tensor = self.convs[1](self.dnl_block(self.convs[0](x)))
        return out
