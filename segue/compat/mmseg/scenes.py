"""mmseg's RSInferencer and RSImage: a scene of any size, window by window, by rasterio in place of GDAL's bindings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.compat.mmseg.apis import init_model, load_for_inference, packed
from segue.errors import InputError
from segue.images.rasters import Raster, _rasterio

_Grid = list[int]


class RSImage:
    """A scene: windows are read from its file, and written to the file of its labels.

    Args:
        image: a path.
    """

    def __init__(self, image: Any) -> None:
        self.path = str(image)
        self._raster = Raster(self.path)
        self.height, self.width = self._raster.size
        self.channel = self._raster.bands
        self.grids: list[_Grid] = []
        self._labels: Any = None

    def read(self, grid: Sequence[int] | None = None) -> np.ndarray:
        """Pixels (H, W, C) of a window ``(x, y, width, height, ...)``, or of all."""
        if grid is None:
            return self._raster.read()
        x, y, width, height = (int(value) for value in grid[:4])
        return self._raster.read((y, x, height, width))

    def create_seg_map(self, output_path: str | None = None) -> None:
        """Make the file of the labels, uint8, where the scene lies; by default NAME_label.tif in the folder of work."""
        path = Path(output_path) if output_path else Path(f"{Path(self.path).stem}_label.tif")
        path.parent.mkdir(parents=True, exist_ok=True)
        rasterio = _rasterio("writing labels of a scene")
        profile: dict[str, Any] = {"driver": "GTiff", "height": self.height, "width": self.width, "count": 1}
        profile |= {"dtype": "uint8", "crs": self._raster.crs, "transform": self._raster._file.transform}
        self._labels = rasterio.open(path, "w", **profile)

    def write(self, data: np.ndarray | None, grid: Sequence[int] | None = None) -> None:
        """Write labels (h, w): all of them, or those of a window ``(x, y, width, height, x in it, y in it, ...)``.

        Without data the file is finished.
        """
        if self._labels is None:
            raise InputError("call create_seg_map before write")
        if data is None:
            self._labels.close()
            self._labels = None
            return
        labels = np.asarray(data).astype(np.uint8)
        if grid is None:
            self._labels.write(labels, 1)
            return
        x, y, _, _, left, top, width, height = (int(value) for value in grid)
        part = labels[top : top + height, left : left + width]
        self._labels.write(part, 1, window=((y + top, y + top + height), (x + left, x + left + width)))

    def create_grids(self, window_size: tuple[int, int], stride: tuple[int, int] = (0, 0)) -> None:
        """The windows (width, height) that cover the scene every ``stride`` pixels (x, y); by default side by side.

        Each is a list: x, y, width and height of what is read, then x, y, width and height in it of what is kept. Where
        windows overlap, each keeps its part up to the middle of the overlap.
        """
        columns = _spans(self.width, window_size[0], stride[0] or window_size[0])
        rows = _spans(self.height, window_size[1], stride[1] or window_size[1])
        self.grids = [
            [x, y, width, height, left, top, kept_width, kept_height]
            for y, height, top, kept_height in rows
            for x, width, left, kept_width in columns
        ]


def _spans(length: int, window: int, stride: int) -> list[tuple[int, int, int, int]]:
    """(start, size, first kept in it, kept) along one side."""
    window = min(window, length)
    if not 0 < stride <= max(window, 1):
        raise InputError(f"stride={stride} leaves gaps between windows of {window} pixels")
    starts = [*range(0, max(length - window, 0), stride), length - window]
    cuts = [0, *[(start + before + window) // 2 for before, start in pairwise(starts)], length]
    return [
        (start, window, first - start, last - first) for start, first, last in zip(starts, cuts, cuts[1:], strict=False)
    ]


class RSInferencer:
    """Labels of scenes, with one window or ``batch_size`` of them at a time.

    Args:
        model: as ``init_model`` gives it.
        batch_size: windows that go through the network together.
        thread: accepted; the windows are read one after another.
    """

    def __init__(self, model: Any, batch_size: int = 1, thread: int = 1) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}")
        self.model, self.batch_size, self.thread = model, batch_size, thread

    @classmethod
    def from_config_path(
        cls, config_path: Any, checkpoint_path: Any, batch_size: int = 1, thread: int = 1, device: str | None = "cpu"
    ) -> RSInferencer:
        """With a model of a config and a checkpoint."""
        return cls(init_model(config_path, checkpoint_path, device=device or "cpu"), batch_size, thread)

    @classmethod
    def from_model(
        cls,
        model: Any,
        checkpoint_path: Any = None,
        batch_size: int = 1,
        thread: int = 1,
        device: str | None = "cpu",
    ) -> RSInferencer:
        """With a model that is there, and perhaps other weights."""
        if checkpoint_path is not None:
            load_for_inference(model, getattr(model, "cfg", None), checkpoint_path)
        return cls(model.to(device or "cpu").eval(), batch_size, thread)

    def run(
        self,
        image: RSImage,
        window_size: tuple[int, int],
        strides: tuple[int, int] = (0, 0),
        output_path: str | None = None,
    ) -> None:
        """Write the labels of a scene, window (width, height) by window; only one batch of them is in memory."""
        image.create_grids(window_size, strides)
        image.create_seg_map(output_path)
        try:
            for start in range(0, len(image.grids), self.batch_size):
                grids = image.grids[start : start + self.batch_size]
                labels = self._labels([image.read(grid) for grid in grids])
                for grid, part in zip(grids, labels, strict=True):
                    image.write(part, grid)
        finally:
            image.write(None)

    def _labels(self, windows: list[np.ndarray]) -> list[np.ndarray]:
        """Windows (h, w, bands) to labels (h, w), by the config's test pipeline.

        A pipeline that reads photographs has seen them as blue, green, red: the first three bands are turned round. One
        that reads scenes gets all bands as they are.
        """
        steps = getattr(self.model, "cfg", {}).get("test_pipeline") or []
        scenes = any("RSImage" in str(step.get("type")) for step in steps)
        given = windows if scenes else [np.ascontiguousarray(window[..., :3][..., ::-1]) for window in windows]
        with torch.no_grad():
            found = self.model.test_step(packed(self.model, given))
        return [sample.pred_sem_seg.data[0].cpu().numpy() for sample in found]
