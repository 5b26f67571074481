"""Blocks as small GeoTIFFs, the virtual raster that joins them, and the file that is made of it.

The same pixels give the same bytes: one thread, a fixed compression, no dates.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from segue.errors import DataError, MissingExtraError
from segue.images.read import Array
from segue.inference.scenes.block import FULL, Grid, void_of
from segue.system.replaced import replaced

#: GDAL's own memory of decoded tiles, in MB: by default it takes a twentieth of the machine's
CACHE = 128
_BLOCK = {"driver": "GTiff", "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "zlevel": 6}
_NAMES = {"uint8": "Byte", "uint16": "UInt16"}


@dataclass(frozen=True)
class Look:
    """What a raster of results says of itself.

    Attributes:
        kind: ``labels``, ``probabilities``, ``confidence``.
        classes, palette: of the model.
        crs, transform: where it lies.
        bands: of the kind.
    """

    kind: str
    classes: tuple[str, ...]
    palette: Sequence[Sequence[int]]
    crs: str | None
    transform: tuple[float, ...] | None
    bands: int = 1

    @property
    def dtype(self) -> str:
        """Of its values."""
        if self.kind == "labels":
            return "uint8" if void_of(len(self.classes)) == 255 else "uint16"
        return "uint8" if self.kind == "confidence" else "uint16"

    @property
    def nodata(self) -> int | None:
        """The label of pixels without data; shares are 0 there, which they are nowhere else all together."""
        return void_of(len(self.classes)) if self.kind == "labels" else None

    @property
    def names(self) -> list[str]:
        """Of the bands."""
        if self.kind == "probabilities":
            return list(self.classes) if self.bands == len(self.classes) else [self.classes[-1]]
        return [self.kind]


@contextmanager
def gdal() -> Iterator[Any]:
    """Rasterio, with a small cache, no files beside those that are asked for, and no words about plain pictures."""
    try:
        import rasterio
        import rasterio.shutil
    except ImportError as error:
        raise MissingExtraError("rasterio", "geo", "predicting scenes") from error
    with rasterio.Env(GDAL_CACHEMAX=CACHE, GDAL_PAM_ENABLED="NO", GDAL_NUM_THREADS="1"), warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield rasterio


def write_block(path: Path, pixels: Array, look: Look, corner: tuple[int, int]) -> None:
    """A block (bands, h, w) whose first pixel is at ``corner`` (top, left) of the scene.

    Raises:
        DataError: it cannot be written.
    """
    count, height, width = pixels.shape
    profile = _BLOCK | {"count": count, "height": height, "width": width, "dtype": look.dtype, "nodata": look.nodata}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gdal() as rasterio, replaced(path, durable=True) as part:
            if look.transform is not None:
                a, b, c, d, e, f = look.transform
                top, left = corner
                place = rasterio.Affine(a, b, c + a * left + b * top, d, e, f + d * left + e * top)
                profile |= {"transform": place, "crs": look.crs}
            with rasterio.open(part, "w", **profile) as file:
                file.write(pixels)
                if look.kind == "labels" and look.dtype == "uint8":
                    file.write_colormap(1, _colors(look))
    except OSError as error:  # of the system, or rasterio's, which derive from it
        raise DataError(f"{path}: cannot be written: {error}") from error


def write_virtual(
    path: Path, grid: Grid, size: tuple[int, int], look: Look, files: dict[tuple[int, int], Path]
) -> None:
    """The virtual raster of all blocks of a scene, which holds no pixels; ``files`` of each (row, column)."""
    lines = [f'<VRTDataset rasterXSize="{size[1]}" rasterYSize="{size[0]}">']
    if look.crs is not None:
        lines.append(f"  <SRS>{escape(look.crs)}</SRS>")
    if look.transform is not None:
        a, b, c, d, e, f = look.transform
        lines.append(f"  <GeoTransform>{', '.join(repr(float(v)) for v in (c, a, b, f, d, e))}</GeoTransform>")
    lines.append(f'  <Metadata><MDI key="classes">{escape(json.dumps(look.classes))}</MDI></Metadata>')
    for band in range(look.bands):
        lines += _band(path, grid, look, files, band)
    lines.append("</VRTDataset>\n")
    with replaced(path) as part:
        part.write_text("\n".join(lines), encoding="utf-8")


def _band(path: Path, grid: Grid, look: Look, files: dict[tuple[int, int], Path], band: int) -> Iterator[str]:
    kind = _NAMES[look.dtype]
    yield f'  <VRTRasterBand dataType="{kind}" band="{band + 1}">'
    yield f"    <Description>{escape(look.names[band])}</Description>"
    if look.nodata is not None:
        yield f"    <NoDataValue>{look.nodata}</NoDataValue>"
        yield "    <CategoryNames>"
        yield from (f"      <Category>{escape(name)}</Category>" for name in look.classes)
        yield "    </CategoryNames>"
        if look.dtype == "uint8":
            yield "    <ColorInterp>Palette</ColorInterp>\n    <ColorTable>"
            for red, green, blue, alpha in _colors(look).values():
                yield f'      <Entry c1="{red}" c2="{green}" c3="{blue}" c4="{alpha}"/>'
            yield "    </ColorTable>"
    else:
        yield f"    <Scale>{1 / FULL[look.kind]!r}</Scale>"
    for (row, column), file in files.items():
        top, left, height, width = grid.window(row, column)
        place = quoteattr(file.relative_to(path.parent).as_posix())[1:-1]
        yield "    <SimpleSource>"
        yield f'      <SourceFilename relativeToVRT="1">{place}</SourceFilename><SourceBand>{band + 1}</SourceBand>'
        yield (
            f'      <SourceProperties RasterXSize="{width}" RasterYSize="{height}" DataType="{kind}" '
            'BlockXSize="256" BlockYSize="256"/>'
        )
        yield f'      <SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>'
        yield f'      <DstRect xOff="{left}" yOff="{top}" xSize="{width}" ySize="{height}"/>'
        yield "    </SimpleSource>"
    yield "  </VRTRasterBand>"


def write_whole(virtual: Path, path: Path, look: Look) -> None:
    """A cloud-optimized GeoTIFF of a virtual raster, with overviews; the names of classes beside it, for GDAL.

    Raises:
        DataError: it cannot be written.
    """
    options = {"compress": "DEFLATE", "level": 6, "blocksize": 512, "bigtiff": "IF_SAFER", "num_threads": "1"}
    options |= {"overview_resampling": "NEAREST" if look.kind == "labels" else "AVERAGE", "predictor": "NO"}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gdal() as rasterio, replaced(path, durable=True) as part:
            rasterio.shutil.copy(virtual, part, driver="COG", **options)
        if look.kind == "labels":
            names = "".join(f"<Category>{escape(name)}</Category>" for name in look.classes)
            inner = f'<PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames></PAMRasterBand>'
            text = f"<PAMDataset>{inner}</PAMDataset>"
            with replaced(path.with_name(path.name + ".aux.xml")) as part:
                part.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error}") from error


def _colors(look: Look) -> dict[int, tuple[int, int, int, int]]:
    """RGBA of every value of 8 bits; what is no class is black and transparent."""
    colors = dict.fromkeys(range(256), (0, 0, 0, 0))
    colors |= {value: (color[0], color[1], color[2], 255) for value, color in enumerate(look.palette)}
    return colors
