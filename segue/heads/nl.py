"""Non-local networks (Wang et al. 2018, arXiv:1711.07971): each position answers to a weighted sum over all of them.

    y_i = 1 / C(x) sum_j f(x_i, x_j) g(x_j),   z_i = W_z y_i + x_i                               (equations 1 and 6)

Four choices of f (section 3.2): Gaussian, embedded Gaussian, dot product and concatenation.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.heads.fcn import FCNHead
from segue.layers.conv import ConvModule
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import Norm
from segue.layers.pixel_attention import attend

Mode = Literal["gaussian", "embedded_gaussian", "dot_product", "concatenation"]


class NonLocalBlock(nn.Module):
    """A non-local operation with a residual connection, which starts as the identity.

    Args:
        in_channels: of input and output.
        reduction: divides the channels of theta, phi and g.
        use_scale: divide the embedded Gaussian's products by the root of that width.
        mode: f; see the paper.
        norm: after W_z.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        reduction: int = 2,
        use_scale: bool = True,
        mode: Mode = "embedded_gaussian",
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        width = max(in_channels // reduction, 1)
        self.scale = width**-0.5 if use_scale and mode == "embedded_gaussian" else 1.0
        self.g = ConvModule(in_channels, width, 1, act=None)
        self.conv_out = ConvModule(width, in_channels, 1, norm=norm, act=None)
        if mode != "gaussian":
            self.theta = ConvModule(in_channels, width, 1, act=None)
            self.phi = ConvModule(in_channels, width, 1, act=None)
        if mode == "concatenation":
            self.concat_project = ConvModule(2 * width, 1, 1, bias=False)
        for name in ("g", "theta", "phi"):
            if hasattr(self, name):
                nn.init.normal_(getattr(self, name).conv.weight, std=0.01)
        for parameter in getattr(self.conv_out, norm.name if norm else "conv").parameters():
            nn.init.zeros_(parameter)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, C, H, W) to theta, phi and g, (B, width, H * W) each (for ``gaussian``, C wide but g)."""
        value = self.g(x).flatten(2)
        if self.mode == "gaussian":
            return x.flatten(2), x.flatten(2), value
        return self.theta(x).flatten(2), self.phi(x).flatten(2), value

    def gather(self, theta: Tensor, phi: Tensor, value: Tensor) -> Tensor:
        """Equation 1: three times (B, width, N) to (B, width, N)."""
        if self.mode in ("gaussian", "embedded_gaussian"):
            return attend(theta, phi, value, self.scale)
        n = value.shape[2]
        if self.mode == "dot_product":  # associative, so the N x N products are never made
            return (value @ phi.transpose(1, 2)) @ theta / n
        # w^T [theta_i; phi_j] is a sum of two terms, one per pixel each.
        weight = self.concat_project.conv.weight.flatten()
        of_query, of_key = (w @ x for w, x in zip(weight.chunk(2), (theta, phi), strict=True))
        pairs = F.relu(of_query.unsqueeze(2) + of_key.unsqueeze(1))  # (B, N, N)
        return value @ pairs.transpose(1, 2) / n

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        y = self.gather(*self.project(x))
        return x + self.conv_out(torch.unflatten(y, 2, x.shape[-2:]))


class NLHead(FCNHead):
    """A non-local block between the two convolutions of an FCN head.

    Args:
        reduction, use_scale, mode: of the block.
        kernel_size, concat_input, dilation: of the FCN head.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        reduction: int = 2,
        use_scale: bool = True,
        mode: Mode = "embedded_gaussian",
        kernel_size: int = 3,
        concat_input: bool = True,
        dilation: int = 1,
    ) -> None:
        super().__init__(options, num_convs=2, kernel_size=kernel_size, concat_input=concat_input, dilation=dilation)
        self.nl_block = NonLocalBlock(
            self.channels, reduction=reduction, use_scale=use_scale, mode=mode, norm=self.norm
        )

    def transform(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, channels, H, W)."""
        out: Tensor = self.convs[1](self.nl_block(self.convs[0](x)))
        return out
