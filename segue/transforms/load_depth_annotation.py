"""LoadDepthAnnotation: a depth for every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from segue.errors import DataError, LabelError
from segue.images.read import read_image
from segue.transforms.arguments import is_real, local_files_only, one_of, refuse
from segue.types import Sample


class LoadDepthAnnotation:
    """Read ``depth_map_path`` into ``gt_depth_map`` (H, W), multiplied by ``depth_rescale_factor``.

    Takes one band of any dtype: 16-bit PNG, TIFF of floats, .npy; read as it is stored.

    Args:
        decode_backend: ``cv2`` for pictures, ``numpy`` for .npy; the file itself decides.
        to_float32: give float32; else float64 unless the file holds float32.
        depth_rescale_factor: metres per unit of the file, such as 0.001 for millimetres.
        backend_args: accepted for mmseg configs; only the local disk.
    """

    def __init__(
        self,
        decode_backend: str = "cv2",
        to_float32: bool = True,
        depth_rescale_factor: float = 1.0,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        local_files_only(self, backend_args=backend_args)
        one_of(self, "decode_backend", decode_backend, ("cv2", "numpy"))
        if not is_real(depth_rescale_factor) or depth_rescale_factor <= 0:
            raise refuse(self, "depth_rescale_factor", "a positive number", depth_rescale_factor)
        self.to_float32 = to_float32
        self.depth_rescale_factor = depth_rescale_factor

    def __call__(self, sample: Sample) -> Sample:
        """Add the depths and their key to ``seg_fields``."""
        path = sample.get("depth_map_path")
        if not path:
            raise DataError(
                f"{sample.get('img_path', 'this sample')}: has no 'depth_map_path': name the folder of depth maps in "
                "the dataset's data_prefix=dict(img_path=..., depth_map_path=...)"
            )
        depth = read_image(path, "unchanged")
        if depth.ndim == 3 and depth.shape[2] == 1:
            depth = depth[:, :, 0]
        if depth.ndim != 2:
            raise LabelError(f"{path}: a depth map has one band, this file has the shape {depth.shape}")
        size = sample.get("ori_shape")
        if size is not None and tuple(size) != depth.shape:
            raise LabelError(
                f"{path}: the depth map is {depth.shape[1]} x {depth.shape[0]} pixels, its image "
                f"{sample.get('img_path', '')} {size[1]} x {size[0]}; they must be equal"
            )
        if self.to_float32:
            depth = depth.astype(np.float32) * np.float32(self.depth_rescale_factor)
        else:
            depth = depth * self.depth_rescale_factor
        sample["gt_depth_map"] = depth
        fields = sample.setdefault("seg_fields", [])
        if "gt_depth_map" not in fields:
            fields.append("gt_depth_map")
        sample["depth_rescale_factor"] = self.depth_rescale_factor
        return sample
