"""Pictures to measure with: as large, as detailed and as large on disk as those of Cityscapes and ADE20K.

Detail falls off with its size as in photographs (octaves of noise), objects have borders, and there is sensor noise, so
that encoders and decoders have as much to do as with photographs. Given a folder of photographs, those are enlarged
instead.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def photograph(height: int, width: int, labels: NDArray, rng: np.random.Generator) -> NDArray:
    """(H, W, 3) BGR uint8, a tint and a texture per class."""
    tints = rng.integers(40, 200, (256, 3))
    picture = tints[labels].astype(np.float32)
    for octave in range(1, 8):
        size = max(2, width >> octave), max(2, height >> octave)
        noise = rng.normal(0, 2.2 * 1.45**octave, (size[1], size[0], 1)).astype(np.float32)
        noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        picture += noise[:, :, None] * rng.uniform(0.8, 1.2, 3).astype(np.float32)
    picture += rng.normal(0, 1.0, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (3, 3), 0.6), 0, 255).astype(np.uint8)


def enlarged(path: Path, height: int, width: int, rng: np.random.Generator) -> NDArray:
    """A photograph at another size, with the noise that enlarging takes away."""
    picture = cv2.imread(str(path))
    scale = max(height / picture.shape[0], width / picture.shape[1])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)[:height, :width]
    return np.clip(picture + rng.normal(0, 1.2, picture.shape), 0, 255).astype(np.uint8)


def street_labels(height: int, width: int, rng: np.random.Generator, classes: int = 19) -> NDArray:
    """(H, W) uint8: bands of sky, houses and road with ragged borders, objects on them, and a strip of 255 below."""
    y = np.arange(height)[:, None] / height
    walk = np.cumsum(rng.normal(0, 0.004, (4, width)), axis=1)
    walk -= walk.mean(axis=1, keepdims=True)
    labels = np.zeros((height, width), np.uint8)
    for value, level, border in zip((10, 2, 8, 1), (0.25, 0.5, 0.6, 0.68), walk, strict=True):
        labels[(y < level + border) & (labels == 0)] = value % classes
    for _ in range(60):
        center = int(rng.integers(width)), int(height * rng.uniform(0.2, 0.85))
        axes = int(rng.integers(5, width // 14)), int(rng.integers(5, height // 9))
        cv2.ellipse(labels, center, axes, float(rng.uniform(0, 180)), 0, 360, int(rng.integers(classes)), -1)
    labels[int(height * 0.95) :] = 255
    return labels


def write_city(folder: Path, count: int, photographs: list[Path]) -> None:
    """``city<i>.png``, ``city<i>.jpg`` (2048 x 1024) and ``city<i>_labels.png``."""
    for i in range(count):
        rng = np.random.default_rng(i)
        labels = street_labels(1024, 2048, rng)
        picture = photograph(1024, 2048, labels, rng)
        if photographs:
            picture = enlarged(photographs[i % len(photographs)], 1024, 2048, rng)
        Image.fromarray(picture[:, :, ::-1].copy()).save(folder / f"city{i}.png")  # filters chosen by row, as libpng's
        cv2.imwrite(str(folder / f"city{i}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        Image.fromarray(labels).save(folder / f"city{i}_labels.png")


def write_rooms(folder: Path, count: int, photographs: list[Path]) -> None:
    """``room<i>.jpg`` (683 x 512 and 512 x 683) and ``room<i>_labels.png`` with 0 for other and 150 classes."""
    for i in range(count):
        rng = np.random.default_rng(1000 + i)
        height, width = (512, 683) if i % 3 else (683, 512)
        labels = street_labels(height, width, rng, classes=150)
        labels[labels == 255] = 0
        picture = photograph(height, width, labels, rng)
        if photographs:
            picture = enlarged(photographs[i % len(photographs)], height, width, rng)
        cv2.imwrite(str(folder / f"room{i}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        Image.fromarray(labels).save(folder / f"room{i}_labels.png")
