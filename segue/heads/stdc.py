"""The detail head of STDC (Fan et al. 2021, arXiv:2104.13188, section 3.3): predicts where details are, to train only.

Its truth is made from the labels: a Laplacian at strides 1, 2 and 4, each cut at a threshold, upsampled and fused by a
1 x 1 convolution (figure 4b).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.heads.fcn import FCNHead
from segue.layers.decode_head import HeadOptions
from segue.types import Targets

#: of each pixel, whether it differs from its eight neighbors
LAPLACIAN = ((-1.0, -1.0, -1.0), (-1.0, 8.0, -1.0), (-1.0, -1.0, -1.0))
#: share of the strides 1, 2 and 4 in the fused detail map
FUSION = (0.6, 0.3, 0.1)


class STDCHead(FCNHead):
    """An FCN head of two logits: no detail, and detail.

    Args:
        boundary_threshold: details are where Laplacian and fusion exceed this.
        num_convs, kernel_size, concat_input: as in ``FCNHead``.
    """

    def __init__(
        self,
        options: HeadOptions,
        *,
        boundary_threshold: float = 0.1,
        num_convs: int = 2,
        kernel_size: int = 3,
        concat_input: bool = True,
    ) -> None:
        super().__init__(options, num_convs=num_convs, kernel_size=kernel_size, concat_input=concat_input)
        self.boundary_threshold = boundary_threshold
        self.laplacian_kernel: Tensor
        self.register_buffer("laplacian_kernel", torch.tensor(LAPLACIAN).view(1, 1, 3, 3))
        self.fusion_kernel = nn.Parameter(torch.tensor(FUSION).view(1, 3, 1, 1), requires_grad=False)

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """The losses against the details of ``targets.labels``."""
        return super().loss(features, replace(targets, labels=self.details(targets.labels)), previous)

    @torch.no_grad()
    def details(self, labels: Tensor) -> Tensor:
        """Labels (B, H, W) to int64 (B, H, W), 1 where there are details."""
        x = labels.unsqueeze(1).to(self.laplacian_kernel.dtype)
        size = labels.shape[-2:]
        pyramid = [
            F.interpolate(F.conv2d(x, self.laplacian_kernel, stride=stride, padding=1), size=size, mode="nearest")
            for stride in (1, 2, 4)
        ]
        levels = (torch.cat(pyramid, dim=1) > self.boundary_threshold).to(x.dtype)
        return (F.conv2d(levels, self.fusion_kernel) > self.boundary_threshold).squeeze(1).long()
