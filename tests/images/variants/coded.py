"""What only a library writes, without loss: WebP, JPEG 2000 and further compressions of TIFF (by rasterio)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.images.variants.jpeg import components, rgb_of
from tests.images.variants.png import exif
from tests.images.variants.variant import Array, Variant, drawn


def variants() -> Iterator[Variant]:
    yield from webps()
    try:
        import rasterio  # noqa: F401
    except ImportError:
        return
    yield from by_gdal()


def pillow(array: Array, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(stream, kind, **options)
    return stream.getvalue()


def webps() -> Iterator[Variant]:
    rgb, rgba = drawn(8, 3), drawn(8, 4)
    yield Variant(name="webp rgb", suffix=".webp", data=pillow(rgb, "WEBP", lossless=True), samples=rgb, mode="rgb")
    yield Variant(
        name="webp rgb alpha",
        suffix=".webp",
        data=pillow(rgba, "WEBP", lossless=True, exact=True),
        samples=rgba,
        mode="rgb",
        alpha=True,
    )
    for orientation in (3, 6):
        body = b"Exif\0\0" + exif(orientation)
        yield Variant(
            name=f"webp rgb EXIF {orientation}",
            suffix=".webp",
            data=pillow(rgb, "WEBP", lossless=True, exif=body),
            samples=rgb,
            mode="rgb",
            orientation=orientation,
        )
    same = np.repeat(drawn(8), 3, axis=2)
    yield Variant(
        name="webp rgb of equal bands",
        suffix=".webp",
        data=pillow(same, "WEBP", lossless=True),
        samples=same,
        mode="rgb",
    )
    more = [Image.fromarray(255 - rgb)]
    moving = pillow(rgb, "WEBP", lossless=True, save_all=True, append_images=more, duration=50)
    yield Variant(name="webp animated", suffix=".webp", data=moving, samples=rgb, mode="rgb")
    whole = pillow(rgb, "WEBP", lossless=True)
    yield Variant(name="webp cut off", suffix=".webp", data=whole[: len(whole) // 2], samples=rgb, damaged=True)


def by_gdal() -> Iterator[Variant]:
    """What only a library writes: JPEG 2000 of all depths, and further compressions of TIFF. Needs rasterio."""
    import rasterio
    from rasterio.enums import ColorInterp
    from rasterio.errors import NotGeoreferencedWarning

    def written(samples: Array, driver: str, **options: object) -> bytes:
        height, width, bands = samples.shape
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.MemoryFile() as memory:
                with memory.open(
                    driver=driver, height=height, width=width, count=bands, dtype=samples.dtype, **options
                ) as file:
                    file.write(np.moveaxis(samples, -1, 0))
                    if driver == "JP2OpenJPEG" and bands == 3:
                        file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
                return bytes(memory.read())

    for bits in (1, 2, 4, 8, 10, 12, 16):
        for bands, mode in ((1, "gray"), (3, "rgb")):
            if bits < 8 and bands == 3:
                continue
            samples = drawn(bits, bands)
            for codec in ("JP2", "J2K"):
                options = {"QUALITY": "100", "REVERSIBLE": "YES", "NBITS": str(bits), "CODEC": codec}
                if bands == 3:
                    options["YCC"] = "NO"
                yield Variant(
                    name=f"jpeg 2000 {codec} {mode} {bits}",
                    suffix=".jp2",
                    data=written(samples, "JP2OpenJPEG", **options),
                    samples=samples,
                    mode=mode,
                    bits=bits,
                )
    for bits in (16,):
        samples = drawn(bits, kind="i")
        yield Variant(
            name=f"jpeg 2000 signed {bits}",
            suffix=".jp2",
            data=written(samples, "JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES"),
            samples=samples,
            bits=bits,
        )
    rgba = drawn(8, 4)
    yield Variant(
        name="jpeg 2000 rgb alpha 8", suffix=".jp2", data=pillow(rgba, "JPEG2000"), samples=rgba, mode="rgb", alpha=True
    )
    two = drawn(8, 2)
    yield Variant(name="jpeg 2000 gray alpha 8", suffix=".jp2", data=pillow(two, "JPEG2000"), samples=two, mode="bands")
    five = drawn(8, 5)
    data = written(five, "JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    yield Variant(name="jpeg 2000 bands 8", suffix=".jp2", data=data, samples=five, mode="bands")
    whole = written(drawn(8), "JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    yield Variant(
        name="jpeg 2000 cut off", suffix=".jp2", data=whole[: len(whole) // 2], samples=drawn(8), damaged=True
    )
    for compression in ("LERC", "LERC_DEFLATE", "LERC_ZSTD", "ZSTD", "LZMA", "DEFLATE"):
        for code, kind, bits in (("u1", "u", 8), ("u2", "u", 16), ("f4", "w", 32), ("f8", "w", 64)):
            if compression.startswith("LERC") and code == "f8" and compression != "LERC":
                continue
            samples = drawn(bits, kind=kind)
            yield Variant(
                name=f"tiff {code} {compression}",
                suffix=".tif",
                data=written(samples, "GTiff", compress=compression),
                samples=samples,
                bits=bits,
            )
    for compression in ("CCITTFAX3", "CCITTFAX4", "CCITTRLE"):
        samples = drawn(1)
        yield Variant(
            name=f"tiff 1 {compression}",
            suffix=".tif",
            data=written(samples, "GTiff", compress=compression, nbits=1),
            samples=samples,
            bits=1,
        )
        yield Variant(
            name=f"tiff white 1 {compression}",
            suffix=".tif",
            data=written(samples, "GTiff", compress=compression, nbits=1, photometric="MINISWHITE"),
            samples=samples,
            bits=1,
            mode="white",
        )
    samples = drawn(8, 3)
    yield Variant(
        name="tiff rgb webp",
        suffix=".tif",
        data=written(samples, "GTiff", compress="WEBP", webp_lossless=True, photometric="RGB"),
        samples=samples,
        mode="rgb",
    )
    luma = components(1)
    flat = rgb_of(np.dstack([luma // 4 + 90, np.full_like(luma, 110), np.full_like(luma, 140)]))  # of one tint
    data = written(flat, "GTiff", compress="JPEG", photometric="YCBCR", jpeg_quality=100)
    yield Variant(name="tiff ycc jpeg", suffix=".tif", data=data, samples=flat, mode="rgb", near=4)
    gray = components(1)
    yield Variant(
        name="tiff gray jpeg",
        suffix=".tif",
        data=written(gray, "GTiff", compress="JPEG", jpeg_quality=100),
        samples=gray,
    )
    yield Variant(
        name="tiff rgb jpeg",
        suffix=".tif",
        data=written(components(3), "GTiff", compress="JPEG", photometric="RGB", jpeg_quality=100),
        samples=components(3),
        mode="rgb",
    )
    sparse = drawn(8)
    sparse[:16, 16:] = 0
    yield Variant(
        name="tiff sparse by gdal",
        suffix=".tif",
        data=written(
            np.pad(sparse[:16, :16], ((0, 2), (0, 5), (0, 0))) * 0,
            "GTiff",
            tiled=True,
            blockxsize=16,
            blockysize=16,
            sparse_ok=True,
        ),
        samples=sparse * 0,
    )
