"""LoadBiomedicalAnnotation: a label for every voxel."""

from __future__ import annotations

import numpy as np

from segue.errors import DataError, LabelError
from segue.images.read import Array
from segue.masks.labels import IGNORE, check_labels, check_listed, remap_labels
from segue.transforms.load_biomedical_image_from_file import _VolumeLoader
from segue.types import Sample


def checked_labels(labels: Array, sample: Sample, path: str) -> Array:
    """Voxels as integers, remapped and checked by the dataset's rules that come with the sample."""
    broken = labels[labels != np.floor(labels)]
    if broken.size:
        raise LabelError(f"{path}: holds fractions such as {broken[0]:g}; labels are integers")
    ignore_index = sample.get("ignore_index", IGNORE)
    mapped = remap_labels(
        labels.astype(np.int32),
        void=sample.get("void", IGNORE),
        ignore_index=ignore_index,
        reduce_zero_label=bool(sample.get("reduce_zero_label", False)),
        label_map=sample.get("label_map"),
    )
    check_listed(mapped, path)
    if sample.get("num_classes"):
        check_labels(mapped, sample["num_classes"], ignore_index, path)
    return mapped


class LoadBiomedicalAnnotation(_VolumeLoader):
    """Read ``seg_map_path`` into ``gt_seg_map`` (Z, Y, X), checked as `LoadAnnotations` checks.

    Takes NIfTI by the extra ``medical``, or numpy, of one channel.

    Args:
        decode_backend: ``nifti`` or ``numpy``; pickles are not read.
        to_xyz: reverse the axes.
        to_float32: give float32, as the reference does; else integers.
        backend_args: accepted for mmseg configs; only the local disk.
    """

    def __call__(self, sample: Sample) -> Sample:
        """Add the labels and their key to ``seg_fields``."""
        path = sample.get("seg_map_path")
        if not path:
            raise DataError(
                f"{sample.get('img_path', 'this sample')}: has no 'seg_map_path', yet annotations are loaded"
            )
        volume = self.read(path)
        if volume.shape[0] != 1:
            raise LabelError(f"{path}: labels have one channel, this file has {volume.shape[0]}")
        labels = volume[0].transpose(2, 1, 0) if self.to_xyz else volume[0]
        if sample.get("ori_shape") is not None and tuple(sample["ori_shape"]) != labels.shape:
            raise LabelError(
                f"{path}: has the shape {labels.shape}, its image {sample.get('img_path', '')} {sample['ori_shape']}"
            )
        labels = checked_labels(labels, sample, path)
        sample["gt_seg_map"] = labels.astype(np.float32) if self.to_float32 else labels
        fields = sample.setdefault("seg_fields", [])
        if "gt_seg_map" not in fields:
            fields.append("gt_seg_map")
        return sample
