"""The depth head of VPD (Zhao et al. 2023, arXiv:2303.02153): features of four scales to depths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.errors import InputError
from segue.layers.initialize import zero
from segue.layers.loss_list import LossList
from segue.layers.resize import resize
from segue.types import Loss, Size, Targets


@dataclass(frozen=True, kw_only=True)
class DepthHeadOptions:
    """The arguments of the head, by their names in a config.

    Attributes:
        max_depth: the largest depth that can be predicted, in the unit of the training data.
        in_channels: of the four feature maps, at 1/8, 1/16, 1/32 and 1/64 of the image, or any such halving.
        embed_dim: width of the last layers; the joined features have ``feature_dim``, eight times as much.
        num_deconv_layers, num_deconv_filters: transposed convolutions, each doubling the size, and their channels.
        fmap_border: rows and columns to cut off the joined features at the bottom and the right; what the backbone
            padded there.
        align_corners: of the last resize.
        loss_decode: the loss or losses.
    """

    max_depth: float = 10.0
    in_channels: Sequence[int] = (320, 640, 1280, 1280)
    embed_dim: int = 192
    feature_dim: int = 1536
    num_deconv_layers: int = 3
    num_deconv_filters: Sequence[int] = (32, 32, 32)
    fmap_border: int | Sequence[int] = 0
    align_corners: bool = False
    loss_decode: Loss | Sequence[Loss] | None = field(default=None, metadata={"config": {"type": "SiLogLoss"}})


class DepthDecoder(nn.Module):
    """Transposed convolutions, a convolution, and bilinear upsampling by four."""

    def __init__(self, in_channels: int, out_channels: int, filters: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in filters:
            layers += [
                nn.ConvTranspose2d(in_channels, channels, 2, stride=2, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            in_channels = channels
        self.deconv_layers = nn.Sequential(*layers)
        self.conv_layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(module.weight, std=0.001)
                zero(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, s * H, s * W), s = 4 * 2 ** (number of filters)."""
        x = self.conv_layers(self.deconv_layers(x))
        for _ in range(2):
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
        return x


class VPDDepthHead(nn.Module):
    """Joins four feature maps and decodes them to ``max_depth * sigmoid``.

    Raises:
        InputError: widths that contradict each other.
    """

    num_classes = 1
    out_channels = 1

    def __init__(self, options: DepthHeadOptions) -> None:
        super().__init__()
        widths, dim = list(options.in_channels), options.embed_dim
        if len(widths) != 4 or options.feature_dim != 8 * dim:
            raise InputError(
                f"VPDDepthHead: in_channels={widths} must list four maps, and feature_dim={options.feature_dim} must "
                f"be 8 * embed_dim={8 * dim}"
            )
        filters = list(options.num_deconv_filters)
        if len(filters) != options.num_deconv_layers or not filters:
            raise InputError(
                f"VPDDepthHead: num_deconv_filters={filters} must list num_deconv_layers={options.num_deconv_layers} "
                "channels"
            )
        border = options.fmap_border
        self.border = (border, border) if isinstance(border, int) else (border[0], border[1])
        self.max_depth = options.max_depth
        self.align_corners = options.align_corners
        losses = options.loss_decode
        self.loss_decode = LossList(losses if isinstance(losses, Sequence) else [losses])  # type: ignore
        first, second = widths[:2]
        self.conv1 = nn.Sequential(
            nn.Conv2d(first, first, 3, stride=2, padding=1),
            nn.GroupNorm(16, first),
            nn.ReLU(),
            nn.Conv2d(first, first, 3, stride=2, padding=1),
        )
        self.conv2 = nn.Conv2d(second, second, 3, stride=2, padding=1)
        self.conv_aggregation = nn.Sequential(
            nn.Conv2d(sum(widths), options.feature_dim, 1), nn.GroupNorm(16, options.feature_dim), nn.ReLU()
        )
        self.depth_pred_layer = nn.Sequential(
            nn.Conv2d(dim, dim, 3, padding=1), nn.ReLU(), nn.Conv2d(dim, 1, 3, padding=1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                zero(module.bias)
        self.decoder = DepthDecoder(options.feature_dim, dim, filters)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Four feature maps, finest first, to depths (B, 1, H, W)."""
        first, second, third, fourth = features
        size = third.shape[-2:]
        parts = [
            resize(self.conv1(first), size),
            resize(self.conv2(second), size),
            third,
            F.interpolate(fourth, size=size, mode="nearest"),
        ]
        x = self.conv_aggregation(torch.cat(parts, dim=1))
        x = x[..., : x.shape[2] - self.border[0], : x.shape[3] - self.border[1]]
        return self.max_depth * self.depth_pred_layer(self.decoder(x)).sigmoid()

    def predict(self, features: Sequence[Tensor], size: Size) -> Tensor:
        """Depths (B, 1, *size)."""
        return resize(self(features), size, self.align_corners)

    def loss(self, features: Sequence[Tensor], targets: Targets) -> dict[str, Tensor]:
        """Losses by name.

        Raises:
            InputError: the data has no depths.
        """
        if targets.depth is None:
            raise InputError("VPDDepthHead: the data has no depths; put LoadDepthAnnotation into train_pipeline")
        height, width = targets.depth.shape[-2:]
        depth = self.predict(features, (height, width)).squeeze(1)
        losses: dict[str, Tensor] = {}
        for loss in self.loss_decode:
            name = str(loss.loss_name)
            losses[name] = losses.get(name, depth.new_zeros(())) + loss(depth, targets.depth)
        return losses
