"""mmseg's decode heads for user code: config dicts in the constructor, samples in ``loss``, Segue's mathematics below.

A head is called from two sides: by Segue's segmentors with ``Targets``, and by user code with lists of
``SegDataSample``. ``loss`` and ``predict`` of every subclass, also those that a user overrides, take both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from segue.compat.mmengine.modules import BaseModule
from segue.compat.mmengine.structures import to_samples, to_targets
from segue.layers.accuracy import pixel_accuracy
from segue.layers.resize import resize as resize_to
from segue.types import Targets


def resize(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    warning: bool = True,
) -> Tensor:
    """``torch.nn.functional.interpolate`` with mmseg's order of arguments."""
    if size is not None:
        size = tuple(int(side) for side in size) if not isinstance(size, int) else size
    return nn.functional.interpolate(input, size, scale_factor, mode, align_corners)


def accuracy(pred: Tensor, target: Tensor, topk: Any = 1, thresh: float | None = None, ignore_index: Any = None) -> Any:
    """Percentage of labels that are among the ``topk`` largest logits (B, C, ...)."""
    wanted = (topk,) if isinstance(topk, int) else tuple(topk)
    if pred.numel() == 0:
        found = [pred.new_zeros(1) for _ in wanted]
        return found[0] if isinstance(topk, int) else found
    values, classes = pred.topk(max(wanted), dim=1)
    right = classes.transpose(0, 1).eq(target.unsqueeze(0).expand_as(classes.transpose(0, 1)))
    if thresh is not None:
        right = right & (values > thresh).transpose(0, 1)
    counted = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    number = counted.sum() + torch.finfo(torch.float32).eps
    found = [(right[:k] & counted).float().sum().view(1) * (100.0 / number) for k in wanted]
    return found[0] if isinstance(topk, int) else found


def is_size(value: Any) -> bool:
    """Whether an argument is Segue's ``(H, W)``, and not mmseg's list of metas."""
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, int) for side in value)


def split_arguments(args: tuple[Any, ...]) -> tuple[list[Any], Any]:
    """The previous head's output, if there is one, and what the second kind of argument is.

    Segue's heads take it last, ``(features, targets, previous)``; mmseg's first, ``(inputs, previous, samples, cfg)``.
    """
    if isinstance(args[0], Targets) or is_size(args[0]):
        return [previous for previous in args[1:2] if previous is not None], args[0]
    if isinstance(args[0], (list, tuple)) and not (args[0] and isinstance(args[0][0], Tensor)):
        return [], args[0]
    return [args[0]], args[1]


def size_of(where: Any) -> Any:
    """(H, W) of Segue's size or mmseg's metas."""
    return tuple(where) if is_size(where) else tuple((where[0].get("pad_shape") or where[0]["img_shape"])[:2])


def metas_of(where: Any, count: int) -> Any:
    """Metas for ``count`` images of Segue's size; mmseg's as they are."""
    return [{"img_shape": tuple(where), "pad_shape": tuple(where)}] * count if is_size(where) else where


def loss_both_ways(method: Any) -> Any:
    """``loss`` of a user's head, called with mmseg's arguments or with Segue's."""

    @functools.wraps(method)
    def loss(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Targets):
            previous, targets = split_arguments(args)
            return method(self, inputs, *previous, to_samples(targets), self.train_cfg)
        return method(self, inputs, *args, **kwargs)

    return loss


def predict_both_ways(method: Any) -> Any:
    """``predict`` of a user's head, likewise."""

    @functools.wraps(method)
    def predict(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if args and is_size(args[0]):
            previous, size = split_arguments(args)
            return method(self, inputs, *previous, metas_of(size, inputs[0].shape[0]), self.test_cfg)
        return method(self, inputs, *args, **kwargs)

    return predict


class TakesBoth:
    """Makes methods of subclasses callable from both sides: those that ``both_ways`` names, by what it holds."""

    takes_config = True
    train_cfg: Any = None
    test_cfg: Any = None
    both_ways: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"loss": loss_both_ways, "predict": predict_both_ways}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, adapted in cls.both_ways.items():
            method = cls.__dict__.get(name)
            if method is not None and not getattr(method, "takes_both", False):
                wrapped = adapted(method)
                wrapped.takes_both = True
                setattr(cls, name, wrapped)


class HeadInterface(TakesBoth):
    """mmseg's methods over a head of Segue's: mixed into every one of them that user code imports."""

    options: Any

    def _remember(self: Any, given: Mapping[str, Any]) -> None:
        """Keep the dicts that user code reads back."""
        self.norm_cfg, self.act_cfg = given.get("norm_cfg"), given.get("act_cfg", {"type": "ReLU"})
        self.conv_cfg = given.get("conv_cfg")
        options = getattr(self, "options", None)
        for name in ("in_index", "input_transform", "ignore_index", "dropout_ratio"):
            if options is not None and not hasattr(self, name):
                setattr(self, name, getattr(options, name))

    def _transform_inputs(self: Any, inputs: Sequence[Tensor]) -> Any:
        """The feature map or maps that ``in_index`` selects."""
        if self.options.input_transform == "multiple_select":
            return self.select_all(inputs)
        return self.select(inputs)

    def cls_seg(self: Any, feat: Tensor) -> Tensor:
        """Features to logits."""
        return self.classify(feat)

    def _forward_feature(self: Any, inputs: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified."""
        return self.embed(inputs)

    def loss_by_feat(self: Any, seg_logits: Tensor, batch_data_samples: Any) -> dict[str, Tensor]:
        """Losses of logits."""
        return self.loss_of_logits(seg_logits, to_targets(batch_data_samples, seg_logits.device))

    def predict_by_feat(self: Any, seg_logits: Tensor, batch_img_metas: Sequence[Mapping[str, Any]]) -> Tensor:
        """Logits at the size of the input."""
        meta = batch_img_metas[0]
        return resize_to(seg_logits, tuple((meta.get("pad_shape") or meta["img_shape"])[:2]), self.align_corners)

    def loss(self: Any, inputs: Any, *args: Any) -> Any:
        """Segue's ``loss(features, targets)``, or mmseg's ``loss(inputs, data_samples, train_cfg)``."""
        previous, targets = split_arguments(args)
        if not (self._own("loss_by_feat") or self._own("losses")):
            if not isinstance(targets, Targets):
                targets = to_targets(targets, inputs[0].device)
            return super().loss(inputs, targets, *previous)  # type: ignore[misc]
        samples = to_samples(targets) if isinstance(targets, Targets) else targets
        return self.loss_by_feat(self(inputs, *previous), samples)

    def predict(self: Any, inputs: Any, *args: Any) -> Tensor:
        """Segue's ``predict(features, size)``, or mmseg's ``predict(inputs, img_metas, test_cfg)``."""
        previous, where = split_arguments(args)
        if not self._own("predict_by_feat"):
            return super().predict(inputs, size_of(where), *previous)  # type: ignore[misc]
        return self.predict_by_feat(self(inputs, *previous), metas_of(where, inputs[0].shape[0]))

    # what 0.x called them
    def forward_train(self: Any, inputs: Any, img_metas: Any, gt_semantic_seg: Tensor, train_cfg: Any = None) -> Any:
        """Losses of feature maps and labels (B, 1, H, W)."""
        return self.loss_of_logits(self(inputs), Targets(gt_semantic_seg.squeeze(1).long()))

    def forward_test(self: Any, inputs: Any, img_metas: Any = None, test_cfg: Any = None) -> Tensor:
        """Logits."""
        return self(inputs)

    def _own(self, name: str) -> bool:
        """Whether a user's subclass overrides a method."""
        return any(name in cls.__dict__ for cls in type(self).__mro__ if not cls.__module__.startswith("segue."))

    loss.takes_both = predict.takes_both = True  # type: ignore[attr-defined]


class BaseDecodeHead(HeadInterface, BaseModule):
    """The base of decode heads, with mmseg's constructor and methods.

    A subclass writes ``forward(inputs)``, which usually begins with ``self._transform_inputs(inputs)`` and ends with
    ``self.cls_seg(x)``; it may override ``loss_by_feat`` (``losses`` in 0.x), ``loss``, ``predict`` and others.
    """

    def __init__(
        self,
        in_channels: Any,
        channels: int,
        *,
        num_classes: int,
        out_channels: int | None = None,
        threshold: float | None = None,
        dropout_ratio: float = 0.1,
        conv_cfg: Any = None,
        norm_cfg: Any = None,
        act_cfg: Any = {"type": "ReLU"},  # as mmseg has it; never changed
        in_index: Any = -1,
        input_transform: str | None = None,
        loss_decode: Any = {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0},
        ignore_index: int = 255,
        sampler: Any = None,
        align_corners: bool = False,
        init_cfg: Any = {"type": "Normal", "std": 0.01, "override": {"name": "conv_seg"}},
    ) -> None:
        super().__init__(init_cfg)
        self._init_inputs(in_channels, in_index, input_transform)
        self.channels, self.num_classes = channels, num_classes
        self.dropout_ratio, self.conv_cfg, self.norm_cfg, self.act_cfg = dropout_ratio, conv_cfg, norm_cfg, act_cfg
        self.in_index, self.ignore_index, self.align_corners = in_index, ignore_index, align_corners
        self.out_channels = num_classes if out_channels is None else out_channels
        if self.out_channels != num_classes and not (self.out_channels == 1 and num_classes == 2):
            raise ValueError(f"out_channels should be equal to num_classes, or 1 with num_classes == 2: {out_channels}")
        self.threshold = 0.3 if threshold is None and self.out_channels == 1 else threshold
        from segue.compat.mmengine.registry import MODELS
        from segue.compat.mmseg.samplers import build_pixel_sampler

        if isinstance(loss_decode, Mapping):
            self.loss_decode: Any = MODELS.build(loss_decode)
        elif isinstance(loss_decode, (list, tuple)):
            self.loss_decode = nn.ModuleList([MODELS.build(loss) for loss in loss_decode])
        else:
            raise TypeError(f"loss_decode must be a dict or sequence of dict, but got {type(loss_decode)}")
        self.sampler = build_pixel_sampler(sampler, context=self) if sampler is not None else None
        self.conv_seg = nn.Conv2d(channels, self.out_channels, kernel_size=1)
        self.dropout = nn.Dropout2d(dropout_ratio) if dropout_ratio > 0 else None
        self.fp16_enabled = False

    def _init_inputs(self, in_channels: Any, in_index: Any, input_transform: str | None) -> None:
        """Settle how inputs are chosen, and ``in_channels``."""
        if input_transform not in (None, "resize_concat", "multiple_select"):
            raise ValueError(f"input_transform={input_transform!r}: None, 'resize_concat' or 'multiple_select'")
        several = input_transform is not None
        for name, value in (("in_channels", in_channels), ("in_index", in_index)):
            if isinstance(value, (list, tuple)) != several:
                raise TypeError(f"{name}={value!r} with input_transform={input_transform!r}")
        self.input_transform, self.in_index = input_transform, in_index
        if several and len(in_channels) != len(in_index):
            raise ValueError(f"in_channels={in_channels} and in_index={in_index} differ in length")
        self.in_channels = sum(in_channels) if input_transform == "resize_concat" else in_channels

    def _transform_inputs(self, inputs: Sequence[Tensor]) -> Any:
        """The feature map or maps that ``in_index`` selects."""
        if self.input_transform is None:
            return inputs[self.in_index]
        chosen = [inputs[i] for i in self.in_index]
        if self.input_transform == "multiple_select":
            return chosen
        size = chosen[0].shape[2:]
        return torch.cat([resize(x, size, mode="bilinear", align_corners=self.align_corners) for x in chosen], dim=1)

    def forward(self, inputs: Any) -> Any:
        """Feature maps to logits."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(inputs)")

    def cls_seg(self, feat: Tensor) -> Tensor:
        """(B, channels, H, W) to logits (B, out_channels, H, W)."""
        return self.conv_seg(self.dropout(feat) if self.dropout is not None else feat)

    def _stack_batch_gt(self, batch_data_samples: Sequence[Any]) -> Tensor:
        """Labels (B, 1, H, W)."""
        return torch.stack([sample.gt_sem_seg.data for sample in batch_data_samples], dim=0)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: Any) -> dict[str, Tensor]:
        """Losses of logits (B, out_channels, H', W'), by name, and ``acc_seg``."""
        labels = self._stack_batch_gt(batch_data_samples).to(seg_logits.device)
        if self._own("losses"):
            return self.losses(seg_logits, labels)
        return self.loss_of_logits(seg_logits, Targets(labels.squeeze(1)))

    def losses(self, seg_logit: Tensor, seg_label: Tensor) -> dict[str, Tensor]:
        """The same with labels (B, 1, H, W), as 0.x called it."""
        return self.loss_of_logits(seg_logit, Targets(seg_label.squeeze(1)))

    def loss_of_logits(self, logits: Tensor, targets: Targets) -> dict[str, Tensor]:
        """The same with Segue's targets."""
        label = targets.labels
        logits = resize(logits, label.shape[-2:], mode="bilinear", align_corners=self.align_corners)
        weight = self.sampler.sample(logits, label.unsqueeze(1)) if self.sampler is not None else None
        found: dict[str, Tensor] = {}
        for loss in self.loss_decode if isinstance(self.loss_decode, nn.ModuleList) else [self.loss_decode]:
            value = loss(logits, label, weight=weight, ignore_index=self.ignore_index)
            name = str(loss.loss_name)
            found[name] = found[name] + value if name in found else value
        found["acc_seg"] = pixel_accuracy(logits, label, self.ignore_index).view(1)
        return found

    def loss(self, inputs: Any, *args: Any) -> Any:
        """``loss(inputs, data_samples, train_cfg)``, or Segue's ``loss(features, targets)``."""
        previous, targets = split_arguments(args)
        samples = to_samples(targets) if isinstance(targets, Targets) else targets
        return self.loss_by_feat(self(inputs, *previous), samples)

    def predict(self, inputs: Any, *args: Any) -> Tensor:
        """``predict(inputs, img_metas, test_cfg)``, or Segue's ``predict(features, size)``."""
        previous, where = split_arguments(args)
        return self.predict_by_feat(self(inputs, *previous), metas_of(where, inputs[0].shape[0]))

    loss.takes_both = predict.takes_both = True  # type: ignore[attr-defined]


class BaseCascadeDecodeHead(BaseDecodeHead):
    """The base of heads that also read the logits of the head before: ``forward(inputs, prev_output)``."""

    def forward(self, inputs: Any, prev_output: Any = None) -> Any:
        """Feature maps and logits to logits."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(inputs, prev_output)")
