"""Images to label maps or depths. Evaluation in training, ``segue test`` and ``segue predict`` pass through here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.inference.ensemble import Ensemble
from segue.inference.largest import largest
from segue.inference.logits import Cropped, Held, Logits, Mirrored, Resized, Windows, mean_bands
from segue.inference.way import present_way
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.types import SegSample

#: From probabilities (1, classes, H, W) of the image at a place in a batch, at its original size, to better ones.
Refine: TypeAlias = Callable[[int, Tensor], Tensor]
#: windows that go through an accelerator together
WINDOWS_AT_ONCE = 8


@dataclass(frozen=True)
class Seen:
    """What a model finds in an image, at its original size.

    Attributes:
        labels: as `label_maps` returns them.
        views: logits of every view; None of a model that predicts in its own way, and after ``refine``.
        shares: (K, H, W), the probabilities after ``refine``.
    """

    labels: Tensor
    views: list[Logits] | None = None
    shares: Tensor | None = None


def label_maps(model: nn.Module, batch: Mapping[str, Any], refine: Refine | None = None) -> list[Tensor]:
    """Predicted labels (H, W) int64 of each image of a batch, at the image's original size; of a multilabel model
    (K, H, W) bool, whether each class is there; of a depth model (H, W) float depths.

    ``batch["inputs"]`` holds images (C, H, W) as the pipeline left them, ``batch["data_samples"]`` their samples.
    Images of one size go through the network together. Where both hold lists, the views that `TestTimeAug` made of an
    image, the classes' mean probability over its views decides; depths are averaged. ``refine`` has the last word on
    probabilities, as a `segue.inference.crf.CRF` has; where there are none, it is an InputError.
    """
    return [one.labels for one in seen_in(model, batch, refine)]


def seen_in(model: nn.Module, batch: Mapping[str, Any], refine: Refine | None = None) -> list[Seen]:
    """The same with the logits that the labels were decided by, of which probabilities can be made."""
    if refine is not None:
        _check_refined(model)
    own = getattr(model, "label_maps", None)
    images, samples = batch["inputs"], batch["data_samples"]
    if own is not None:  # a segmentor of the user's that predicts in its own way
        if images and isinstance(images[0], (list, tuple)) and not getattr(model, "takes_views", False):
            raise InputError(f"{type(model).__name__} predicts in its own way, which has no mean over views: omit tta")
        return [Seen(labels) for labels in own(batch)]
    found = views_of(model, images, samples)
    if refine is None:
        shown = not gives_labels(model)  # what stands for logits there decides, and means no probability
        return [Seen(decided(model, views), views if shown else None) for views in found]
    better = [refine(i, _whole_probabilities(model, views)) for i, views in enumerate(found)]
    return [Seen(_decided(model, shares)[0], shares=shares[0]) for shares in better]


def _check_refined(model: nn.Module) -> None:
    """Raise InputError for a model that has no probabilities of classes that exclude each other."""
    kind = type(model).__name__
    if getattr(model, "label_maps", None) is not None:
        raise InputError(f"{kind} predicts in its own way, which gives no probabilities for a CRF: omit it")
    if predicts_depth(model):
        raise InputError(f"{kind} predicts depths; a CRF is for classes: omit it")
    if is_multilabel(model):
        raise InputError(f"{kind} predicts several classes per pixel; a CRF is for one class per pixel: omit it")
    if gives_labels(model):
        raise InputError("the file was exported with --labels-out and gives no probabilities for a CRF: omit it")


def views_of(model: Any, images: Sequence[Any], samples: Sequence[Any]) -> list[list[Logits]]:
    """Logits at the original size of every view of each image; an image that is not a list of views has one. The
    members of an ensemble have each their own.

    Raises:
        InputError: images of different numbers of views, or of none; members that give other numbers of logits.
    """
    if isinstance(model, Ensemble):
        by_member = [views_of(member, images, samples) for member in model.members]
        together = [[view for views in own for view in views] for own in zip(*by_member, strict=True)]
        counts = {view.classes for views in together for view in views}
        if len(counts) > 1:
            raise InputError(f"the models give {sorted(counts)} logits per pixel, which have no mean")
        return together
    if not images or not isinstance(images[0], (list, tuple)):
        return [[logits] for logits in logits_of(model, images, samples)]
    counts = {len(views) for views in images}
    if len(counts) != 1 or 0 in counts:
        raise InputError(f"the images of a batch must have one number of views, got {sorted(counts)}")
    by_view = [
        logits_of(model, [views[view] for views in images], [views[view] for views in samples])
        for view in range(counts.pop())
    ]
    return [list(views) for views in zip(*by_view, strict=True)]


def first_views(samples: Sequence[Any]) -> list[SegSample]:
    """The sample of each image of a batch: where it has several views, that of the first, whose labels are the image's
    own.
    """
    return [sample[0] if isinstance(sample, (list, tuple)) else sample for sample in samples]


def logits_of(model: Any, images: Sequence[Tensor], samples: Sequence[SegSample]) -> list[Logits]:
    """Logits at the original size of each image of a batch; those that padding makes equal in size go through the
    network together.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(padded_shape(model, image), []).append(index)
    found: dict[int, Logits] = {}
    for indices in groups.values():
        part = {"inputs": [images[i] for i in indices], "data_samples": [samples[i] for i in indices]}
        inputs, padded = model.data_preprocessor(part, training=False)
        own_way = getattr(model, "whole_or_slide", None)  # of a segmentor of the user's, which reads the samples' metas
        maps = seen_by(model, inputs) if own_way is None else [Held(one) for one in own_way(inputs, padded)]
        for index, seen, sample in zip(indices, maps, padded, strict=True):
            found[index] = original(model, seen, sample)
    return [found[index] for index in range(len(images))]


def padded_shape(model: Any, image: Tensor) -> tuple[int, ...]:
    """(C, H, W) of an image (C, H', W') of a pipeline by itself after the model's preprocessor."""
    own, size = model.data_preprocessor, (image.shape[-2], image.shape[-1])
    if getattr(type(own), "forward", None) is SegDataPreProcessor.forward:
        size = own.padded_size(size)
    return (*image.shape[:-2], *size)


def seen_by(model: Any, inputs: Tensor) -> list[Logits]:
    """Logits (classes, H, W) of each of the preprocessed images (B, C, H, W), as the model's ``test_cfg`` says."""
    coarse = model.coarse if hasattr(model, "coarse") else model.encode_decode

    def run(part: Tensor) -> Tensor:
        return way.run(model, part, coarse)

    way = present_way()
    if model.test.mode != "slide":
        return _resized(model, inputs, run)
    at_once = 1 if inputs.device.type == "cpu" else max(1, WINDOWS_AT_ONCE // len(inputs))
    return _windows(model, inputs, run, at_once)


def _windows(model: Any, inputs: Tensor, run: Callable[[Tensor], Tensor], at_once: int = 1) -> list[Logits]:
    """Logits of each image from its windows, of which ``at_once`` go through the network together."""
    size = (inputs.shape[-2], inputs.shape[-1])
    crop, stride = model.test.pair("crop_size"), model.test.pair("stride")
    windows: list[list[tuple[int, int, Logits]]] = [[] for _ in inputs]
    rows, columns = (_starts(size[i], crop[i], stride[i], model.test.even) for i in (0, 1))
    places = [(y, x) for y in rows for x in columns]
    for first in range(0, len(places), at_once):
        some = places[first : first + at_once]
        cut = [inputs[..., top : top + crop[0], left : left + crop[1]] for top, left in some]
        logits = iter(_resized(model, torch.cat(cut) if len(cut) > 1 else cut[0], run))
        for top, left in some:
            for own in windows:
                own.append((top, left, next(logits)))
    weight = present_way().weight(crop, inputs.device)
    return [Windows(own, size, weight) for own in windows]


def _resized(model: Any, inputs: Tensor, run: Callable[[Tensor], Tensor]) -> list[Logits]:
    return [Resized(Held(one), inputs.shape[-2:], model.head.align_corners) for one in run(inputs)]


def whole_or_slide(model: Any, inputs: Tensor) -> Tensor:
    """Logits (B, classes, H, W) of preprocessed images (B, C, H, W), seen as the model's ``test_cfg`` says."""
    return slide(model, inputs) if model.test.mode == "slide" else model.encode_decode(inputs)


def slide(model: Any, inputs: Tensor, encode: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """Logits (B, classes, H, W) averaged over overlapping windows of preprocessed images (B, C, H, W).

    Windows of ``test.crop_size`` every ``test.stride`` pixels; the last of a row or column is moved back to end at
    the border, or all are spread where ``test.even``. ``encode`` gives a window's logits; the model's ``encode_decode``
    does where it is None.
    """
    return torch.stack([logits.whole() for logits in _windows(model, inputs, encode or model.encode_decode)])


def original_logits(model: Any, logits: Tensor, sample: SegSample) -> Tensor:
    """Logits (1, classes, H, W) of a padded, perhaps flipped and resized image to those of the original, (1, classes,
    H', W').
    """
    return original(model, Held(logits[0]), sample).whole()[None]


def original(model: Any, logits: Logits, sample: SegSample) -> Logits:
    """Logits of a padded, perhaps flipped and resized image to those of the original."""
    padding = sample.meta.get("padding_size", (0, 0, 0, 0))
    if any(padding):
        logits = Cropped(logits, padding)
    if sample.meta.get("flip"):
        logits = Mirrored(logits, sample.meta.get("flip_direction", "horizontal"))
    size = tuple(sample.meta.get("ori_shape", logits.size))[:2]
    return logits if size == logits.size else Resized(logits, size, model.head.align_corners)


def decided(model: Any, views: Sequence[Logits]) -> Tensor:
    """Labels (H, W) int64 of an image by the mean over its views of the classes' probabilities; of a multilabel model
    (K, H, W) bool, of a depth model (H, W) float depths.
    """
    if len(views) == 1 and not _by_threshold(model, views[0].classes) and not predicts_depth(model):
        return largest(views[0])
    return torch.cat([_decided(model, shares[None])[0] for _, shares in mean_probabilities(model, views)], dim=-2)


def mean_probabilities(model: Any, views: Sequence[Logits]) -> Iterator[tuple[int, Tensor]]:
    """(first row, (K, rows, W) float32) of the mean over views of the probabilities, band by band."""
    return mean_bands(views, lambda band: probabilities(model, band[None])[0])


def _whole_probabilities(model: Any, views: Sequence[Logits]) -> Tensor:
    """(1, K, H, W), the mean over views."""
    return torch.cat([shares for _, shares in mean_probabilities(model, views)], dim=1)[None]


def labels_of(model: Any, logits: Tensor) -> Tensor:
    """Logits (B, classes, H, W) to labels (B, H, W) int64: the largest, or with one logit whether it passes the
    threshold; of a multilabel model (B, K, H, W) bool, which of them pass it; of a depth model the depths.
    """
    return _decided(model, probabilities(model, logits) if _by_threshold(model, logits.shape[1]) else logits)


def probabilities(model: Any, logits: Tensor) -> Tensor:
    """Logits (B, classes, H, W) to what the model means by them: softmax over classes, or the sigmoid of each where
    there is one logit, or where a pixel may have several classes; depths are what they are.
    """
    if predicts_depth(model):
        return logits
    return logits.sigmoid() if _by_threshold(model, logits.shape[1]) else logits.softmax(dim=1)


def is_multilabel(model: Any) -> bool:
    """Whether a pixel may have several classes."""
    return bool(getattr(getattr(model, "head", None), "multilabel", False))


def gives_labels(model: Any) -> bool:
    """Whether the model is a file that gives labels, whose "logits" are 1 for the class and 0 for the others."""
    return bool(getattr(model, "gives_labels", False))


def predicts_depth(model: Any) -> bool:
    """Whether the model's "logits" (B, 1, H, W) are depths."""
    return bool(getattr(model, "predicts_depth", False))


def _by_threshold(model: Any, classes: int) -> bool:
    return classes == 1 or is_multilabel(model)


def _decided(model: Any, shares: Tensor) -> Tensor:
    if predicts_depth(model):
        return shares[:, 0]
    if not _by_threshold(model, shares.shape[1]):
        return shares.argmax(dim=1)
    threshold = getattr(model.head, "threshold", None)
    passed = shares > (0.5 if threshold is None else threshold)
    return passed if is_multilabel(model) else passed[:, 0].long()


def _starts(length: int, crop: int, stride: int, even: bool = False) -> Sequence[int]:
    """Where windows begin along one axis, so that they cover it."""
    last = max(length - crop, 0)
    if even and last:
        count = -(-last // stride) + 1
        return [i * last // (count - 1) for i in range(count)]
    return [min(i * stride, last) for i in range(-(-last // stride) + 1)]
