"""Images to label maps or depths. Evaluation in training, ``segue test`` and ``segue predict`` pass through here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.layers.resize import resize
from segue.types import SegSample

#: From probabilities (1, classes, H, W) of the image at a place in a batch, at its original size, to better ones.
Refine: TypeAlias = Callable[[int, Tensor], Tensor]


def label_maps(model: nn.Module, batch: Mapping[str, Any], refine: Refine | None = None) -> list[Tensor]:
    """Predicted labels (H, W) int64 of each image of a batch, at the image's original size; of a multilabel model
    (K, H, W) bool, whether each class is there; of a depth model (H, W) float depths.

    ``batch["inputs"]`` holds images (C, H, W) as the pipeline left them, ``batch["data_samples"]`` their samples.
    Images of one size go through the network together. Where both hold lists, the views that `TestTimeAug` made of an
    image, the classes' mean probability over its views decides; depths are averaged. ``refine`` has the last word on
    probabilities, as a `segue.inference.crf.CRF` has; where there are none, it is an InputError.
    """
    if refine is not None:
        _check_refined(model)
    own = getattr(model, "label_maps", None)
    images, samples = batch["inputs"], batch["data_samples"]
    if own is not None:  # a segmentor of the user's that predicts in its own way
        if images and isinstance(images[0], (list, tuple)) and not getattr(model, "takes_views", False):
            raise InputError(f"{type(model).__name__} predicts in its own way, which has no mean over views: omit tta")
        maps: list[Tensor] = own(batch)
        return maps
    if images and isinstance(images[0], (list, tuple)):
        return _merged(model, images, samples, refine)
    if refine is not None:
        shares = ((index, probabilities(model, logits.float())) for index, logits in _logits(model, images, samples))
        found = {index: _decided(model, refine(index, one))[0] for index, one in shares}
    else:
        found = {index: labels_of(model, logits)[0] for index, logits in _logits(model, images, samples)}
    return [found[index] for index in range(len(images))]


def _check_refined(model: nn.Module) -> None:
    """Raise InputError for a model that has no probabilities of classes that exclude each other."""
    kind = type(model).__name__
    if getattr(model, "label_maps", None) is not None:
        raise InputError(f"{kind} predicts in its own way, which gives no probabilities for a CRF: omit it")
    if predicts_depth(model):
        raise InputError(f"{kind} predicts depths; a CRF is for classes: omit it")
    if is_multilabel(model):
        raise InputError(f"{kind} predicts several classes per pixel; a CRF is for one class per pixel: omit it")


def first_views(samples: Sequence[Any]) -> list[SegSample]:
    """The sample of each image of a batch: where it has several views, that of the first, whose labels are the image's
    own.
    """
    return [sample[0] if isinstance(sample, (list, tuple)) else sample for sample in samples]


def _logits(model: Any, images: Sequence[Tensor], samples: Sequence[SegSample]) -> Iterator[tuple[int, Tensor]]:
    """(index, logits (1, classes, H, W) at the original size) of each image, those of one size after each other."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(tuple(image.shape), []).append(index)
    for indices in groups.values():
        part = {"inputs": [images[i] for i in indices], "data_samples": [samples[i] for i in indices]}
        inputs, padded = model.data_preprocessor(part, training=False)
        own_way = getattr(model, "whole_or_slide", None)  # of a segmentor of the user's, which reads the samples' metas
        logits = own_way(inputs, padded) if own_way is not None else whole_or_slide(model, inputs)
        for index, own, sample in zip(indices, logits, padded, strict=True):
            yield index, original_logits(model, own[None], sample)


def _merged(
    model: Any,
    images: Sequence[Sequence[Tensor]],
    samples: Sequence[Sequence[SegSample]],
    refine: Refine | None = None,
) -> list[Tensor]:
    """Labels by the mean over views of the probabilities; one sum per image is kept."""
    counts = {len(views) for views in images}
    if len(counts) != 1 or 0 in counts:
        raise InputError(f"the images of a batch must have one number of views, got {sorted(counts)}")
    sums: dict[int, Tensor] = {}
    for view in range(counts.pop()):
        one = [views[view] for views in images], [views[view] for views in samples]
        for index, logits in _logits(model, *one):
            shares = probabilities(model, logits.float())
            sums[index] = sums[index].add_(shares) if index in sums else shares
    means = (sums[index] / len(images[index]) for index in range(len(images)))
    return [_decided(model, one if refine is None else refine(i, one))[0] for i, one in enumerate(means)]


def whole_or_slide(model: Any, inputs: Tensor) -> Tensor:
    """Logits (B, classes, H, W) of preprocessed images (B, C, H, W), seen as the model's ``test_cfg`` says."""
    return slide(model, inputs) if model.test.mode == "slide" else model.encode_decode(inputs)


def slide(model: Any, inputs: Tensor, encode: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """Logits (B, classes, H, W) averaged over overlapping windows of preprocessed images (B, C, H, W).

    Windows of ``test.crop_size`` every ``test.stride`` pixels; the last of a row or column is moved back to end at
    the border. The logits of the whole image are held on its device, once. ``encode`` gives a window's logits; the
    model's ``encode_decode`` does where it is None.
    """
    encode = encode or model.encode_decode
    height, width = inputs.shape[-2:]
    crop, stride = model.test.pair("crop_size"), model.test.pair("stride")
    total: Tensor | None = None
    count = inputs.new_zeros((1, 1, height, width))
    for top in _starts(height, crop[0], stride[0]):
        for left in _starts(width, crop[1], stride[1]):
            window = (..., slice(top, top + crop[0]), slice(left, left + crop[1]))
            logits = encode(inputs[window])
            if total is None:
                total = logits.new_zeros((*logits.shape[:2], height, width))
            total[window] += logits
            count[window] += 1
    assert total is not None
    total = total.to(torch.promote_types(total.dtype, count.dtype))  # half precision is not divided in half precision
    return total.div_(count)  # in place, since a large image's logits are large


def original_logits(model: Any, logits: Tensor, sample: SegSample) -> Tensor:
    """Logits (1, classes, H, W) of a padded, perhaps flipped and resized image to those of the original, (1, classes,
    H', W').
    """
    left, right, top, bottom = sample.meta.get("padding_size", (0, 0, 0, 0))
    height, width = logits.shape[-2:]
    logits = logits[..., top : height - bottom, left : width - right]
    if sample.meta.get("flip"):
        axes = {"horizontal": (3,), "vertical": (2,), "diagonal": (2, 3)}
        logits = logits.flip(axes[sample.meta.get("flip_direction", "horizontal")])
    size = tuple(sample.meta.get("ori_shape", logits.shape[-2:]))[:2]
    return resize(logits, size, model.head.align_corners)


def labels_of(model: Any, logits: Tensor) -> Tensor:
    """Logits (B, classes, H, W) to labels (B, H, W) int64: the largest, or with one logit whether it passes the
    threshold; of a multilabel model (B, K, H, W) bool, which of them pass it; of a depth model the depths.
    """
    return _decided(model, probabilities(model, logits) if _by_threshold(model, logits) else logits)


def probabilities(model: Any, logits: Tensor) -> Tensor:
    """Logits (B, classes, H, W) to what the model means by them: softmax over classes, or the sigmoid of each where
    there is one logit, or where a pixel may have several classes; depths are what they are.
    """
    if predicts_depth(model):
        return logits
    return logits.sigmoid() if _by_threshold(model, logits) else logits.softmax(dim=1)


def is_multilabel(model: Any) -> bool:
    """Whether a pixel may have several classes."""
    return bool(getattr(getattr(model, "head", None), "multilabel", False))


def predicts_depth(model: Any) -> bool:
    """Whether the model's "logits" (B, 1, H, W) are depths."""
    return bool(getattr(model, "predicts_depth", False))


def _by_threshold(model: Any, logits: Tensor) -> bool:
    return logits.shape[1] == 1 or is_multilabel(model)


def _decided(model: Any, shares: Tensor) -> Tensor:
    if predicts_depth(model):
        return shares[:, 0]
    if not _by_threshold(model, shares):
        return shares.argmax(dim=1)
    threshold = getattr(model.head, "threshold", None)
    passed = shares > (0.5 if threshold is None else threshold)
    return passed if is_multilabel(model) else passed[:, 0].long()


def _starts(length: int, crop: int, stride: int) -> Sequence[int]:
    """Where windows begin along one axis, so that they cover it."""
    last = max(length - crop, 0)
    return [min(i * stride, last) for i in range(-(-last // stride) + 1)]
