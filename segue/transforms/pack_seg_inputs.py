"""PackSegInputs: the last step, arrays to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from segue.errors import LabelError
from segue.images.read import Array
from segue.transforms.arguments import image_of, label_map_of, refuse
from segue.types import Sample, SegSample

_META_KEYS = (
    "img_path",
    "seg_map_path",
    "ori_shape",
    "img_shape",
    "pad_shape",
    "scale_factor",
    "flip",
    "flip_direction",
    "reduce_zero_label",
)


class PackSegInputs:
    """Make ``inputs`` (C, H, W), in the image's own dtype, and ``data_samples``, a `SegSample` with int64 labels;
    those of a multilabel dataset become (K, H, W) uint8.

    Takes any number of bands and any dtype that torch has; a volume (C, Z, Y, X) stays one.

    Args:
        meta_keys: keys of the sample that `SegSample.meta` keeps, where they exist.
    """

    def __init__(self, meta_keys: Sequence[str] = _META_KEYS) -> None:
        if isinstance(meta_keys, str) or not all(isinstance(key, str) for key in meta_keys):
            raise refuse(self, "meta_keys", "a list of keys", meta_keys)
        self.meta_keys = tuple(meta_keys)

    def __call__(self, sample: Sample) -> dict[str, Any]:
        """The packed sample."""
        packed: dict[str, Any] = {}
        volume = getattr(sample.get("img"), "ndim", 0) == 4
        if volume:
            packed["inputs"] = _tensor(sample["img"])
        elif sample.get("img") is not None:
            image = image_of(self, sample)
            image = image[:, :, None] if image.ndim == 2 else image
            packed["inputs"] = _tensor(image, channels_first=True)
        labels = label_map_of(sample)
        stack = sample.get("stack_files") is not None
        if labels is not None and labels.ndim != (3 if volume or stack else 2):
            axes = "(Z, Y, X)" if volume else "(H, W, K)" if stack else "(H, W)"
            path = sample.get("seg_map_path", "gt_seg_map")
            raise LabelError(f"{path}: a label map is {axes}, got the shape {labels.shape}")
        classes: Tensor | None = None
        if labels is not None:
            classes = _tensor(labels, channels_first=True) if stack else _long(labels)
        edges, depth = sample.get("gt_edge_map"), sample.get("gt_depth_map")
        packed["data_samples"] = SegSample(
            meta={key: sample[key] for key in self.meta_keys if key in sample},
            gt_sem_seg=classes,
            gt_edge_map=None if edges is None else _long(edges),
            gt_depth_map=None if depth is None else _tensor(depth).float(),
        )
        return packed


def _tensor(array: Array, channels_first: bool = False) -> Tensor:
    """A copy: the crop of a large image must not keep the whole of it alive, nor share memory with a cached sample."""
    if channels_first and array.shape[2] in (2, 3, 4) and array.dtype == np.uint8:
        planes = np.empty((array.shape[2], *array.shape[:2]), array.dtype)
        pairs = [band for band in range(len(planes)) for _ in (0, 1)]
        # several times faster than a copy of the permuted tensor; cv2.split writes past the cache, where the planes are
        cv2.mixChannels([array], list(planes), pairs)
        return torch.from_numpy(planes)
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:  # torch takes neither
        array = array.copy()
    tensor = torch.from_numpy(array)
    return (tensor.permute(2, 0, 1) if channels_first else tensor).clone(memory_format=torch.contiguous_format)


def _long(array: Array) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))  # a copy, as `_tensor` makes one
