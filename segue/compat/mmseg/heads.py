"""mmseg's decode heads for user code: config dicts in the constructor, samples in ``loss``, Segue's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segue.compat.mmengine.modules import BaseModule
from segue.compat.mmengine.structures import to_samples
from segue.compat.mmseg.interface import HeadInterface, device_of, metas_of, side_of, split_arguments
from segue.compat.overrides import Guarded
from segue.layers.accuracy import pixel_accuracy
from segue.layers.dropped_channels import convolve_dropped
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
        size = tuple(map(side_of, size)) if isinstance(size, (tuple, list, Tensor)) else side_of(size)
    return nn.functional.interpolate(input, size, scale_factor, mode, align_corners)


def accuracy(pred: Tensor, target: Tensor, topk: Any = 1, thresh: float | None = None, ignore_index: Any = None) -> Any:
    """Percentage of labels that are among the ``topk`` largest logits (B, C, ...)."""
    wanted = (topk,) if isinstance(topk, int) else tuple(topk)
    if pred.numel() == 0:
        found = [pred.new_zeros(1) for _ in wanted]
        return found[0] if isinstance(topk, int) else found
    if max(wanted) > pred.shape[1]:
        raise AssertionError(f"maxk {max(wanted)} exceeds pred dimension {pred.shape[1]}")
    values, classes = pred.topk(max(wanted), dim=1)
    right = classes.transpose(0, 1).eq(target.unsqueeze(0).expand_as(classes.transpose(0, 1)))
    if thresh is not None:
        right = right & (values > thresh).transpose(0, 1)
    counted = torch.ones_like(target, dtype=torch.bool) if ignore_index is None else target != ignore_index
    number = counted.sum() + torch.finfo(torch.float32).eps
    found = [(right[:k] & counted).float().sum().view(1) * (100.0 / number) for k in wanted]
    return found[0] if isinstance(topk, int) else found


class BaseDecodeHead(Guarded, HeadInterface, BaseModule):
    """The base of decode heads, with mmseg's constructor and methods.

    A subclass writes ``forward(inputs)``, which usually begins with ``self._transform_inputs(inputs)`` and ends with
    ``self.cls_seg(x)``; it may override ``loss_by_feat`` (``losses`` in 0.x), ``loss``, ``predict`` and others.
    """

    stands_for = ("heads", "BaseDecodeHead")

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
        decoder_params: Any = None,
        init_cfg: Any = {"type": "Normal", "std": 0.01, "override": {"name": "conv_seg"}},
    ) -> None:
        super().__init__(init_cfg)
        self.decoder_params = decoder_params  # of forks since SegFormer: heads read it, and pass it on with the others
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
        return convolve_dropped(feat, self.dropout, self.conv_seg)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: Any) -> dict[str, Tensor]:
        """Losses of logits (B, out_channels, H', W'), by name, and ``acc_seg``."""
        labels = self._stack_batch_gt(batch_data_samples).to(device_of(seg_logits))
        if self._own("losses"):
            return self.losses(seg_logits, labels)
        return self.loss_of_logits(seg_logits, Targets(labels.squeeze(1)))

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

    def losses(self, seg_logit: Tensor, seg_label: Tensor) -> dict[str, Tensor]:
        """The same with labels (B, 1, H, W), as 0.x called it."""
        return self.loss_of_logits(seg_logit, Targets(seg_label.squeeze(1)))

    def forward_train(self, inputs: Any, *args: Any) -> Any:
        """Losses: ``forward_train(inputs, img_metas, gt_semantic_seg, train_cfg)``, labels (B, 1, H, W); in a cascade
        the output of the head before comes second."""
        previous = [args[0]] if isinstance(args[0], Tensor) else []
        output, labels = self(inputs, *previous), args[len(previous) + 1]
        return self.losses(output, labels)

    def loss(self, inputs: Any, *args: Any) -> Any:
        """``loss(inputs, data_samples, train_cfg)``, or Segue's ``loss(features, targets)``."""
        previous, targets = split_arguments(args)
        samples = to_samples(targets) if isinstance(targets, Targets) else targets
        if self._own("forward_train") and not self._own("loss_by_feat"):
            return self._loss_of_0x(inputs, previous, samples)
        return self.loss_by_feat(self(inputs, *previous), samples)

    def predict(self, inputs: Any, *args: Any) -> Tensor:
        """``predict(inputs, img_metas, test_cfg)``, or Segue's ``predict(features, size)``."""
        previous, where = split_arguments(args)
        metas = metas_of(where, inputs)
        if self._own("forward_test") and not self._own("predict_by_feat"):
            return self.predict_by_feat(self.forward_test(inputs, *previous, metas, self.test_cfg), metas)
        return self.predict_by_feat(self(inputs, *previous), metas)

    loss.takes_both = predict.takes_both = True  # type: ignore[attr-defined]


class BaseCascadeDecodeHead(BaseDecodeHead):
    """The base of heads that also read the logits of the head before: ``forward(inputs, prev_output)``."""

    stands_for = ("heads", "BaseCascadeDecodeHead")

    def forward(self, inputs: Any, prev_output: Any = None) -> Any:
        """Feature maps and logits to logits."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(inputs, prev_output)")
