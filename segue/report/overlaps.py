"""Several classes per pixel made visible: tints that mix, and an outline for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError
from segue.report.draw import Color, Picture


def overlay_masks(
    image: Picture, masks: NDArray[Any], palette: Sequence[Color], alpha: float = 0.4, *, outline: int | None = None
) -> Picture:
    """Tint every pixel by the mean color of its classes, and draw each class's outline in its full color.

    An outline lies just inside its class, so that of two classes with the same border both would be drawn on the same
    pixels: there the colors alternate along the line.

    Args:
        image: (H, W, 3) uint8.
        masks: (K, H, W), true where a class is.
        palette: a color for each class.
        alpha: strength of the tint, 0 (image only) to 1 (colors only).
        outline: thickness in pixels; 0 for none; chosen from the image's size when None.

    Returns:
        (H, W, 3) uint8.
    """
    if masks.ndim != 3 or masks.shape[1:] != image.shape[:2] or len(masks) > len(palette):
        raise InputError(
            f"masks must be (classes, H, W) of at most {len(palette)} classes over an image of {image.shape[:2]} "
            f"pixels, not {masks.shape}"
        )
    masks = masks.astype(bool)
    colors = np.asarray(palette, np.float32).reshape(-1, 3)[: len(masks)]
    count = masks.sum(axis=0)[..., None]
    tint = np.tensordot(masks.astype(np.float32), colors, axes=(0, 0)) / np.maximum(count, 1)
    picture: Picture = np.where(count > 0, np.round((1 - alpha) * image + alpha * tint), image).astype(np.uint8)
    thickness = max(1, round(min(image.shape[:2]) / 320)) if outline is None else outline
    if thickness > 0:
        _outline(picture, masks, colors, thickness)
    return picture


def _outline(picture: Picture, masks: NDArray[Any], colors: NDArray[Any], thickness: int) -> None:
    kernel = cv2.getStructuringElement(cv2.MORPH_CROSS, (2 * thickness + 1, 2 * thickness + 1))
    edges = [
        mask & (cv2.erode(mask.astype(np.uint8), kernel, borderValue=1) == 0) if mask.any() else mask for mask in masks
    ]
    several = np.sum(edges, axis=0)
    rows, columns = np.indices(picture.shape[:2])
    turn = (rows + columns) // (4 * thickness)  # dashes, as long as four times the line is wide
    before = np.zeros_like(several)
    for edge, color in zip(edges, colors, strict=True):
        mine = edge & (turn % np.maximum(several, 1) == before)
        picture[mine] = np.round(color)
        before += edge
