"""Dual attention, DANet (Fu et al. 2019, arXiv:1809.02983): one attention over positions, one over channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.dropped_channels import convolve_dropped
from segue.layers.pixel_attention import attend
from segue.layers.scale import Scale
from segue.types import Size, Targets


class PositionAttention(nn.Module):
    """Every position attends to every other (section 3.2, equations 1 and 2).

    Args:
        in_channels: of input and output.
        channels: of queries and keys.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.key_project = nn.Conv2d(in_channels, channels, 1)
        self.query_project = nn.Conv2d(in_channels, channels, 1)
        self.value_project = nn.Conv2d(in_channels, in_channels, 1)
        self.gamma = Scale(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        query, key, value = (
            project(x).flatten(2) for project in (self.query_project, self.key_project, self.value_project)
        )
        return x + self.gamma(attend(query, key, value).view_as(x))


class ChannelAttention(nn.Module):
    """Every channel attends to every other (section 3.3, equations 3 and 4).

    As in the authors' code, the weights are the softmax of the *difference* to the largest product: channels that are
    unlike the one at hand weigh most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gamma = Scale(0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        channels = x.flatten(2)
        products = channels @ channels.transpose(1, 2)  # (B, C, C)
        weights = (products.amax(dim=2, keepdim=True) - products).softmax(dim=2)
        return x + self.gamma((weights @ channels).view_as(x))


class DAHead(DecodeHead):
    """Both attentions side by side; their sum is the prediction, and each has a classifier and loss of its own.

    Args:
        pam_channels: of queries and keys of the attention over positions.
    """

    MULTILABEL: ClassVar[bool] = True  # its own loss takes several classes per pixel as well

    def __init__(self, options: HeadOptions, *, pam_channels: int) -> None:
        super().__init__(options)

        def conv(in_channels: int) -> ConvModule:
            return ConvModule(in_channels, self.channels, 3, padding=1, norm=self.norm, act=self.act)

        self.pam_in_conv = conv(self.in_channels)
        self.pam = PositionAttention(self.channels, pam_channels)
        self.pam_out_conv = conv(self.channels)
        self.pam_conv_seg = nn.Conv2d(self.channels, self.out_channels, kernel_size=1)
        self.cam_in_conv = conv(self.in_channels)
        self.cam = ChannelAttention()
        self.cam_out_conv = conv(self.channels)
        self.cam_conv_seg = nn.Conv2d(self.channels, self.out_channels, kernel_size=1)

    def attentions(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Feature maps to what either attention found, (B, channels, H', W') twice."""
        x = self.select(features)
        return self.pam_out_conv(self.pam(self.pam_in_conv(x))), self.cam_out_conv(self.cam(self.cam_in_conv(x)))

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        pam, cam = self.attentions(features)
        return pam + cam

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Feature maps to logits (B, out_channels, H', W') of the sum, of positions and of channels."""
        pam, cam = self.attentions(features)
        return (
            self.classify(pam + cam),
            convolve_dropped(pam, self.dropout, self.pam_conv_seg),
            convolve_dropped(cam, self.dropout, self.cam_conv_seg),
        )

    def coarse(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, out_channels, H', W') of the sum."""
        return self.classify(self.embed(features))

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """Losses of all three by name: ``pam_cam.loss_ce``, ``pam.loss_ce``, ``cam.loss_ce`` ..."""
        losses: dict[str, Tensor] = {}
        for name, logits in zip(("pam_cam", "pam", "cam"), self(features), strict=True):
            losses |= {f"{name}.{key}": value for key, value in self.loss_of_logits(logits, targets).items()}
        return losses
