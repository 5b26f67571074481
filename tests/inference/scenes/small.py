"""A small network that sees a known number of pixels around each, and rasters to show it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from segue.config import Config
from segue.inference.predictor import Predictor
from segue.inference.scenes.write import gdal
from segue.inference.way import Way
from segue.models.seg_data_preprocessor import SegDataPreProcessor

CLASSES = ("water", "grass", "road & rail")
PALETTE = [[0, 0, 200], [0, 160, 0], [120, 120, 120]]
PIPELINE = [{"type": "LoadImageFromFile"}, {"type": "PackSegInputs"}]
CRS = "EPSG:32632"
CORNER = (700000.0, 5000000.0)


class Small(nn.Module):
    """``depth`` convolutions of 3 x 3, or of 1 x 1 with ``side=1``; each pixel depends on ``depth`` around it."""

    def __init__(self, side: int = 3, depth: int = 3, channels: int = 3, classes: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        widths = [channels, *[6] * (depth - 1), classes]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, side, padding=side // 2), nn.Tanh()]
        self.backbone = nn.Sequential(*layers[:-1])
        self.data_preprocessor = SegDataPreProcessor(mean=[120.0] * channels, std=[60.0] * channels, bgr_to_rgb=True)
        self.head = SimpleNamespace(align_corners=False, threshold=None)
        self.test = SimpleNamespace(mode="whole")
        self.num_classes = classes
        self.calls = 0

    def encode_decode(self, inputs: Tensor) -> Tensor:
        self.calls += len(inputs)
        return self.backbone(inputs)


def predictor(
    model: nn.Module | None = None,
    pipeline: Any = PIPELINE,
    classes: Any = CLASSES,
    way: Way | None = None,
    **more: Any,
) -> Predictor:
    """One of a small model; ``more`` of its config."""
    model = model or Small()
    cfg = Config({"model": {"type": type(model).__name__}, "test_pipeline": pipeline, **more})
    return Predictor(model, cfg, classes, PALETTE, way)


def noise(height: int, width: int, bands: int = 3) -> np.ndarray:
    """(H, W, bands) uint8, smooth."""
    coarse = np.random.default_rng(0).integers(0, 255, (height // 10, width // 10, bands), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, bands)


def write_scene(path: Path, pixels: np.ndarray, placed: bool = True, **profile: Any) -> Path:
    """A GeoTIFF of pixels (H, W, bands)."""
    import rasterio

    height, width, bands = pixels.shape
    if placed:
        profile |= {"crs": CRS, "transform": rasterio.Affine(0.5, 0, CORNER[0], 0, -0.5, CORNER[1])}
    if bands in (3, 4):
        profile.setdefault("photometric", "RGB")
    profile = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate", **profile}
    size = {"width": width, "height": height, "count": bands, "dtype": pixels.dtype}
    with gdal(), rasterio.open(path, "w", driver="GTiff", **size, **profile) as file:
        file.write(np.moveaxis(pixels, -1, 0))
    return path
