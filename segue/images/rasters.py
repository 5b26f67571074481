"""Rasters of any number of bands, whole or by window: GeoTIFF and whatever else GDAL reads (extra ``geo``).

A scene of several gigabytes is never read at once: `Raster` decodes only the tiles that a window touches.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError, InputError, MissingExtraError
from segue.images.limits import check_file


class Raster:
    """An open raster; use it in a ``with`` statement.

    Args:
        path: the file.

    Attributes:
        size: (H, W).
        bands: number of bands.
        dtype: of the values.
        nodata: the value of pixels without data, if the file names one.
        crs: coordinate reference system as text such as ``EPSG:32632``, if the file has one.
        transform: (a, b, c, d, e, f) with x = a column + b row + c and y = d column + e row + f.
        block: (H, W) of a tile or strip: windows of its multiples are the fastest.
        roles: what each band is: ``red``, ``green``, ``blue``, ``gray``, ``alpha``, ``palette``, ``undefined`` ...
        driver: GDAL's name of the format: ``GTiff``, ``PNG`` ...
    """

    def __init__(self, path: str | Path) -> None:
        rasterio = _rasterio()
        if not str(path).startswith("/vsimem/") and not Path(path).exists():  # GDAL would open addresses too
            raise DataError(f"{path}: the file does not exist")
        check_file(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # plain TIFFs are welcome
                self._file: Any = rasterio.open(path)
        except rasterio.errors.RasterioError as error:
            raise DataError(f"{path}: not a raster that GDAL can read, or a damaged one: {error}") from error
        self.path = Path(path)
        self.size: tuple[int, int] = (self._file.height, self._file.width)
        self.bands: int = self._file.count
        self.dtype = np.dtype(self._file.dtypes[0])
        self.nodata: float | None = self._file.nodata
        self.crs: str | None = None if self._file.crs is None else self._file.crs.to_string()
        self.transform: tuple[float, ...] = tuple(self._file.transform)[:6]
        self.block: tuple[int, int] = self._file.block_shapes[0]
        self.roles: tuple[str, ...] = tuple(role.name for role in self._file.colorinterp)
        self.driver: str = self._file.driver

    def read(self, window: tuple[int, int, int, int] | None = None, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """Pixels as (H, W, C), bands in the order of the file.

        Args:
            window: (top, left, height, width) inside the raster; None for all of it.
            bands: indexes from 0; None for all.
        """
        top, left, height, width = window or (0, 0, *self.size)
        if min(top, left) < 0 or min(height, width) < 1 or top + height > self.size[0] or left + width > self.size[1]:
            raise InputError(
                f"{self.path}: the window (top, left, height, width) = {window} is not inside its {self.size[0]} x "
                f"{self.size[1]} pixels (H x W)"
            )
        indexes = range(self.bands) if bands is None else bands
        wrong = [index for index in indexes if not 0 <= index < self.bands]
        if wrong:
            raise InputError(f"{self.path}: has {self.bands} bands, 0..{self.bands - 1}; no band {wrong[0]}")
        pixels = np.empty((height, width, len(indexes)), self.dtype)
        try:
            read = self._file.read([i + 1 for i in indexes], window=((top, top + height), (left, left + width)))
        except _rasterio().errors.RasterioError as error:
            raise DataError(f"{self.path}: damaged or incomplete raster, at window {window}: {error}") from error
        pixels[:] = np.moveaxis(read, 0, -1)
        return pixels

    def colors(self) -> NDArray[np.uint8] | None:
        """(256, 3) uint8 RGB of the values of a first band that is a palette."""
        if self.roles[0] != "palette":
            return None
        table = np.zeros((256, 3), np.uint8)
        for value, color in self._file.colormap(1).items():
            table[value] = color[:3]
        return table

    def data(self, window: tuple[int, int, int, int], bands: Sequence[int]) -> NDArray[np.bool_] | None:
        """(height, width) bool, where any of these bands has data: by their nodata, a mask of the file, or
        transparency; None where the file leaves nothing out.
        """
        flags = [set(self._file.mask_flag_enums[index]) for index in bands]
        if all(flag.name == "all_valid" for own in flags for flag in own):
            return None
        top, left, height, width = window
        place = ((top, top + height), (left, left + width))
        found = np.zeros((height, width), np.bool_)
        try:
            for index in bands:
                found |= self._file.read_masks(index + 1, window=place) > 0
        except _rasterio().errors.RasterioError as error:
            raise DataError(f"{self.path}: damaged or incomplete raster, at window {window}: {error}") from error
        return found

    def windows(self, size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
        """(top, left, height, width) of the windows that tile the raster, row by row; the last ones may be smaller."""
        for row in range(math.ceil(self.size[0] / size[0])):
            for column in range(math.ceil(self.size[1] / size[1])):
                top, left = row * size[0], column * size[1]
                yield top, left, min(size[0], self.size[0] - top), min(size[1], self.size[1] - left)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Raster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_raster(
    path: str | Path, window: tuple[int, int, int, int] | None = None, bands: Sequence[int] | None = None
) -> NDArray[Any]:
    """Pixels of a raster as (H, W, C), see `Raster.read`."""
    with Raster(path) as raster:
        return raster.read(window, bands)


def decode_raster(data: bytes, path: str | Path, content: str = "a raster") -> NDArray[Any]:
    """Pixels of an encoded raster as (H, W, C); ``path`` and ``content`` are for messages."""
    rasterio = _rasterio(f"{path}: reading {content}")
    with rasterio.MemoryFile(data) as memory:
        try:
            with Raster(memory.name) as raster:
                return raster.read()
        except DataError as error:
            raise DataError(str(error).replace(memory.name, str(path))) from error


def has_rasterio() -> bool:
    """Whether the extra is installed."""
    return find_spec("rasterio") is not None


def _rasterio(purpose: str = "reading rasters of many bands, or by window,") -> Any:
    try:
        import rasterio
        import rasterio.errors
    except ImportError as error:
        raise MissingExtraError("rasterio", "geo", purpose) from error
    return rasterio


def transform_points(points: NDArray[np.float64], source: str, target: str, where: str) -> NDArray[np.float64]:
    """Coordinates (N, 2) from one reference system to another; geographic ones are longitude, latitude.

    Args:
        points: x, y.
        source: reference system, as ``EPSG:32616`` or whatever else GDAL knows.
        target: the same.
        where: for messages.
    """
    rasterio = _rasterio()
    from rasterio.warp import transform

    try:
        systems = [rasterio.crs.CRS.from_user_input(name) for name in (source, target)]
        if systems[0] == systems[1]:
            return points
        moved = np.stack(transform(*systems, points[:, 0], points[:, 1]), axis=1)
    except Exception as error:  # PROJ's own errors have no public class in rasterio
        raise DataError(f"{where}: cannot transform from {source} to {target}: {error}; is the crs right?") from error
    if not np.isfinite(moved).all():
        wrong = points[~np.isfinite(moved).all(axis=1)][0].tolist()
        raise DataError(f"{where}: the point {wrong} of {source} has no place in {target}; is the crs right?")
    return moved
