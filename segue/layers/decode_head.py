"""What all heads that classify each pixel share: input selection, the last 1 x 1 convolution, losses, upsampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.accuracy import pixel_accuracy
from segue.layers.activation import RELU
from segue.layers.banded_loss import BANDS_FROM, losses_by_bands
from segue.layers.dropped_channels import convolve_dropped
from segue.layers.loss_list import LossList
from segue.layers.norm import Norm
from segue.layers.resize import resize
from segue.types import Activation, Loss, PixelSampler, Size, Targets


@dataclass(frozen=True, kw_only=True)
class HeadOptions:
    """The arguments of every decode head, by their names in a config.

    Attributes:
        in_channels: channels of the selected feature map(s); a sequence where ``in_index`` is one.
        channels: width of the head, the input of the last convolution.
        num_classes: number of classes.
        out_channels: logits per pixel; default ``num_classes``, and 1 is allowed for two classes (sigmoid).
        multilabel: whether a pixel may have several classes; ``labels=dict(kind='multilabel')`` sets it.
        threshold: probability above which one logit says class 1, or each of several its class where ``multilabel``;
            default 0.3, as the reference, or 0.5 where ``multilabel``.
        dropout_ratio: share of channels dropped before the last convolution; 0 or less: none.
        norm, act: of the head's convolutions.
        in_index: which feature map(s) of the backbone or neck.
        input_transform: ``resize_concat`` resizes the chosen maps to the first and concatenates them;
            ``multiple_select`` passes them as a list; None takes one.
        loss_decode: the loss or losses; their values are logged under each ``loss_name``.
        ignore_index: label that is no class.
        sampler: chooses the pixels that count (OHEM).
        align_corners: of every bilinear resize in this head.
    """

    in_channels: int | Sequence[int]
    channels: int
    num_classes: int
    out_channels: int | None = None
    multilabel: bool = False
    threshold: float | None = None
    dropout_ratio: float = 0.1
    norm: Norm | None = None
    act: Activation | None = RELU
    in_index: int | Sequence[int] = -1
    input_transform: Literal["resize_concat", "multiple_select"] | None = None
    loss_decode: Loss | Sequence[Loss] | None = field(
        default=None, metadata={"config": {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0}}
    )
    ignore_index: int = 255
    sampler: PixelSampler | None = None
    align_corners: bool = False


class DecodeHead(nn.Module):
    """Base of the heads whose output is one logit map per class.

    A subclass writes ``embed(features) -> x``, which takes its input from ``self.select(features)``; or, where more
    than one thing is classified, ``forward(features) -> logits``, which ends with ``self.classify(x)``.

    Raises:
        InputError: ``in_channels``, ``in_index`` and ``input_transform`` contradict each other, or ``num_classes`` and
            ``out_channels`` do.
    """

    #: logits at the labels' size from which a loss is computed by bands, without holding them (`layers.banded_loss`)
    bands_from: int = BANDS_FROM

    def __init__(self, options: HeadOptions) -> None:
        super().__init__()
        name = type(self).__name__
        several = options.input_transform is not None
        for key, value in (("in_channels", options.in_channels), ("in_index", options.in_index)):
            if isinstance(value, Sequence) != several:
                raise InputError(
                    f"{name}: {key}={value!r} with input_transform={options.input_transform!r}; "
                    "give one number without input_transform, or a list of equal length with it"
                )
        if several and len(options.in_channels) != len(options.in_index):  # type: ignore[arg-type]
            raise InputError(
                f"{name}: in_channels={options.in_channels} and in_index={options.in_index} differ in length"
            )
        out_channels = options.num_classes if options.out_channels is None else options.out_channels
        one_logit = out_channels == 1 and options.num_classes == 2 and not options.multilabel
        if out_channels != options.num_classes and not one_logit:
            raise InputError(
                f"{name}: out_channels={out_channels} with num_classes={options.num_classes}; "
                "they must be equal, or out_channels=1 with num_classes=2"
            )
        self.options = options
        self.num_classes = options.num_classes
        self.out_channels = out_channels
        self.multilabel = options.multilabel
        usual = 0.5 if options.multilabel else 0.3 if out_channels == 1 else None
        self.threshold = usual if options.threshold is None else options.threshold
        self.align_corners = options.align_corners
        self.channels = options.channels
        self.norm = options.norm
        self.act = options.act
        #: channels of what ``select`` returns; for ``multiple_select`` the list of channels of ``select_all``
        self.in_channels: Any = options.in_channels
        if options.input_transform == "resize_concat":
            self.in_channels = sum(options.in_channels)  # type: ignore[arg-type]
        losses: Any = options.loss_decode
        self.loss_decode = LossList(losses if isinstance(losses, Sequence) else [losses] if losses else [])
        self.sampler = options.sampler
        self.conv_seg = nn.Conv2d(options.channels, out_channels, kernel_size=1)
        nn.init.normal_(self.conv_seg.weight, std=0.01)
        nn.init.zeros_(self.conv_seg.bias)  # type: ignore[arg-type]
        self.dropout = nn.Dropout2d(options.dropout_ratio) if options.dropout_ratio > 0 else None

    def select(self, features: Sequence[Tensor]) -> Tensor:
        """The feature map that ``in_index`` names, or several concatenated at the first one's size.

        Returns:
            (B, in_channels, H, W).

        Raises:
            InputError: there is no such map, or its channels are not ``in_channels``.
        """
        chosen = self.select_all(features)
        if len(chosen) == 1:
            return chosen[0]
        size = chosen[0].shape[-2:]
        return torch.cat([resize(f, size, self.align_corners) for f in chosen], dim=1)

    def select_all(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The feature maps that ``in_index`` lists, as they are: (B, in_channels[i], H_i, W_i)."""
        options = self.options
        indices = options.in_index if isinstance(options.in_index, Sequence) else [options.in_index]
        widths = options.in_channels if isinstance(options.in_channels, Sequence) else [options.in_channels]
        offered = [f.shape[1] for f in features]
        chosen = []
        for index, width in zip(indices, widths, strict=True):
            if not -len(offered) <= index < len(offered):
                raise InputError(f"{type(self).__name__}: in_index={index}, but there are {len(offered)} feature maps")
            if offered[index] != width:
                raise InputError(
                    f"{type(self).__name__}: in_channels={width}, but feature map {index} has {offered[index]} "
                    f"channels; the maps have {offered}"
                )
            chosen.append(features[index])
        return chosen

    def classify(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to logits (B, out_channels, H, W)."""
        return convolve_dropped(x, self.dropout, self.conv_seg)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified: (B, channels, H', W')."""
        raise NotImplementedError(f"{type(self).__name__} must define embed(features), or forward(features)")

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to logits (B, out_channels, H', W') at the head's own resolution."""
        return self.classify(self.embed(features))

    def predict(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, out_channels, *size); ``previous`` are the logits of the head before, in a cascade."""
        return resize(self.coarse(features, size, previous), size, self.align_corners)

    def coarse(self, features: Sequence[Tensor], size: Size, previous: Tensor | None = None) -> Tensor:
        """Logits (B, out_channels, H', W') that ``predict`` resizes to ``size``."""
        return self._logits(features, previous)

    def loss(self, features: Sequence[Tensor], targets: Targets, previous: Tensor | None = None) -> dict[str, Tensor]:
        """Losses by name, and ``acc_seg``, the percentage of labeled pixels that are right."""
        return self.loss_of_logits(self._logits(features, previous), targets)

    def _logits(self, features: Sequence[Tensor], previous: Tensor | None) -> Tensor:
        forward: Callable[..., Tensor] = self.__call__  # that of a cascade's head takes ``previous``
        return forward(features) if previous is None else forward(features, previous)

    def loss_of_logits(self, logits: Tensor, targets: Targets) -> dict[str, Tensor]:
        """The same from logits (B, out_channels, H', W'), which are resized to the labels (B, H, W)."""
        if not self.loss_decode:
            raise InputError(f"{type(self).__name__} was made without loss_decode, so it has no loss")
        labels, ignore = targets.labels, self.options.ignore_index
        if (labels.ndim == 4) != self.multilabel:
            given = "several classes" if labels.ndim == 4 else "one class"
            raise InputError(
                f"{type(self).__name__}: multilabel={self.multilabel}, but the data has {given} per pixel; say "
                f"labels=dict(kind='{'multilabel' if labels.ndim == 4 else 'multiclass'}') in the config"
            )
        every, corners = list(self.loss_decode), self.align_corners
        by_bands = losses_by_bands(every, logits, labels, corners, ignore, self.sampler, self.bands_from)
        if by_bands is not None:
            return by_bands
        logits = resize(logits, labels.shape[-2:], self.align_corners)
        weight = None
        if self.sampler:
            weight = self.sampler.sample(logits, labels, every, ignore)
        losses: dict[str, Tensor] = {}
        for loss in every:
            name = str(loss.loss_name)
            value = loss(logits, labels, weight=weight, ignore_index=ignore)
            losses[name] = losses[name] + value if name in losses else value
        losses["acc_seg"] = pixel_accuracy(logits, labels, ignore)
        return losses
