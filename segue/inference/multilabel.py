"""What a model predicts whose pixels may have several classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segue.images.read import write_png


@dataclass
class MultilabelPrediction:
    """Where each class is in one image.

    Attributes:
        masks: (K, H, W) bool, at the image's own size.
        classes: name of each.
        palette: [red, green, blue] of each.
        image: (H, W, 3) uint8, RGB.
        path: the file it was read from, if any.
        name: what files of it are called; empty for the path's.
    """

    masks: np.ndarray
    classes: tuple[str, ...]
    palette: list[list[int]]
    image: np.ndarray
    path: Path | None = None
    name: str = ""

    def overlay(self, alpha: float = 0.5) -> np.ndarray:
        """The image with each class's tint, mixed where they meet, and outline: (H, W, 3) uint8, RGB."""
        from segue.report.overlaps import overlay_masks

        return overlay_masks(self.image, self.masks, self.palette, alpha)

    def save(self, folder: str | Path, name: str | None = None) -> tuple[Path, ...]:
        """Write ``CLASS/NAME.png`` (0 and 255) of every class, as a multilabel dataset reads them, and
        ``NAME_overlay.png`` into ``folder``; returns the paths.
        """
        name = name or self.name or (self.path.stem if self.path else "image")
        picture = Path(folder) / f"{name}_overlay.png"
        paths = self.save_labels(folder, name)
        write_png(picture, self.overlay()[..., ::-1])
        return (*paths, picture)

    def save_labels(self, folder: str | Path, name: str) -> tuple[Path, ...]:
        """Write ``CLASS/NAME.png`` only; returns the paths."""
        paths = [Path(folder) / one.replace("/", "_") / f"{name}.png" for one in self.classes]
        for path, mask in zip(paths, self.masks, strict=True):
            write_png(path, mask.astype(np.uint8) * 255)
        return tuple(paths)

    def shares(self) -> dict[str, float]:
        """Share of the image's pixels that each class covers, largest first; they may add up to more than 1."""
        found = self.masks.mean(axis=(1, 2))
        return {self.classes[i]: float(found[i]) for i in np.argsort(-found, kind="stable") if found[i] > 0}
