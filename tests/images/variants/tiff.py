"""TIFFs: depths, kinds of numbers, orders, compressions, predictors, tiles, planes, colours, what is rare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.images.variants.png import colors
from tests.images.variants.tiff_file import (
    ADOBE_DEFLATE,
    DEFLATE,
    LZW,
    NONE,
    PACKBITS,
    PHOTOMETRIC,
    directory_first,
    tiff,
)
from tests.images.variants.variant import Array, Variant, drawn


def table_tag(palette: Array) -> list[int]:
    """The tag ColorMap: all reds, greens and blues, 16 bits each."""
    return (palette.T.astype(int) * 257).ravel().tolist()


def variants() -> Iterator[Variant]:
    yield from _plain()
    yield from _coded()
    yield from _colors()
    yield from _odd()


def _one(name: str, samples: Array, bits: int, mode: str = "gray", **options: object) -> Variant:
    known = {
        key: options.pop(key)
        for key in ("alpha", "palette", "orientation", "nodata", "damaged", "labels")
        if key in options
    }
    known["pages"] = options.get("pages", 1)
    known["near"] = int(mode == "cmyk")
    data = tiff(samples, bits, PHOTOMETRIC[mode], **options)  # type: ignore[arg-type]
    return Variant(name=f"tiff {name}", suffix=".tif", data=data, samples=samples, mode=mode, bits=bits, **known)  # type: ignore[arg-type]


def _plain() -> Iterator[Variant]:
    """Every depth and kind, in both byte orders and sizes of offsets."""
    for bits in (1, 2, 4, 8, 12, 16, 32, 64):
        for mode in ("gray", "white"):
            yield _one(f"{mode} {bits}", drawn(bits), bits, mode)
    for bits in (8, 16, 32, 64):
        yield _one(f"signed {bits}", drawn(bits, kind="i"), bits)
        yield _one(f"signed {bits} of labels", drawn(bits, kind="i", top=20), bits)
        yield _one(f"signed {bits} white", drawn(bits, kind="i", top=20), bits, "white")
    for bits in (16, 32, 64):
        yield _one(f"gray {bits} of labels", drawn(bits, top=20), bits)
        yield _one(f"float {bits}", drawn(bits, kind="f"), bits)
        yield _one(f"float {bits} of labels", drawn(bits, kind="w"), bits)
    for order in "<>":
        for large in (False, True):
            for kind, bits in (("u", 1), ("u", 8), ("u", 16), ("i", 16), ("u", 32), ("w", 32), ("w", 64)):
                way = f"{'big' if order == '>' else 'little'}-endian{' BigTIFF' * large}"
                yield _one(
                    f"{kind}{bits} {way}",
                    drawn(bits, kind=kind, top=20 if bits == 32 else None),
                    bits,
                    order=order,
                    large=large,
                )


def _coded() -> Iterator[Variant]:
    """Compressions, predictors, tiles, planes."""
    ways = {"lzw": LZW, "deflate": DEFLATE, "adobe deflate": ADOBE_DEFLATE, "packbits": PACKBITS}
    for name, compression in ways.items():
        for bits in (1, 2, 4, 8, 16, 32):
            samples = drawn(bits, top=20 if bits == 32 else None)
            yield _one(f"gray {bits} {name}", samples, bits, compression=compression)
        yield _one(f"white 8 {name}", drawn(8), 8, "white", compression=compression)
        yield _one(f"float 32 {name}", drawn(32, kind="w"), 32, compression=compression)
        yield _one(f"float 64 {name}", drawn(64, kind="w"), 64, compression=compression)
        yield _one(f"rgb 8 {name}", drawn(8, 3), 8, "rgb", compression=compression)
    for name, compression in (("lzw", LZW), ("deflate", ADOBE_DEFLATE)):
        for bits in (8, 16, 32, 64):
            for order in "<>":
                samples = drawn(bits, top=200 if bits > 8 else None)
                yield _one(
                    f"gray {bits} {name} predictor 2 {order}",
                    samples,
                    bits,
                    compression=compression,
                    predictor=2,
                    order=order,
                )
                if bits > 8:
                    yield _one(
                        f"float {bits} {name} predictor 3 {order}",
                        drawn(bits, kind="w"),
                        bits,
                        compression=compression,
                        predictor=3,
                        order=order,
                    )
        for bits in (8, 16):
            yield _one(
                f"rgb {bits} {name} predictor 2", drawn(bits, 3), bits, "rgb", compression=compression, predictor=2
            )
        yield _one(f"signed 16 {name} predictor 2", drawn(16, kind="i"), 16, compression=compression, predictor=2)
        yield _one(f"signed 8 {name} predictor 2", drawn(8, kind="i"), 8, compression=compression, predictor=2)
        yield _one(f"gray 8 {name} tiles predictor 2", drawn(8), 8, compression=compression, predictor=2, tile=16)
    for bits in (1, 4, 8, 16, 32):
        yield _one(f"gray {bits} tiles", drawn(bits, top=20 if bits == 32 else None), bits, tile=16)
    yield _one("float 64 tiles", drawn(64, kind="w"), 64, tile=16)
    for bits in (8, 16):
        yield _one(f"rgb {bits} tiles", drawn(bits, 3), bits, "rgb", tile=16)
        yield _one(f"rgb {bits} planes", drawn(bits, 3), bits, "rgb", planar=2)
        yield _one(f"rgb {bits} planes tiles", drawn(bits, 3), bits, "rgb", planar=2, tile=16)
        yield _one(
            f"rgb {bits} planes lzw predictor 2", drawn(bits, 3), bits, "rgb", planar=2, compression=LZW, predictor=2
        )
        yield _one(f"bands {bits} planes", drawn(bits, 5), bits, "bands", planar=2)
        yield _one(f"gray {bits} one plane", drawn(bits), bits, planar=2)
    yield _one("gray 8 one strip", drawn(8), 8, rows=18)
    yield _one("gray 8 a strip per row", drawn(8), 8, rows=1)


def _colors() -> Iterator[Variant]:
    """Colours, palettes, bands beside the colours."""
    for bits in (1, 2, 4, 8):
        table = colors(1 << bits)
        yield _one(f"palette {bits}", drawn(bits), bits, "palette", palette=table, tags={320: table_tag(table)})
        yield _one(
            f"palette {bits} lzw tiles",
            drawn(bits),
            bits,
            "palette",
            palette=table,
            tags={320: table_tag(table)},
            compression=LZW,
            tile=16,
        )
    grays = np.repeat(np.arange(256, dtype=np.uint8)[::-1, None], 3, axis=1)
    yield _one("palette 8 of grays", drawn(8), 8, "palette", palette=grays, tags={320: table_tag(grays)})
    table = colors(256)
    small = [value // 257 for value in table_tag(table)]
    yield _one("palette 8 of 8-bit colours", drawn(8), 8, "palette", palette=table, tags={320: small})
    for bits in (8, 16):
        yield _one(f"rgb {bits}", drawn(bits, 3), bits, "rgb")
        yield _one(f"rgb {bits} big-endian", drawn(bits, 3), bits, "rgb", order=">")
        for extra, meaning in ((0, "unspecified"), (1, "associated"), (2, "unassociated")):
            yield _one(f"rgb {bits} and {meaning}", drawn(bits, 4), bits, "rgb", alpha=True, tags={338: extra})
        yield _one(f"rgb {bits} and a band without ExtraSamples", drawn(bits, 4), bits, "rgb", alpha=True)
        yield _one(f"gray {bits} and alpha", drawn(bits, 2), bits, "bands", tags={338: 2})
        yield _one(f"white {bits} and alpha", drawn(bits, 2), bits, "bands", tags={262: 0, 338: 2})
        yield _one(f"rgb {bits} and 2", drawn(bits, 5), bits, "bands", tags={262: 2, 338: [0, 0]})
        yield _one(f"cmyk {bits}", drawn(bits, 4), bits, "cmyk")
        yield _one(f"cmyk {bits} lzw", drawn(bits, 4), bits, "cmyk", compression=LZW)
        yield _one(f"bands {bits}", drawn(bits, 4), bits, "bands", tags={338: [0, 0, 0]})
        yield _one(f"bands {bits} of 3", drawn(bits, 3), bits, "bands", tags={338: [0, 0]})
        yield _one(f"signed {bits} rgb", drawn(bits, 3, "i"), bits, "rgb")
    yield _one("rgb of equal bands", np.repeat(drawn(8), 3, axis=2), 8, "rgb")
    yield _one("rgb float 32", drawn(32, 3, "f"), 32, "rgb")
    yield _one("rgb float 64", drawn(64, 3, "f"), 64, "rgb")
    yield _one("rgb 32", drawn(32, 3), 32, "rgb")
    yield _one("bands signed 16", drawn(16, 6, "i"), 16, "bands")
    yield _one("bands float 32", drawn(32, 6, "f"), 32, "bands")
    yield _one("bands 1 bit", drawn(1, 3), 1, "bands")


def _odd() -> Iterator[Variant]:
    """What is rarely seen: no data, missing blocks, pages, turned, cut off."""
    for bits in (1, 4, 8, 16):
        yield _one(f"gray {bits} FillOrder 2", drawn(bits), bits, lsb_first=True)
        yield _one(f"gray {bits} FillOrder 2 lzw", drawn(bits), bits, lsb_first=True, compression=LZW)
    yield _one("gray 8 nodata 7", drawn(8), 8, tags={42113: b"7"}, nodata=7)
    labels = drawn(16, kind="i", top=20)
    labels[2:5, 3:8] = -9999
    yield _one("signed 16 nodata -9999", labels, 16, tags={42113: b"-9999"}, nodata=-9999)
    floats = drawn(32, kind="w")
    floats[2:5, 3:8] = np.nan
    void = np.where(np.isnan(floats), 255, np.nan_to_num(floats)).astype(np.int32)[:, :, 0]
    yield _one("float 32 nodata nan", floats, 32, tags={42113: b"nan"}, nodata=float("nan"), labels=void)
    yield _one("float 32 with NaN", floats, 32)
    lowest = np.where(np.isnan(floats), np.finfo(np.float32).min, floats)
    yield _one(
        "float 32 nodata lowest",
        lowest,
        32,
        tags={42113: b"-3.4028234663852886e+38"},
        nodata=-3.4028234663852886e38,
        labels=void,
    )
    for bits in (8, 16):
        for name, options in (("strips", {}), ("tiles", {"tile": 16})):
            for nodata in (None, 9):
                samples = drawn(bits)
                samples[7:14] = nodata or 0
                if options:
                    samples = drawn(bits)
                    samples[:16, 16:] = nodata or 0
                said = {} if nodata is None else {"tags": {42113: b"9"}, "nodata": 9}
                yield _one(
                    f"gray {bits} missing {name}{' nodata 9' * (nodata is not None)}",
                    samples,
                    bits,
                    missing=(1,),
                    **options,
                    **said,
                )
    yield _one("gray 8 of 2 pages", drawn(8), 8, pages=2)
    yield _one("rgb 8 of 3 pages", drawn(8, 3), 8, "rgb", pages=3)
    for orientation in range(2, 9):
        for name, options in (("", {}), (" lzw", {"compression": LZW}), (" tiles", {"tile": 16})):
            yield _one(
                f"gray 8 orientation {orientation}{name}",
                drawn(8),
                8,
                tags={274: orientation},
                orientation=orientation,
                **options,
            )
        yield _one(
            f"rgb 8 orientation {orientation}", drawn(8, 3), 8, "rgb", tags={274: orientation}, orientation=orientation
        )
        yield _one(
            f"gray 16 orientation {orientation}", drawn(16), 16, tags={274: orientation}, orientation=orientation
        )
    table = colors(256)
    yield _one(
        "palette 8 orientation 6",
        drawn(8),
        8,
        "palette",
        palette=table,
        tags={320: table_tag(table), 274: 6},
        orientation=6,
    )
    samples = drawn(8)
    for name, options in (("", {}), (" lzw", {"compression": LZW}), (" tiles", {"tile": 16}), (" rgb", {})):
        values = drawn(8, 3) if name == " rgb" else samples
        whole = tiff(values, 8, 2 if name == " rgb" else 1, **options)
        yield Variant(
            name=f"tiff cut off{name}", suffix=".tif", data=whole[: len(whole) // 2], samples=values, damaged=True
        )
        yield Variant(
            name=f"tiff cut off within its pixels{name}",
            suffix=".tif",
            data=directory_first(whole),
            samples=values,
            damaged=True,
        )
    for name, compression in {"": NONE, " lzw": LZW, " deflate": ADOBE_DEFLATE, " packbits": PACKBITS}.items():
        yield _one(f"gray 8 of half a strip{name}", samples, 8, compression=compression, short=(1,), damaged=True)
        yield _one(f"gray 16 of half a strip{name}", drawn(16), 16, compression=compression, short=(1,), damaged=True)
        yield _one(
            f"gray 8 of half a tile{name}", samples, 8, compression=compression, short=(1,), tile=16, damaged=True
        )
