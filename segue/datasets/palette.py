"""Colours for classes that come without any."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

Palette = list[list[int]]

_BACKGROUNDS = {"background", "_background_", "bg", "class_0", "unlabeled", "unlabelled", "void", "other"}
_GOLDEN_ANGLE = 0.6180339887498949  # of the circle: consecutive hues stay far apart however many there are
_TONES = ((0.72, 0.95), (0.95, 0.70), (0.45, 0.90), (0.85, 0.50))  # (saturation, value), a new one every 12 classes


def generate_palette(classes: Sequence[str]) -> Palette:
    """One RGB colour per class, always the same ones, all different; a first class named like background is black."""
    first_is_background = bool(classes) and classes[0].strip().lower() in _BACKGROUNDS
    palette: Palette = [[0, 0, 0]] if first_is_background else []
    seen = {(0, 0, 0)}
    index = 0
    while len(palette) < len(classes):
        saturation, value = _TONES[index // 12 % len(_TONES)]
        hue = (0.02 + index * _GOLDEN_ANGLE) % 1.0
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, value))
        index += 1
        if (red, green, blue) not in seen:
            seen.add((red, green, blue))
            palette.append([red, green, blue])
    return palette
