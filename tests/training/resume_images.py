"""The ten images that mmseg and Segue train on, without a random number in them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def write_images(root: Path, count: int = 10, side: int = 32) -> None:
    """``images`` of three gray levels with some texture, and their ``masks``."""
    y, x = np.mgrid[:side, :side]
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        labels = ((x // (5 + i % 4) + 2 * (y // (7 + i % 3)) + i) % 3).astype(np.uint8)
        texture = (x * 29 + y * 13 + i * 7 + x * y) % 60
        image = np.stack([labels * 70 + texture, labels * 80 + texture // 2, 250 - labels * 90 - texture], -1)
        cv2.imwrite(str(root / "masks" / f"{i}.png"), labels)
        cv2.imwrite(str(root / "images" / f"{i}.png"), image.clip(0, 255).astype(np.uint8))
