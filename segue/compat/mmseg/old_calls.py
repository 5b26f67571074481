"""Heads and segmentors that a project wrote for mmseg 0.x, or whose base class it brings itself, called by Segue.

Such a head derives from a BaseDecodeHead of the project's own, so it has none of what Segue's classes share: only
``forward``, and ``losses``, ``forward_train`` and ``forward_test`` of 0.x, or ``loss`` and ``predict`` of 1.x.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.compat.mmengine.structures import PixelData, SegDataSample, to_samples
from segue.compat.mmseg.interface import TakesBoth, first_tensor, for_each, is_size, metas_of, size_of, split_arguments
from segue.compat.mmseg.old_metas import norm_of, old_meta
from segue.compat.overrides import overridden
from segue.inference.segment import labels_of
from segue.layers.resize import resize
from segue.types import Targets

#: what tells a decode head from a segmentor or a backbone with the same other methods
_MARKS = ("losses", "loss_by_feat", "forward_train")


def is_own_head(cls: Any) -> bool:
    """Whether a class is a decode head whose base is not Segue's."""
    if not (inspect.isclass(cls) and issubclass(cls, nn.Module)) or issubclass(cls, TakesBoth):
        return False
    return any(callable(getattr(cls, mark, None)) for mark in _MARKS) and not hasattr(cls, "extract_feat")


@functools.cache
def with_both_calls(cls: type) -> type:
    """A subclass of a project's own head that Segue's segmentors can call, too."""
    fields = {"__module__": cls.__module__, "__doc__": cls.__doc__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (OwnHead, cls), fields)


class OwnHead:
    """``loss`` and ``predict`` of Segue and of mmseg 1.x over those that a head has."""

    takes_config = True
    train_cfg: Any = None
    test_cfg: Any = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settle(self)

    def loss(self: Any, inputs: Any, *args: Any) -> Any:
        """Segue's ``loss(features, targets)``, or mmseg's ``loss(inputs, data_samples, train_cfg)``."""
        previous, given = split_arguments(args)
        samples = to_samples(given) if isinstance(given, Targets) else given
        if callable(getattr(super(), "loss", None)):
            return super().loss(inputs, *previous, samples, self.train_cfg)  # type: ignore[misc]
        metas, labels = metas_and_labels(samples, first_tensor(inputs).device)
        return self.forward_train(inputs, *previous, metas, labels, self.train_cfg)

    def predict(self: Any, inputs: Any, *args: Any) -> Tensor:
        """Segue's ``predict(features, size)``, or mmseg's ``predict(inputs, img_metas, test_cfg)``."""
        previous, where = split_arguments(args)
        metas = metas_of(where, inputs)
        if callable(getattr(super(), "predict", None)):
            found: Tensor = super().predict(inputs, *previous, metas, self.test_cfg)  # type: ignore[misc]
        else:
            found = self.forward_test(inputs, *previous, metas, self.test_cfg)
        size = size_of(where) if is_size(where) else size_of(metas)
        return found if tuple(found.shape[-2:]) == size else resize(found, size, bool(self.align_corners))


def callable_by_both(head: Any) -> Any:
    """A head of a project's own with the calls of `OwnHead`; anything else as it is."""
    if is_own_head(type(head)):
        head.__class__ = with_both_calls(type(head))  # type: ignore[arg-type]
        settle(head)
    return head


def settle(head: Any) -> None:
    """Give a head what 0.x had not yet."""
    for name, value in (("out_channels", head.num_classes), ("threshold", None), ("align_corners", False)):
        if not hasattr(head, name):
            setattr(head, name, value)


def metas_and_labels(samples: Sequence[Any], device: Any = None) -> tuple[list[dict[str, Any]], Tensor]:
    """What 0.x passes: metas, and labels (B, 1, H, W), of samples of 1.x."""
    metas = [old_meta(sample.metainfo) for sample in samples]
    return metas, torch.stack([sample.gt_sem_seg.data for sample in samples]).to(device)


def samples_of(metas: Sequence[Any], labels: Tensor) -> list[SegDataSample]:
    """The other way."""
    found = []
    for meta, label in zip(metas, labels, strict=True):
        sample = SegDataSample(metainfo=meta)
        sample.gt_sem_seg = PixelData(data=label)
        found.append(sample)
    return found


class OldSegmentor:
    """What 0.x called a segmentor's methods; those that a subclass overrides are called in place of those of 1.x."""

    _in_forward_train = False

    @property
    def trains_as_0x(self: Any) -> bool:
        """Whether a subclass has its own ``forward_train`` and no ``loss``, and is not within the former already."""
        return overridden(self, "forward_train") and not overridden(self, "loss") and not self._in_forward_train

    def loss(self: Any, inputs: Tensor, data_samples: Any) -> Any:
        """Losses by name, which a subclass's ``forward_train`` makes."""
        if not self.trains_as_0x:
            raise NotImplementedError(f"{type(self).__name__} must define loss, or forward_train as in 0.x")
        samples = to_samples(data_samples) if isinstance(data_samples, Targets) else data_samples
        self._in_forward_train = True
        try:
            metas, labels = metas_and_labels(samples, inputs.device)
            norm = norm_of(self.data_preprocessor)
            return self.forward_train(inputs, [{"img_norm_cfg": norm, **meta} for meta in metas], labels)
        finally:
            self._in_forward_train = False

    def forward_train(self: Any, img: Tensor, img_metas: Any, gt_semantic_seg: Tensor, **kwargs: Any) -> Any:
        """Losses by name; labels (B, 1, H, W)."""
        return self.loss(img, samples_of(img_metas, gt_semantic_seg))

    def _decode_head_forward_test(self: Any, x: Any, img_metas: Any) -> Any:
        """Features to the head's logits."""
        return self.decode_head.forward_test(x, img_metas, self.test_cfg)

    def encode_as_0x(self: Any, img: Tensor, img_metas: Any) -> Tensor:
        """Images to logits of their size, by a subclass's ``_decode_head_forward_test``."""
        logits = self._decode_head_forward_test(self.extract_feat(img), img_metas)
        return resize(logits, (img.shape[2], img.shape[3]), bool(self.align_corners))

    def called_as_0x(self: Any, img: Any, img_metas: Any, return_loss: bool = True, **kwargs: Any) -> Any:
        """``model(img=..., img_metas=..., return_loss=False)``: losses by name, or label maps (H, W)."""
        step = self.forward_train if return_loss else self.forward_test
        return step(img, img_metas, **kwargs)

    def forward_test(self: Any, imgs: Sequence[Tensor], img_metas: Sequence[Any], **kwargs: Any) -> list[np.ndarray]:
        """Label maps of images, of which there may be several views."""
        for name, value in (("imgs", imgs), ("img_metas", img_metas)):
            if not isinstance(value, (list, tuple)):
                raise TypeError(f"{name} must be a list, but got {type(value)}")
        if len(imgs) == 1:
            found: list[np.ndarray] = self.simple_test(imgs[0], img_metas[0], **kwargs)
            return found
        return self.aug_test(imgs, img_metas, **kwargs)

    def simple_test(self: Any, img: Tensor, img_meta: Any, rescale: bool = True) -> list[np.ndarray]:
        """Label maps (H, W), at the original size with ``rescale``."""
        logits = _unflipped(self.inference(img, img_meta), img_meta)
        size = tuple(img_meta[0]["ori_shape"][:2]) if rescale else tuple(logits.shape[-2:])
        return list(labels_of(self, resize(logits, size, self.align_corners)).cpu().numpy())

    def aug_test(self: Any, imgs: Any, img_metas: Any, rescale: bool = True) -> list[np.ndarray]:
        """Label maps (H, W) at the original size, of the mean of the views' probabilities."""
        mean = torch.as_tensor(self.aug_test_logits(imgs, img_metas, rescale))
        return list(labels_of(self, mean.logit() if mean.shape[1] == 1 else mean.log()).cpu().numpy())

    def simple_test_logits(self: Any, img: Any, img_metas: Any, rescale: bool = True) -> np.ndarray:
        """Probabilities (B, C, H, W), in spite of the name; of a list the first view's, as a loader of 0.x gives it."""
        if isinstance(img, (list, tuple)):
            img, img_metas = img[0], img_metas[0]
        return self.aug_test_logits([img], [img_metas], rescale)  # type: ignore[no-any-return]

    def aug_test_logits(self: Any, img: Any, img_metas: Any, rescale: bool = True) -> np.ndarray:
        """The mean of the views' probabilities (B, C, H, W), at the original size."""
        if not rescale:
            raise AssertionError("views have different sizes: rescale=True")
        total: Any = 0
        for view, meta in zip(img, img_metas, strict=True):
            logits = _unflipped(self.inference(view, meta), meta)
            logits = resize(logits, tuple(meta[0]["ori_shape"][:2]), self.align_corners)
            total = total + (logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1))
        found: np.ndarray = (total / len(img)).detach().cpu().numpy()
        return found

    def forward_dummy(self: Any, img: Tensor) -> Tensor:
        """Logits at the size of the image, for scripts that count operations."""
        found: Tensor = self.encode_decode(img, None)
        return found

    def stepped_as_0x(self: Any, data_batch: Any) -> dict[str, Any]:
        """``train_step(data_batch, optimizer)`` of 0.x: the loss, of which the caller takes the gradients."""
        loss, log_vars = self._parse_losses(self(**data_batch))
        return {"loss": loss, "log_vars": log_vars, "num_samples": len(data_batch["img_metas"])}

    def _parse_losses(self: Any, losses: Any) -> tuple[Tensor, dict[str, float]]:
        """The sum of the entries whose name contains ``loss``, and all values as numbers."""
        total, values = self.parse_losses(losses)
        return total, {name: float(torch.as_tensor(value).detach()) for name, value in values.items()}

    def show_result(
        self: Any,
        img: Any,
        result: Any,
        palette: Any = None,
        win_name: str = "",
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        opacity: float = 0.5,
    ) -> np.ndarray:
        """The image (H, W, 3) BGR with the label map ``result[0]`` over it; written to ``out_file`` if given."""
        from segue.compat.mmseg.old_pictures import drawn_result

        return drawn_result(self, img, result, palette, win_name, show, wait_time, out_file, opacity)


def merged_calls(inputs: Any, second: Any, old: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``model(img, img_metas, return_loss=..., ...)``, some of which may have come by position.

    Raises:
        TypeError: they are not those of 0.x.
    """
    given = {name: value for name, value in (("img", inputs), ("img_metas", second)) if value is not None}
    if missing := {"img", "img_metas"} - {*given, *old}:
        raise TypeError(f"forward() got the unexpected arguments {sorted(old)}; as in 0.x it needs {sorted(missing)}")
    return {**given, **old}


def _unflipped(logits: Tensor, metas: Sequence[Any]) -> Tensor:
    """Logits of a mirrored view as of the image itself."""
    if not metas[0].get("flip"):
        return logits
    direction = metas[0].get("flip_direction") or "horizontal"
    axes = {"horizontal": (3,), "vertical": (2,), "diagonal": (2, 3)}
    return logits.flip(axes[direction])


def of_simple_test(found: Any, data_samples: Any) -> list[Any]:
    """Label maps as samples."""
    samples = list(data_samples) if data_samples is not None else [SegDataSample() for _ in found]
    for labels, sample in zip(found, samples, strict=True):
        sample.pred_sem_seg = PixelData(data=torch.as_tensor(np.asarray(labels)).long())
    return samples


def model_loss_both_ways(method: Any) -> Any:
    """``loss`` with mmseg's samples or with Segue's targets."""

    @functools.wraps(method)
    def loss(self: Any, inputs: Any, data_samples: Any, *args: Any) -> Any:
        samples = to_samples(data_samples) if isinstance(data_samples, Targets) else data_samples
        return method(self, inputs, samples, *args)

    return loss


def train_step_both_ways(method: Any) -> Any:
    """``train_step(data, optim_wrapper)`` of 1.x; or of 0.x, ``(data_batch, optimizer)``, which is given a batch of 0.x
    and whose loss is stepped with here, as 0.x's runners did.
    """
    names = list(inspect.signature(method).parameters)
    if len(names) < 3 or names[2] != "optimizer":
        return method

    @functools.wraps(method)
    def train_step(self: Any, data: Any, optim_wrapper: Any = None, **kwargs: Any) -> Any:
        if isinstance(data, Mapping) and "img_metas" in data:
            return method(self, data, optim_wrapper, **kwargs)
        prepared = self.data_preprocessor(data, True)
        metas, labels = metas_and_labels(prepared["data_samples"], prepared["inputs"].device)
        norm = norm_of(self.data_preprocessor)
        batch = {
            "img_metas": [{"img_norm_cfg": norm, **meta} for meta in metas],
            "img": prepared["inputs"],
            "gt_semantic_seg": labels.long(),
        }
        found = method(self, batch, getattr(optim_wrapper, "optimizer", optim_wrapper), **kwargs)
        loss = found.get("loss")
        if isinstance(loss, Tensor) and loss.requires_grad:
            optim_wrapper.update_params(loss)
        return dict(found.get("log_vars") or {})

    return train_step


def encode_both_ways(method: Any) -> Any:
    """``encode_decode`` with metas or without."""

    @functools.wraps(method)
    def encode_decode(self: Any, inputs: Any, batch_img_metas: Any = None) -> Any:
        if batch_img_metas is None:
            size = tuple(inputs.shape[2:])
            batch_img_metas = for_each([{"img_shape": size, "pad_shape": size, "ori_shape": size}], inputs)
        return method(self, inputs, batch_img_metas)

    return encode_decode


def part_loss_both_ways(method: Callable[..., Any]) -> Callable[..., Any]:
    """``_decode_head_forward_train`` of 1.x, ``(inputs, data_samples)``, or of 0.x, ``(x, img_metas, gt)``, either of
    which may be called with the arguments of the other.
    """
    old = _arity(method) >= 3

    @functools.wraps(method)
    def forward_train(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        args = (*args, *kwargs.values())
        if old and len(args) == 1:
            args = metas_and_labels(args[0], first_tensor(inputs).device)
        elif not old and len(args) > 1:
            args = (samples_of(args[0], args[1]),)
        return method(self, inputs, *args)

    return forward_train


def inference_both_ways(method: Callable[..., Any]) -> Callable[..., Any]:
    """``whole_inference(inputs, metas)`` of 1.x, or of 0.x with ``rescale``, which asks for the original size."""
    old = _arity(method) >= 3

    @functools.wraps(method)
    def inference(self: Any, inputs: Tensor, metas: Any, rescale: bool = False) -> Any:
        if old:
            return method(self, inputs, metas, rescale)
        found = method(self, inputs, metas)
        return resize(found, tuple(metas[0]["ori_shape"][:2]), bool(self.align_corners)) if rescale else found

    return inference


def _arity(method: Callable[..., Any]) -> int:
    """How many arguments a method takes by position, without ``self``."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in kinds for parameter in inspect.signature(method).parameters.values()) - 1
