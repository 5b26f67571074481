"""LoadBiomedicalData: a volume and its labels in one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.errors import DataError, InputError
from segue.images.volumes import BACKENDS, channels_first, read_volume
from segue.transforms.arguments import local_files_only, one_of
from segue.transforms.load_biomedical_annotation import checked_labels
from segue.types import Sample


class LoadBiomedicalData:
    """Read ``img_path``, whose last channel holds the labels, into ``img`` (C, Z, Y, X) and ``gt_seg_map`` (Z, Y, X).

    Takes numpy with (C + 1, Z, Y, X), or NIfTI with (X, Y, Z, C + 1) by the extra ``medical``.

    Args:
        with_seg: keep the labels; else the last channel is left out.
        decode_backend: ``numpy`` or ``nifti``; pickles are not read.
        to_xyz: reverse the axes of space.
        backend_args: accepted for mmseg configs; only the local disk.
    """

    def __init__(
        self,
        with_seg: bool = False,
        decode_backend: str = "numpy",
        to_xyz: bool = False,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        local_files_only(self, backend_args=backend_args)
        self.decode_backend = one_of(self, "decode_backend", decode_backend, BACKENDS)
        self.with_seg = with_seg
        self.to_xyz = to_xyz

    def __call__(self, sample: Sample) -> Sample:
        """Add the volume and perhaps the labels."""
        path = sample.get("img_path")
        if not path:
            raise InputError("LoadBiomedicalData: the sample has no 'img_path'")
        data = channels_first(read_volume(path, self.decode_backend), self.decode_backend, path)
        if data.shape[0] < 2:
            raise DataError(f"{path}: needs at least two channels, the last of them labels; it has {data.shape[0]}")
        data = data.transpose(0, 3, 2, 1) if self.to_xyz else data
        sample["img"] = data[:-1]
        sample["img_shape"] = sample["ori_shape"] = data.shape[1:]
        if self.with_seg:
            sample["gt_seg_map"] = checked_labels(data[-1], sample, path).astype(data.dtype)
            fields = sample.setdefault("seg_fields", [])
            if "gt_seg_map" not in fields:
                fields.append("gt_seg_map")
        return sample
