"""Images that look like images: surfaces, edges, shading and grain, so that a network sees more than noise."""

from __future__ import annotations

import cv2
import numpy as np


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A generated image: (H, W, C) uint8."""
    random = np.random.default_rng(seed)
    image = np.zeros((height, width, channels), np.float32)
    cells = random.uniform(30, 225, (4, 5, channels)).astype(np.float32)
    image += cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR).reshape(image.shape)
    for _ in range(14):
        shape = np.zeros((height, width), np.uint8)
        center = (int(random.integers(0, width)), int(random.integers(0, height)))
        axes = (int(random.integers(2, max(3, width // 4))), int(random.integers(2, max(3, height // 4))))
        if random.random() < 0.5:
            cv2.ellipse(shape, center, axes, float(random.uniform(0, 180)), 0, 360, 1, -1)
        else:
            cv2.rectangle(shape, center, (center[0] + axes[0], center[1] + axes[1]), 1, -1)
        color, share = random.uniform(0, 255, channels), random.uniform(0.5, 1)
        image[shape > 0] = image[shape > 0] * (1 - share) + color.astype(np.float32) * share
    image += random.normal(0, 4, image.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)
