"""Context encoding, EncNet (Zhang et al. 2018, arXiv:1803.08904).

The image as a whole is described by its residuals to learned codewords. The description scales the channels of every
pixel, and says which classes are in the picture, which a loss of its own checks (figure 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.layers.conv import ConvModule
from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.layers.encoding import Encoding
from segue.layers.norm import Norm
from segue.layers.resize import resize
from segue.types import Activation, Loss, Size, Targets


@dataclass(frozen=True, kw_only=True)
class EncHeadOptions(HeadOptions):
    """The arguments of every head, and the loss on the classes in the picture.

    Attributes:
        loss_se_decode: a binary loss; it gets one "pixel" per image and class.
    """

    loss_se_decode: Loss | None = field(
        default=None, metadata={"config": {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 0.2}}
    )


class EncModule(nn.Module):
    """The context encoding module (section 3.1).

    Args:
        in_channels: of input and output.
        num_codes: codewords.
        norm, act: of the convolution before the encoding; ``norm`` follows the encoding as well.
    """

    def __init__(self, in_channels: int, num_codes: int, norm: Norm | None, act: Activation | None) -> None:
        super().__init__()
        self.encoding_project = ConvModule(in_channels, in_channels, 1, norm=norm, act=act)
        layers: list[nn.Module] = [Encoding(in_channels, num_codes)]
        if norm:
            # Of the codewords, each a sequence of channels: one dimension less than a feature map.
            layers.append((replace(norm, type="BN1d") if norm.name == "bn" else norm)(num_codes))
        self.encoding = nn.Sequential(*layers, nn.ReLU(inplace=True))
        self.fc = nn.Sequential(nn.Linear(in_channels, in_channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) to the description (B, C) and the scaled features (B, C, H, W)."""
        description = self.encoding(self.encoding_project(x)).mean(dim=1)
        scale = self.fc(description)[:, :, None, None]
        return description, F.relu(x + x * scale)


class EncHead(DecodeHead):
    """Context encoding of the last feature map.

    Args:
        num_codes: codewords.
        use_se_loss: predict the classes in the picture, with a loss.
        add_lateral: join the earlier feature maps to the last one first.
    """

    def __init__(
        self,
        options: EncHeadOptions,
        *,
        num_codes: int = 32,
        use_se_loss: bool = True,
        add_lateral: bool = False,
    ) -> None:
        super().__init__(replace(options, input_transform="multiple_select"))

        def conv(in_channels: int, kernel_size: int) -> ConvModule:
            return ConvModule(
                in_channels, self.channels, kernel_size, padding=kernel_size // 2, norm=self.norm, act=self.act
            )

        self.bottleneck = conv(self.in_channels[-1], 3)
        self.add_lateral = add_lateral
        if add_lateral:
            self.lateral_convs = nn.ModuleList(conv(width, 1) for width in self.in_channels[:-1])
            self.fusion = conv(len(self.in_channels) * self.channels, 3)
        self.enc_module = EncModule(self.channels, num_codes, self.norm, self.act)
        self.se_layer = nn.Linear(self.channels, self.num_classes) if use_se_loss else None
        self.loss_se_decode = options.loss_se_decode if use_se_loss else None

    def encode(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Feature maps to the description (B, channels) and what is classified, (B, channels, H', W')."""
        *fine, x = self.select_all(features)
        x = self.bottleneck(x)
        if self.add_lateral:
            size = x.shape[-2:]
            laterals = [
                resize(conv(f), size, self.align_corners) for conv, f in zip(self.lateral_convs, fine, strict=True)
            ]
            x = self.fusion(torch.cat([x, *laterals], dim=1))
        return self.enc_module(x)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        return self.encode(features)[1]

    def forward(self, features: Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:  # type: ignore[override]
        """Feature maps to logits (B, out_channels, H', W'), and with ``use_se_loss`` those of the classes in the
        picture, (B, num_classes).
        """
        description, x = self.encode(features)
        logits = self.classify(x)
        return (logits, self.se_layer(description)) if self.se_layer else logits

    def coarse(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, out_channels, H', W')."""
        return self.classify(self.embed(features))

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """Losses by name; ``loss_se`` is the loss of the classes in the picture."""
        output = self(features)
        logits, of_picture = output if isinstance(output, tuple) else (output, None)
        losses = self.loss_of_logits(logits, targets)
        if of_picture is not None and self.loss_se_decode:
            present = classes_present(targets.labels, self.num_classes, self.options.ignore_index)
            # As a binary problem on a "picture" of one row, a column per class.
            losses["loss_se"] = self.loss_se_decode(of_picture[:, None, None, :], present[:, None, :])
        return losses


def classes_present(labels: Tensor, num_classes: int, ignore_index: int) -> Tensor:
    """Labels (B, H, W) to int64 (B, num_classes): 1 for the classes of each image."""
    counted = (labels != ignore_index) & (labels >= 0) & (labels < num_classes)
    slots = labels.where(counted, num_classes).flatten(1)  # one slot more, for what does not count
    present = labels.new_zeros(labels.shape[0], num_classes + 1).scatter_(1, slots, 1)
    return present[:, :num_classes]
