"""LoadAnnotations: label maps, remapped and checked where they enter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segue.errors import DataError, InputError, LabelError
from segue.images.read import Array
from segue.images.window import EVERYTHING, PartialImage, WholeImage, Window
from segue.masks.decode import read_mask
from segue.masks.labels import IGNORE, all_valid, check_labels, check_listed, remap_labels
from segue.masks.window import LabelReader
from segue.transforms.arguments import local_files_only, one_of
from segue.types import Sample, Size


class LoadAnnotations:
    """Read ``seg_map_path`` into ``gt_seg_map`` (H, W): class ids, and the ignore value where there is no label; or the
    ``stack_files`` of a multilabel dataset into (H, W, K), see `segue.masks.stacks`.

    The dataset's rules (``void``, ``reduce_zero_label``, ``label_map``: `segue.masks.labels.remap_labels`) come with
    the sample. Then every value must be one of its ``num_classes`` or the ignore value, and the size must be that of
    the image, or a LabelError says what to do.

    Args:
        reduce_zero_label: the dataset's setting, which it must agree with; None takes the dataset's.
        backend_args: accepted for mmseg configs; only the local disk.
        imdecode_backend: ``pillow`` or ``cv2``; masks are read with Pillow all the same, which keeps palette indexes.
    """

    def __init__(
        self,
        reduce_zero_label: bool | None = None,
        backend_args: Mapping[str, Any] | None = None,
        imdecode_backend: str = "pillow",
    ) -> None:
        local_files_only(self, backend_args=backend_args)
        one_of(self, "imdecode_backend", imdecode_backend, ("pillow", "cv2"))
        self.reduce_zero_label = reduce_zero_label
        self._reader = LabelReader()

    def __call__(self, sample: Sample) -> Sample:
        """Add the label map and its key to ``seg_fields``."""
        path = self._path(sample)
        if sample.get("stack_files") is not None:
            mask = sample["stack_files"].read(sample["num_classes"], sample.get("ori_shape"))
            self._check_size(mask.shape[:2], sample)
        else:
            mask = self._ids(path, sample)
        sample["gt_seg_map"] = mask
        fields = sample.setdefault("seg_fields", [])
        if "gt_seg_map" not in fields:
            fields.append("gt_seg_map")
        return sample

    def open(self, sample: Sample) -> PartialImage:
        """The class ids that a call would add, of which a window can be read."""
        path = self._path(sample)
        stored = self._reader.open(path) if sample.get("pack") is None else sample["pack"].labels(path)
        self._check_size(stored.size, sample)
        classes, ignore_index = sample.get("num_classes"), sample.get("ignore_index", IGNORE)
        values = getattr(stored, "values", None)
        mask = self._remapped(stored.read(EVERYTHING) if values is None else values[None], sample)
        if classes and not all_valid(mask, classes, ignore_index):
            return WholeImage(self._ids(path, sample))  # which says how many pixels have which value
        return WholeImage(mask) if values is None else _Remapped(stored, lambda part: self._remapped(part, sample))

    @staticmethod
    def _path(sample: Sample) -> str:
        path: str | None = sample.get("seg_map_path")
        if not path:
            raise DataError(
                f"{sample.get('img_path', 'this sample')}: has no 'seg_map_path': the dataset names no folder of masks "
                "(data_prefix=dict(img_path=..., seg_map_path=...)), yet its pipeline loads annotations"
            )
        return path

    def _ids(self, path: str, sample: Sample) -> Array:
        mask = read_mask(path) if sample.get("pack") is None else sample["pack"].labels(path).read(EVERYTHING)
        self._check_size(mask.shape, sample)
        mask = self._remapped(mask, sample)
        check_listed(mask, path)
        if sample.get("num_classes"):
            check_labels(mask, sample["num_classes"], sample.get("ignore_index", IGNORE), path)
        return mask

    def _remapped(self, mask: Array, sample: Sample) -> Array:
        return remap_labels(
            mask,
            void=sample.get("void", IGNORE),
            ignore_index=sample.get("ignore_index", IGNORE),
            reduce_zero_label=self._reduce_zero_label(sample),
            label_map=sample.get("label_map"),
        )

    def _reduce_zero_label(self, sample: Sample) -> bool:
        of_dataset = sample.setdefault("reduce_zero_label", bool(self.reduce_zero_label))
        if self.reduce_zero_label is not None and self.reduce_zero_label != of_dataset:
            raise InputError(
                f"LoadAnnotations(reduce_zero_label={self.reduce_zero_label}) contradicts the dataset, which has "
                f"reduce_zero_label={of_dataset}; set it on the dataset only"
            )
        return bool(of_dataset)

    @staticmethod
    def _check_size(size: tuple[int, ...], sample: Sample) -> None:
        image_size = sample.get("ori_shape")
        if image_size is None or tuple(image_size) == size:
            return
        turned = " (the image has an EXIF orientation that the mask lacks?)" if tuple(image_size)[::-1] == size else ""
        raise LabelError(
            f"{sample['seg_map_path']}: the mask is {size[1]} x {size[0]} pixels, its image "
            f"{sample.get('img_path', '')} {image_size[1]} x {image_size[0]}{turned}; they must be equal"
        )


@dataclass(frozen=True)
class _Remapped:
    """The class ids of a label map of which windows can be read."""

    stored: PartialImage
    remap: Callable[[Array], Array]

    @property
    def size(self) -> Size:
        """(H, W)."""
        return self.stored.size

    def read(self, window: Window) -> Array:
        """Class ids."""
        return self.remap(self.stored.read(window))
