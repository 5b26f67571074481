"""Windows of a scene as the step that reads a model's images would give them, and where there is data.

GDAL decodes no more of a raster than a window touches. PNG, JPEG and the other pictures that can only be decoded from
their beginning are held in memory, decoded as always; the limit of `segue.images.limits` on their pixels stands.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segue.errors import DataError, InputError
from segue.images.limits import check_file
from segue.images.rasters import Raster
from segue.images.read import IMAGE_SUFFIXES, Array, read_image
from segue.inference.inputs import fitted
from segue.inference.scenes.network import Network
from segue.inference.scenes.settings import Settings

#: decoded from their beginning
WHOLE = tuple(suffix for suffix in IMAGE_SUFFIXES if suffix not in (".tif", ".tiff"))
#: most bytes of one strip or tile of a raster, which is decoded as a whole
LARGEST_STRIP = 1 << 30
#: side of the window that is looked at, and the 16-bit value below which it is all but black
_PROBE, _DARK = 512, 1 << 13
_log = logging.getLogger("segue")


class Scene(ABC):
    """An open scene; use it in a ``with`` statement.

    Attributes:
        path: the file.
        size: (H, W).
        pixel_bytes: of a pixel as stored, for rates.
        crs, transform: as of `Raster`, if it lies on the map.
    """

    path: Path
    size: tuple[int, int]
    pixel_bytes: int
    crs: str | None = None
    transform: tuple[float, ...] | None = None

    @abstractmethod
    def read(self, window: tuple[int, int, int, int]) -> tuple[Array, NDArray[np.bool_] | None]:
        """(top, left, height, width) to pixels (h, w, C) and where there is data (h, w); None: everywhere."""

    def close(self) -> None:  # noqa: B027  (most have nothing to close)
        """Close the file."""

    def __enter__(self) -> Scene:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_scene(path: str | Path, network: Network, settings: Settings) -> Scene:
    """A scene for a model.

    Raises:
        DataError: it cannot be read.
        InputError: the model does not take its bands or values.
    """
    path = Path(path)
    if path.suffix.lower() in WHOLE:
        return Picture(path, network, settings)
    return RasterScene(path, network, settings)


def place_of(path: Path) -> tuple[str | None, tuple[float, ...] | None]:
    """(crs, transform) of a scene, without its pixels."""
    if path.suffix.lower() in WHOLE:
        return None, None
    with Raster(path) as raster:
        return raster.crs, _placed(raster)


def _placed(raster: Raster) -> tuple[float, ...] | None:
    """The transform, but for the one that stands for none."""
    return raster.transform if raster.transform != (1.0, 0.0, 0.0, 0.0, 1.0, 0.0) else None


class Picture(Scene):
    """A picture that is decoded at once."""

    def __init__(self, path: Path, network: Network, settings: Settings) -> None:
        given = {"bands": settings.bands, "value_range": settings.value_range}
        wrong = [name for name, value in given.items() if value is not None]
        if wrong:
            raise InputError(f"{path}: {wrong[0]} is for rasters that GDAL reads; save it as a GeoTIFF")
        check_file(path)
        if not path.exists():
            raise DataError(f"{path}: the file does not exist")
        self.path = path
        step: Any = network.read
        self._pixels = fitted(step({"img_path": str(path)})["img"], network.expected, str(path))
        self.size = self._pixels.shape[0], self._pixels.shape[1]
        self.pixel_bytes = self._pixels.itemsize * self._pixels.shape[2]
        self._data = self._opaque()

    def read(self, window: tuple[int, int, int, int]) -> tuple[Array, NDArray[np.bool_] | None]:
        """As in `Scene`."""
        top, left, height, width = window
        place = (slice(top, top + height), slice(left, left + width))
        return self._pixels[place], None if self._data is None else self._data[place]

    def _opaque(self) -> NDArray[np.bool_] | None:
        if self.path.suffix.lower() in (".npy", ".jpg", ".jpeg"):
            return None
        try:
            with Image.open(self.path) as picture:
                if picture.mode not in ("RGBA", "LA", "PA"):
                    return None
        except Exception:  # no picture of Pillow's, so the pixels came from another decoder
            return None
        stored = read_image(self.path, "unchanged")
        if stored.ndim != 3 or stored.shape[2] not in (2, 4) or stored.shape[:2] != self.size:
            return None
        found: NDArray[np.bool_] = stored[..., -1] > 0
        return found


class RasterScene(Scene):
    """What GDAL reads by window."""

    def __init__(self, path: Path, network: Network, settings: Settings) -> None:
        self._raster = Raster(path)
        try:
            self._check(path, network, settings)
        except BaseException:
            self._raster.close()
            raise

    def _check(self, path: Path, network: Network, settings: Settings) -> None:
        raster, expected = self._raster, network.expected
        self.path, self.size, self.crs = path, raster.size, raster.crs
        self.transform = _placed(raster)
        step: Any = network.read
        kind = type(step).__name__
        if kind not in ("LoadImageFromFile", "LoadSingleRSImageFromFile"):
            raise InputError(f"{path}: the test pipeline begins with {kind}, which reads no windows of a scene")
        self._color: str = getattr(step, "color_type", "bands").removesuffix("_ignore_orientation")
        self._float: bool = step.to_float32
        strip = raster.block[0] * raster.block[1] * raster.dtype.itemsize * raster.bands
        if strip > LARGEST_STRIP:
            raise DataError(
                f"{path}: stored in pieces of {raster.block[0]} x {raster.block[1]} pixels, {strip / 1e9:.1f} GB each, "
                "which cannot be decoded in part; rewrite it in tiles: gdal_translate -co TILED=YES"
            )
        self._bands = self._chosen(settings.bands)
        self._table = raster.colors() if settings.bands is None and self._color in ("color", "unchanged") else None
        count = 3 if self._table is not None else len(self._bands)
        if self._color == "grayscale" and count == 3:
            count = 1
        if count != expected.channels and not (count == 1 and expected.channels == 3):
            roles = ", ".join(f"{i + 1} {role}" for i, role in enumerate(raster.roles[:16]))
            raise InputError(
                f"{path}: {count} bands are taken, the model takes {expected.channels}; choose them with --bands "
                f"(bands=...); there are: {roles}"
            )
        self._expected = expected
        self._range = settings.value_range
        self.pixel_bytes = raster.dtype.itemsize * len(self._bands)
        if raster.dtype.kind not in "uif":
            raise InputError(f"{path}: holds {raster.dtype}, which no model takes")
        if self._range is not None and not expected.eight_bits:
            raise InputError("value_range (--range): only for models of 8-bit images; this one takes values as stored")
        if expected.eight_bits and self._range is None and raster.dtype == np.uint16:
            self._warn_of_dark()
        if expected.eight_bits and self._range is None and raster.dtype not in (np.uint8, np.uint16):
            raise InputError(
                f"{path}: holds {raster.dtype}, the model takes 8-bit images; say with --range LOW HIGH "
                "(value_range=...) which values are black and white"
            )

    def _warn_of_dark(self) -> None:
        """Say so where 16 bits are taken for colors and the middle of the scene has only low values."""
        height, width = (min(length, _PROBE) for length in self.size)
        place = ((self.size[0] - height) // 2, (self.size[1] - width) // 2, height, width)
        highest = int(self._raster.read(place, self._bands).max())
        if 0 < highest < _DARK:
            _log.warning(
                "%s: 16-bit values are divided by 256, as those of pictures, but reach only to %d in its middle; "
                "--range LOW HIGH (value_range) says which values are black and white",
                self.path,
                highest,
            )

    def _chosen(self, bands: Sequence[int] | None) -> list[int]:
        raster = self._raster
        if bands is None:
            return [i for i, role in enumerate(raster.roles) if role != "alpha"] or [0]
        wrong = [band for band in bands if band > raster.bands]
        if wrong:
            raise InputError(f"{self.path}: has bands 1..{raster.bands}; there is no band {wrong[0]}")
        return [band - 1 for band in bands]

    def read(self, window: tuple[int, int, int, int]) -> tuple[Array, NDArray[np.bool_] | None]:
        """As in `Scene`."""
        pixels: Array = self._raster.read(window, self._bands)
        data = self._raster.data(window, self._bands)
        if pixels.dtype.kind == "f":
            finite: NDArray[np.bool_] = np.asarray(np.isfinite(pixels).all(axis=2))
            if not finite.all():
                data = finite if data is None else data & finite
                pixels[~finite] = 0
        if self._table is not None:
            pixels = self._table[np.minimum(pixels[..., 0], 255)]
        if self._expected.eight_bits:
            pixels = self._eight_bits(pixels)
        pixels = self._ordered(pixels)
        if self._float:
            pixels = pixels.astype(np.float32)
        return fitted(pixels, self._expected, str(self.path)), data

    def _eight_bits(self, pixels: Array) -> Array:
        if self._range is not None:
            low, high = self._range
            scaled = (pixels.astype(np.float32) - low) * (255.0 / (high - low))
            found: Array = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        else:
            found = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels  # as of 16-bit pictures
        return found

    def _ordered(self, pixels: Array) -> Array:
        """Colors as the reading step gives them: BGR where that is OpenCV's order."""
        count = pixels.shape[2]
        if self._color == "grayscale" and count == 3:
            return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)[..., None]
        colors = self._table is not None or self._raster.roles[:3] == ("red", "green", "blue")
        if count in (3, 4) and (self._color == "color" or (self._color == "unchanged" and colors)):
            return np.ascontiguousarray(pixels[..., [2, 1, 0, *range(3, count)]])
        return pixels

    def close(self) -> None:
        """Close the file."""
        self._raster.close()
