"""RGB pictures whose colors are classes: those of the dataset's palette."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.errors import InputError, LabelError
from segue.images.read import Array, read_image
from segue.masks.names import Names
from segue.masks.reader import MaskReader


class RgbReader(MaskReader):
    """Colors to the classes of ``palette``; a color that is none of them is an error with its pixels counted.

    Args:
        root: folder of the pictures.
        names: classes and their colors.
    """

    format = "rgb"
    suffixes = (".png", ".bmp", ".tif", ".tiff", ".gif", ".webp")

    def __init__(self, root: str, names: Names | None = None) -> None:
        super().__init__(root, names)
        if names is None:
            return
        colors = np.array(names.palette, np.int64).reshape(-1, 3)
        keys = (colors[:, 0] << 16) | (colors[:, 1] << 8) | colors[:, 2]
        twice = [tuple(color) for color in colors.tolist() if colors.tolist().count(color) > 1]
        if twice or len(colors) != len(names.classes):
            fault = f"the color {twice[0]} stands for two" if twice else f"there are {len(colors)} colors"
            raise InputError(
                f"mask_format='rgb' needs a palette of one color for each of the {len(names.classes)} classes; {fault}"
            )
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def read(self, place: str, image: str) -> Array:
        """(H, W) class ids."""
        picture = read_image(place, "color_ignore_orientation")
        blue, green, red = (picture[..., band].astype(np.int64) for band in range(3))
        keys = (red << 16) | (green << 8) | blue
        near = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = self._keys[near] == keys
        ids = self._order[near].astype(self.names.blank((1, 1)).dtype)
        if not known.all():
            ids[~known] = self._stand_in(keys[~known], place)
        return ids

    def _stand_in(self, keys: Array, place: str) -> int:
        """What pixels of unknown colors become."""
        if self.names.others != "error":
            return self.names.ignore if self.names.others == "ignore" else self.names.background
        colors, counts = np.unique(keys, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        shown = [f"{_rgb(int(colors[i]))} ({counts[i]} pixels)" for i in order[:5]]
        more = f" and {len(colors) - 5} more" if len(colors) > 5 else ""
        advice = (
            "So many colors come from smoothing or JPEG: export the masks again without, as PNG"
            if len(colors) > 24
            else "Add it to palette and its name to classes, or set mask_format=dict(type='rgb', others='ignore')"
        )
        raise LabelError(
            f"{place}: the color{'s' * (len(colors) > 1)} {', '.join(shown)}{more} not in the palette. {advice}"
        )

    @classmethod
    def labels_in(cls, paths: Sequence[str]) -> tuple[str, ...]:
        """Colors have no names."""
        raise InputError(
            "mask_format='rgb' needs classes and palette: classes=['road', ...], palette=[[128, 64, 128], ...]"
        )


def _rgb(key: int) -> tuple[int, int, int]:
    return key >> 16, key >> 8 & 255, key & 255
