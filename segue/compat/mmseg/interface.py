"""What mmseg calls on a decode head, over a head of Segue's: mixed into every one of them that user code imports.

A head is called from two sides: by Segue's segmentors with ``Targets``, and by user code with lists of
``SegDataSample``. ``loss`` and ``predict`` of every subclass, also those that a user overrides, take both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from segue.compat.mmengine.structures import to_samples, to_targets
from segue.compat.overrides import overridden
from segue.layers.resize import resize as resize_to
from segue.types import Targets


def is_size(value: Any) -> bool:
    """Whether an argument is Segue's ``(H, W)``, which an export leaves open, and not mmseg's list of metas."""
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, (int, torch.SymInt)) for side in value)


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
    """(H, W) of Segue's size or mmseg's metas, where a window is told by an ``img_shape`` that is a ``torch.Size``."""
    if is_size(where):
        return tuple(where)
    shape = where[0].get("img_shape")
    return tuple((shape if isinstance(shape, torch.Size) else where[0].get("pad_shape") or shape)[:2])


def first_tensor(inputs: Any) -> Tensor:
    """The first tensor of features, however they are nested."""
    while not isinstance(inputs, Tensor):
        inputs = next(iter(inputs.values() if isinstance(inputs, Mapping) else inputs))
    return inputs


def device_of(inputs: Any) -> torch.device:
    """Where features are."""
    return first_tensor(inputs).device


def metas_of(where: Any, inputs: Any) -> Any:
    """Metas for each image of features, of Segue's size; mmseg's as they are."""
    if not is_size(where):
        return where
    return for_each([{"img_shape": tuple(where), "pad_shape": tuple(where)}], first_tensor(inputs))


def for_each(metas: list[Any], images: Tensor) -> list[Any]:
    """The one meta for each image (B, ...); once where an export leaves B open."""
    return metas * (images.shape[0] if isinstance(images.shape[0], int) else 1)


def side_of(value: Any) -> Any:
    """A side as an int, or as an export leaves it open."""
    return value if isinstance(value, torch.SymInt) else int(value)


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
            return method(self, inputs, *previous, metas_of(size, inputs), self.test_cfg)
        return method(self, inputs, *args, **kwargs)

    return predict


def _first(output: Any) -> Tensor:
    """The logits of an output that may hold others for its losses."""
    return output[0] if isinstance(output, (tuple, list)) else output


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
    #: the features, and what came before them, of the step of training that is under way
    _at: Any = None

    def _remember(self: Any, given: Mapping[str, Any]) -> None:
        """Keep the dicts that user code reads back."""
        for name, default in (("norm_cfg", None), ("act_cfg", {"type": "ReLU"}), ("conv_cfg", None)):
            if not hasattr(self, name):
                setattr(self, name, given.get(name, default))
        options = getattr(self, "options", None)
        for name in ("in_index", "input_transform", "ignore_index", "dropout_ratio"):
            if options is not None and not hasattr(self, name):
                setattr(self, name, getattr(options, name))

    # Segue's heads call `select`, `classify` and `embed`; these call what a subclass may override by mmseg's names

    def select(self: Any, features: Any) -> Tensor:
        """See `_transform_inputs`."""
        several = self.options.input_transform == "multiple_select"
        return super().select(features) if several else self._transform_inputs(features)  # type: ignore[misc]

    def select_all(self: Any, features: Any) -> list[Tensor]:
        """See `_transform_inputs`."""
        several = self.options.input_transform == "multiple_select"
        return self._transform_inputs(features) if several else super().select_all(features)  # type: ignore[misc]

    def classify(self: Any, x: Tensor) -> Tensor:
        """See `cls_seg`."""
        return self.cls_seg(x)

    def embed(self: Any, features: Any) -> Tensor:
        """See `_forward_feature`."""
        return self._forward_feature(features)

    def _transform_inputs(self: Any, inputs: Sequence[Tensor]) -> Any:
        """The feature map or maps that ``in_index`` selects."""
        if self.options.input_transform == "multiple_select":
            return super().select_all(inputs)  # type: ignore[misc]
        return super().select(inputs)  # type: ignore[misc]

    def cls_seg(self: Any, feat: Tensor) -> Tensor:
        """Features to logits."""
        return super().classify(feat)  # type: ignore[misc]

    def _forward_feature(self: Any, inputs: Sequence[Tensor]) -> Tensor:
        """Feature maps to what is classified."""
        return super().embed(inputs)  # type: ignore[misc]

    def _stack_batch_gt(self: Any, batch_data_samples: Any) -> Any:
        """Labels (B, 1, H, W)."""
        return torch.stack([sample.gt_sem_seg.data for sample in batch_data_samples], dim=0)

    def loss_by_feat(self: Any, seg_logits: Any, batch_data_samples: Any) -> dict[str, Tensor]:
        """Losses of what ``forward`` gave."""
        targets = self._targets(batch_data_samples, device_of(seg_logits))
        if self._own("losses"):
            return self.losses(seg_logits, targets.labels.unsqueeze(1))
        return self._loss_of(seg_logits, targets)

    def losses(self: Any, seg_logit: Any, seg_label: Tensor) -> dict[str, Tensor]:
        """The same with labels (B, 1, H, W), as 0.x called it."""
        return self._loss_of(seg_logit, Targets(seg_label.squeeze(1)))

    def _loss_of(self: Any, output: Any, targets: Targets) -> dict[str, Tensor]:
        """What Segue's head makes of its own output in a step of training, or of logits outside of one."""
        if self._at is None:
            return self.loss_of_logits(output[0] if isinstance(output, (tuple, list)) else output, targets)
        inputs, previous = self._at
        self.__dict__["forward"] = lambda *_: output
        try:
            return super().loss(inputs, targets, *previous)  # type: ignore[misc]
        finally:
            del self.__dict__["forward"]

    def _targets(self: Any, samples: Any, device: Any) -> Targets:
        """What samples are compared with, labels by ``_stack_batch_gt`` where a subclass has its own."""
        targets = to_targets(samples, device)
        if self._own("_stack_batch_gt"):
            found = self._stack_batch_gt(samples)
            labels, *edges = found if isinstance(found, tuple) else (found,)
            targets.labels = labels.squeeze(1).to(device)
            targets.edges = edges[0].squeeze(1).to(device) if edges else targets.edges
        return targets

    def predict_by_feat(self: Any, seg_logits: Tensor, batch_img_metas: Sequence[Mapping[str, Any]]) -> Tensor:
        """Logits at the size of the input."""
        return resize_to(seg_logits, size_of(batch_img_metas), self.align_corners)

    def loss(self: Any, inputs: Any, *args: Any) -> Any:
        """Segue's ``loss(features, targets)``, or mmseg's ``loss(inputs, data_samples, train_cfg)``."""
        previous, given = split_arguments(args)
        own_parts = self._own("loss_by_feat", "losses", "_stack_batch_gt")
        if isinstance(given, Targets) and not own_parts and not self._own("forward_train"):
            return super().loss(inputs, given, *previous)  # type: ignore[misc]
        samples = to_samples(given) if isinstance(given, Targets) else given
        if self._own("forward_train") and not self._own("loss_by_feat"):
            return self._loss_of_0x(inputs, previous, samples)
        if self._own("loss_by_feat", "losses"):
            output = self(inputs, *previous)
            self._at = inputs, previous
            try:
                return self.loss_by_feat(output, samples)
            finally:
                self._at = None
        return super().loss(inputs, self._targets(samples, device_of(inputs)), *previous)  # type: ignore[misc]

    def predict(self: Any, inputs: Any, *args: Any) -> Tensor:
        """Segue's ``predict(features, size)``, or mmseg's ``predict(inputs, img_metas, test_cfg)``."""
        previous, where = split_arguments(args)
        if self._own("predict_by_feat"):
            return self.predict_by_feat(_first(self(inputs, *previous)), metas_of(where, inputs))
        if self._own("forward_test"):
            found = self.forward_test(inputs, *previous, metas_of(where, inputs), self.test_cfg)
            return resize_to(_first(found), size_of(where), self.align_corners)
        if self._own("forward"):
            return resize_to(_first(self(inputs, *previous)), size_of(where), self.align_corners)
        return super().predict(inputs, size_of(where), *previous)  # type: ignore[misc]

    def _loss_of_0x(self: Any, inputs: Any, previous: Sequence[Any], samples: Any) -> Any:
        """``forward_train`` of a head of 0.x."""
        metas = [dict(sample.metainfo) for sample in samples]
        labels = self._targets(samples, device_of(inputs)).labels.unsqueeze(1)
        return self.forward_train(inputs, *previous, metas, labels, self.train_cfg)

    # what 0.x called them
    def forward_train(self: Any, inputs: Any, *args: Any) -> Any:
        """Losses: ``forward_train(inputs, img_metas, gt_semantic_seg, train_cfg)``, labels (B, 1, H, W); in a cascade
        the output of the head before comes second."""
        previous = [args[0]] if isinstance(args[0], Tensor) else []
        labels = args[len(previous) + 1]
        return super().loss(inputs, Targets(labels.squeeze(1).long()), *previous)  # type: ignore[misc]

    def forward_test(self: Any, inputs: Any, *args: Any) -> Any:
        """Logits: ``forward_test(inputs, img_metas, test_cfg)``, likewise."""
        return self(inputs, *(arg for arg in args[:1] if isinstance(arg, Tensor)))

    def _own(self, *names: str) -> bool:
        """Whether a user's subclass overrides one of the methods."""
        return overridden(self, *names)

    loss.takes_both = predict.takes_both = True  # type: ignore[attr-defined]
