"""What a model predicts that estimates depths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from segue.images.read import depth_png, write_png

#: Units of a written file per unit of the prediction: millimeters, for a model that was trained on meters.
FILE_UNITS = 1000
#: Borders of the distances that `DepthPrediction.shares` tells apart.
BORDERS = (1, 2, 4, 8, 16, 32)


@dataclass
class DepthPrediction:
    """The depths of one image.

    Attributes:
        depths: (H, W) float32, in the unit of the training data (meters of most), at the image's own size.
        image: (H, W, 3) uint8, RGB.
        path: the file it was read from, if any.
        name: what files of it are called; empty for the path's.
    """

    depths: np.ndarray
    image: np.ndarray
    path: Path | None = None
    name: str = ""

    def overlay(self) -> np.ndarray:
        """The depths as colors between the nearest and the farthest, dark to bright: (H, W, 3) uint8, RGB."""
        low, high = float(self.depths.min()), float(self.depths.max())
        gray = ((self.depths - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
        return np.ascontiguousarray(cv2.applyColorMap(gray, cv2.COLORMAP_VIRIDIS)[..., ::-1])

    def save(self, folder: str | Path, name: str | None = None) -> tuple[Path, Path]:
        """Write ``NAME.png``, thousandths of the unit (millimeters of meters) in 16 bits, as NYU's maps are, and
        ``NAME_overlay.png``, colors, into ``folder``; returns both paths. What is beyond 65.535 is written as that.
        """
        name = name or self.name or (self.path.stem if self.path else "image")
        picture = Path(folder) / f"{name}_overlay.png"
        [path] = self.save_labels(folder, name)
        write_png(picture, self.overlay()[..., ::-1])
        return path, picture

    def save_labels(self, folder: str | Path, name: str) -> tuple[Path, ...]:
        """Write ``NAME.png`` only; returns its path."""
        path = Path(folder) / f"{name}.png"
        write_png(path, depth_png(self.depths, FILE_UNITS))
        return (path,)

    def shares(self) -> dict[str, float]:
        """Share of the image's pixels at each range of depths, largest first; ranges that do not occur are left out."""
        names = [f"below {BORDERS[0]}", *(f"{a} to {b}" for a, b in pairwise(BORDERS))]
        names.append(f"from {BORDERS[-1]}")
        counts = np.bincount(np.digitize(self.depths.ravel(), BORDERS), minlength=len(names)) / self.depths.size
        return {names[i]: float(counts[i]) for i in np.argsort(-counts, kind="stable") if counts[i] > 0}
