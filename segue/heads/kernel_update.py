"""One stage of K-Net (Zhang et al. 2021, arXiv:2106.14855, figure 2): masks gather features, these update the kernels,
the kernels look at each other, and make better masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.heads.kernel_updator import KernelUpdator
from segue.layers.activation import RELU
from segue.layers.attention import MultiheadAttention
from segue.layers.conv import ConvModule
from segue.layers.ffn import FFN
from segue.layers.norm import Norm
from segue.layers.resize import resize
from segue.types import Activation


@dataclass(frozen=True, kw_only=True)
class ConvKind:
    """A convolution by its config; there is one kind."""

    type: Literal["Conv2d"] = "Conv2d"


@dataclass(frozen=True, kw_only=True)
class FeatureTransform:
    """A convolution of the features before each stage."""

    conv: ConvKind | None = None
    norm: Norm | None = None
    act: Activation | None = RELU
    kernel_size: int = 1


class KernelUpdateHead(nn.Module):
    """A stage; ``IterativeDecodeHead`` chains them.

    Args:
        kernel_updator: how features change kernels.
        num_classes: number of kernels.
        num_ffn_fcs, feedforward_channels, ffn_act: of the MLP after the attention between kernels.
        num_heads: of that attention.
        num_mask_fcs: layers between a kernel and the one that makes its mask.
        in_channels, out_channels: of features and kernels.
        dropout: of attention and MLP.
        act: of the layers that make masks.
        conv_kernel_size: side of the kernels.
        feat_transform: convolve the features first.
        kernel_init: start the last layer from smaller weights.
        with_ffn: whether there is an MLP.
        feat_gather_stride: stride of the features' convolution.
        mask_transform_stride: 2 makes masks from features of half the size.
    """

    def __init__(
        self,
        *,
        kernel_updator: KernelUpdator,
        num_classes: int = 150,
        num_ffn_fcs: int = 2,
        num_heads: int = 8,
        num_mask_fcs: int = 3,
        feedforward_channels: int = 2048,
        in_channels: int = 256,
        out_channels: int = 256,
        dropout: float = 0.0,
        act: Activation = RELU,
        ffn_act: Activation = RELU,
        conv_kernel_size: int = 1,
        feat_transform: FeatureTransform | None = None,
        kernel_init: bool = False,
        with_ffn: bool = True,
        feat_gather_stride: int = 1,
        mask_transform_stride: int = 1,
    ) -> None:
        super().__init__()
        if conv_kernel_size % 2 == 0:
            raise InputError(f"KernelUpdateHead: conv_kernel_size={conv_kernel_size} must be odd")
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.kernel_size = conv_kernel_size
        self.halve_for_masks = mask_transform_stride == 2 and feat_gather_stride == 1
        self.double_masks = mask_transform_stride == 2
        width = in_channels * conv_kernel_size**2
        self.attention = MultiheadAttention(width, num_heads, attn_drop=dropout)
        self.attention_norm = nn.LayerNorm(width)
        self.kernel_update_conv = kernel_updator
        self.feat_transform = None
        if feat_transform:
            self.feat_transform = ConvModule(
                in_channels,
                in_channels,
                feat_transform.kernel_size,
                stride=feat_gather_stride,
                padding=feat_gather_stride // 2,
                norm=feat_transform.norm,
                act=feat_transform.act,
            )
        self.ffn = None
        if with_ffn:
            self.ffn = FFN(in_channels, feedforward_channels, num_fcs=num_ffn_fcs, drop=dropout, act=ffn_act)
            self.ffn_norm = nn.LayerNorm(in_channels)
        layers: list[nn.Module] = []
        for _ in range(num_mask_fcs):
            layers += [nn.Linear(in_channels, in_channels, bias=False), nn.LayerNorm(in_channels), act()]
        self.mask_fcs = nn.Sequential(*layers)
        self.fc_mask = nn.Linear(in_channels, out_channels)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
        if kernel_init:
            nn.init.normal_(self.fc_mask.weight, std=0.01)

    def forward(self, x: Tensor, kernels: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, H, W), kernels (B, N, C, K, K) and mask logits (B, N, H', W') to better mask logits (B, N, H,
        W) and kernels.
        """
        b, n = kernels.shape[:2]
        if self.feat_transform:
            x = self.feat_transform(x)
        masks = resize(masks, x.shape[-2:])
        group = torch.einsum("bnhw,bchw->bnc", masks.softmax(dim=1), x)  # assembled features, equation 2
        flat = kernels.flatten(3).transpose(2, 3)  # (B, N, K * K, C)
        updated = self.kernel_update_conv(group, flat).reshape(b, n, -1)
        updated = self.attention_norm(updated + self.attention(updated))
        updated = updated.reshape(b, n, -1, self.in_channels)
        if self.ffn:
            updated = self.ffn_norm(updated + self.ffn(updated))
        makers = self.fc_mask(self.mask_fcs(updated)).transpose(2, 3)  # (B, N, C, K * K)
        return self.masks(x, makers), updated.transpose(2, 3).reshape(kernels.shape)

    def masks(self, x: Tensor, makers: Tensor) -> Tensor:
        """Convolve the features (B, C, H, W) of each image with its kernels (B, N, C, K * K) to (B, N, H, W)."""
        if self.halve_for_masks:
            x = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        b, n = makers.shape[:2]
        if self.kernel_size == 1:
            masks = torch.einsum("bnc,bchw->bnhw", makers.squeeze(3), x)
        else:
            weights = makers.reshape(b * n, -1, self.kernel_size, self.kernel_size)
            masks = F.conv2d(x.reshape(1, -1, *x.shape[-2:]), weights, padding=self.kernel_size // 2, groups=b)
            masks = torch.unflatten(masks, 1, (b, n)).squeeze(0)
        if self.double_masks:
            masks = F.interpolate(masks, scale_factor=2, mode="bilinear", align_corners=False)
        return masks
