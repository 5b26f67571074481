"""LoadBiomedicalImageFromFile: a volume, such as a CT or an MR scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from segue.errors import InputError
from segue.images.read import Array
from segue.images.volumes import BACKENDS, channels_first, read_volume
from segue.transforms.arguments import local_files_only, one_of
from segue.types import Sample


class _VolumeLoader:
    """What the loaders of volumes and of their labels take; `LoadBiomedicalImageFromFile` says what it means."""

    def __init__(
        self,
        decode_backend: str = "nifti",
        to_xyz: bool = False,
        to_float32: bool = True,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        local_files_only(self, backend_args=backend_args)
        self.decode_backend = one_of(self, "decode_backend", decode_backend, BACKENDS)
        self.to_xyz = to_xyz
        self.to_float32 = to_float32

    def read(self, path: str) -> Array:
        """The volume of a file, (C, Z, Y, X)."""
        return channels_first(read_volume(path, self.decode_backend), self.decode_backend, path)


class LoadBiomedicalImageFromFile(_VolumeLoader):
    """Read ``img_path`` into ``img`` (C, Z, Y, X); records ``img_shape`` and ``ori_shape`` (Z, Y, X).

    Takes NIfTI with 3 axes (X, Y, Z) or 4 (X, Y, Z, C), whose channels the reference takes for an axis of space, by the
    extra ``medical``; or numpy with (Z, Y, X) or (C, Z, Y, X).

    Args:
        decode_backend: ``nifti`` or ``numpy``; pickles are not read.
        to_xyz: reverse the axes of space.
        to_float32: convert to float32.
        backend_args: accepted for mmseg configs; only the local disk.
    """

    def __call__(self, sample: Sample) -> Sample:
        """Add the volume."""
        path = sample.get("img_path")
        if not path:
            raise InputError("LoadBiomedicalImageFromFile: the sample has no 'img_path'")
        volume = self.read(path)
        if self.to_float32:
            volume = volume.astype(np.float32)
        sample["img"] = volume.transpose(0, 3, 2, 1) if self.to_xyz else volume
        sample["img_shape"] = sample["ori_shape"] = sample["img"].shape[1:]
        return sample
