"""What the images of a folder are, from some of them: bands, depth, sizes, and the statistics of their values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.doctor.findings import Finding, Fix
from segue.doctor.sources import Source
from segue.errors import DataError, InputError
from segue.images.read import Array, read_image

#: So many images, spread evenly over all, tell the statistics of a folder.
SOME = 48
#: Of the values of each image so many are enough.
_VALUES = 1 << 16
_TIFF = (".tif", ".tiff")


@dataclass(frozen=True)
class Pictures:
    """Some images of a dataset.

    Attributes:
        looked_at: how many were read.
        bands: channels that a model gets.
        kind: dtype of the stored values.
        gray: whether the channels of all are equal: gray pictures, however they are stored.
        color_type: how `LoadImageFromFile` should read them.
        mean, std: of each band, in the order in which they are read; over all values.
        heights, widths: of each that was read.
        transparent: whether a fourth channel that says nothing is dropped.
    """

    looked_at: int
    bands: int
    kind: str
    gray: bool
    color_type: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    heights: tuple[int, ...]
    widths: tuple[int, ...]
    transparent: bool = False

    @property
    def usual(self) -> bool:
        """Whether they are what models are pretrained on: pictures of 8 bits, gray or in colours."""
        return self.color_type == "color"

    @property
    def median(self) -> tuple[int, int]:
        """(H, W) that half of them do not exceed."""
        return int(np.median(self.heights)), int(np.median(self.widths))


def spread(paths: Sequence[str], most: int = SOME) -> list[str]:
    """At most so many of the paths, evenly from the first to the last."""
    if len(paths) <= most:
        return list(paths)
    return [paths[round(i * (len(paths) - 1) / (most - 1))] for i in range(most)]


def look_at(paths: Sequence[str]) -> Pictures:
    """Read some of the images as they are stored.

    Raises:
        InputError: images of different bands or depths, of which one model cannot be made.
        DataError: none can be read.
    """
    shapes: dict[tuple[int, str], str] = {}
    sizes: list[tuple[int, int]] = []
    sums: list[tuple[Array, Array]] = []
    gray = transparent = True
    for path in spread(paths):
        try:
            pixels = read_image(path, "unchanged")
        except (DataError, OSError):
            continue  # the doctor has said so
        values = pixels[..., None] if pixels.ndim == 2 else pixels
        sizes.append((values.shape[0], values.shape[1]))
        shapes.setdefault((values.shape[2], values.dtype.name), path)
        thin = values.reshape(-1, values.shape[2])[:: max(1, values.shape[0] * values.shape[1] // _VALUES)]
        thin = thin.astype(np.float64)
        gray &= bool((thin[:, :3] == thin[:, :1]).all())
        transparent &= thin.shape[1] != 4 or not path.lower().endswith(_TIFF) or bool((thin[:, 3] == 255).all())
        finite = np.where(np.isfinite(thin), thin, np.nan)
        sums.append((np.nanmean(finite, axis=0), np.nanmean(finite**2, axis=0)))
    if not sizes:
        raise DataError(f"{paths[0] if paths else 'the folder'}: no image can be read")
    heights, widths = zip(*sizes, strict=True)
    allowed = {(1, "uint8"), (3, "uint8")} | ({(4, "uint8")} if transparent else set())
    simple = shapes.keys() <= allowed
    if not simple and len(shapes) > 1:
        texts = [f"{path} has {bands} bands of {kind}" for (bands, kind), path in list(shapes.items())[:2]]
        raise InputError(f"{', '.join(texts)}; one model takes images of one kind: keep them in folders of their own")
    bands, kind = next(iter(shapes))
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    if simple:
        bands = 3
    else:
        means, squares = (np.mean([one[i] for one in sums], axis=0) for i in (0, 1))
        mean = tuple(float(f"{value:.5g}") for value in means)
        deviations = np.sqrt(np.maximum(squares - means**2, 0))
        std = tuple(float(f"{value:.5g}") if value > 0 else 1.0 for value in deviations)  # a band of one value
    four = any(count == 4 for count, _ in shapes)
    return Pictures(
        len(sizes), bands, kind, gray, "color" if simple else "unchanged", mean, std, heights, widths, simple and four
    )


def unusual_bands(source: Source) -> Finding | None:
    """A note, with what mends it, where images are neither gray nor in colours; the source is read so from now on."""
    if not source.look_at_images or not source.pairs or source.color_type != "color":
        return None
    first = source.pairs[0][0]
    try:
        read_image(first)
        return None
    except (DataError, OSError):
        pass
    try:
        found = look_at([image for image, _ in source.pairs])
    except (DataError, InputError):
        return None
    if found.usual:
        return None  # this file is damaged
    source.color_type = "unchanged"
    fixes = [
        Fix(("color_type",), "unchanged"),
        Fix(("model.backbone.in_channels",), found.bands),
        Fix(("model.data_preprocessor.mean",), list(found.mean)),
        Fix(("model.data_preprocessor.std",), list(found.std)),
        Fix(("model.data_preprocessor.bgr_to_rgb",), False),
    ]
    message = (
        f"{os.path.basename(first)} has {found.bands} bands of {found.kind}, which are no colours: they are read "
        "as they are stored, and the model is made for them."
    )
    return Finding("bands", "note", source.split, message, [first], len(source.pairs), fixes)
