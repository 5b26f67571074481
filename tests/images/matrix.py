"""Every reader on every kind of file; ``python -m tests.images.matrix`` counts what is equal, refused and wrong."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np

from segue.errors import SegueError
from segue.images.rasters import has_rasterio, read_raster
from segue.images.read import read_image
from segue.images.window import open_image
from segue.masks.decode import read_mask
from segue.masks.size import image_size
from segue.masks.window import LabelReader
from tests.images import rules
from tests.images.variants import bmp, coded, gif, jpeg, plain, png, tiff
from tests.images.variants.variant import Array, Variant

COLORS = ("color", "grayscale", "unchanged", "color_ignore_orientation")
WINDOW = (slice(3, 16), slice(5, 17))
Reader = Callable[[Path], Array]
Rule = Callable[[Variant], "Array | None"]


@cache
def variants() -> tuple[Variant, ...]:
    found = tuple(variant for module in (png, tiff, bmp, jpeg, gif, plain, coded) for variant in module.variants())
    names = Counter(variant.name for variant in found)
    assert names.most_common(1)[0][1] == 1, f"two files are called {names.most_common(1)[0][0]}"
    return found


def _mask_window(path: Path) -> Array:
    reader = LabelReader()
    reader.open(path)
    return reader.open(path).read(WINDOW)


def _size_rule(variant: Variant) -> Array | None:
    if variant.damaged or variant.foreign:
        return None
    size = variant.samples.shape[:2]
    return np.array(size[::-1] if variant.orientation >= 5 else size)


def _cut(rule: Rule, variant: Variant) -> Array | None:
    whole = rule(variant)
    return None if whole is None else whole[WINDOW]


def _stored(variant: Variant) -> Array | None:
    return None if variant.damaged else variant.samples


def readers() -> dict[str, tuple[Reader, Rule]]:
    """By name, who reads and what is to come out."""
    table: dict[str, tuple[Reader, Rule]] = {}
    for color_type in COLORS:
        rule = partial(rules.image, color_type=color_type)
        for backend in ("cv2", "pillow"):
            table[f"{color_type} {backend}"] = partial(read_image, color_type=color_type, backend=backend), rule
    for color_type in ("color", "grayscale", "unchanged"):
        rule = partial(rules.image, color_type=color_type)
        table[f"{color_type} window"] = (
            (lambda path, kind=color_type: open_image(path, kind).read(WINDOW)),
            partial(_cut, rule),
        )
    table["mask"] = read_mask, rules.mask
    table["mask window"] = _mask_window, partial(_cut, rules.mask)
    table["size"] = (lambda path: np.array(image_size(path))), _size_rule
    if has_rasterio():
        table["raster"] = read_raster, _stored
    return table


def judged(variant: Variant, name: str, reader: Reader, rule: Rule, path: Path) -> tuple[str, str]:
    """``equal``, ``refused``, ``missed`` (refused, though it could be read) or ``wrong``, and what was found."""
    wanted = rule(variant)
    try:
        found = reader(path)
    except SegueError as error:
        said = str(error)
        if str(path) not in said:
            return "wrong", f"a message without the file: {said}"
        return ("refused" if wanted is None else "missed"), said
    except Exception as error:
        return "wrong", f"{type(error).__name__}: {error}"
    if wanted is None:
        return "wrong", f"gave {found.dtype} {found.shape} of a file that is to be refused"
    if found.dtype.kind == "f" and wanted.dtype == np.float16:
        found = found.astype(wanted.dtype)  # OpenCV and GDAL have none
    if found.dtype != wanted.dtype and name not in ("size", "mask"):
        return "wrong", f"gave {found.dtype}, not {wanted.dtype}"
    if variant.mode == "palette" and found.ndim == 2 and wanted.ndim == 3:
        found = np.repeat(found[:, :, None], 3, axis=2)  # a palette of grays
    if found.shape != wanted.shape:
        return "wrong", f"gave {found.shape}, not {wanted.shape}"
    if wanted.dtype.kind == "f":
        same = np.array_equal(found, wanted, equal_nan=True)
        return ("equal", "") if same else ("wrong", "other values")
    far = (
        np.abs(found.astype(float) - wanted.astype(float)).max()
        if variant.bits < 64
        else float((found != wanted).any())
    )
    if far > rules.tolerance(variant, name):
        first = tuple(np.argwhere(found != wanted)[0])
        return "wrong", f"off by {far:g}: {found[first]} at {tuple(map(int, first))}, not {wanted[first]}"
    return "equal", ""


def cells(folder: Path) -> Iterator[tuple[Variant, str, str, str]]:
    """(file, reader, outcome, what was found) of the whole matrix, whose files are written to ``folder``."""
    table = readers()
    for index, variant in enumerate(variants()):
        path = folder / f"{index}{variant.suffix}"
        path.write_bytes(variant.data)
        for name, (reader, rule) in table.items():
            if name == "raster" and variant.suffix != ".tif":
                continue
            if name == "size" and (variant.damaged or variant.foreign):
                continue  # the header may be whole
            if name == "raster" and (variant.mode == "cmyk" or "half a" in variant.name):
                continue  # GDAL makes colours of inks
            yield variant, name, *judged(variant, name, reader, rule, path)


def main() -> int:
    """Print a table of outcomes by kind of file, and everything that is wrong; status 1 if anything is."""
    counts: dict[str, Counter[str]] = {}
    wrong = []
    shown = set(sys.argv[1:]) or {"wrong"}
    with tempfile.TemporaryDirectory() as folder:
        for variant, reader, outcome, found in cells(Path(folder)):
            counts.setdefault(reader, Counter())[outcome] += 1
            if outcome in shown:
                wrong.append(f"{outcome}: {variant.name}: {reader}: {found.replace(folder + '/', '')}")
    print("\n".join(wrong))
    head = ("equal", "refused", "missed", "wrong")
    print(f"{'reader':34s}" + "".join(f"{one:>9s}" for one in head))
    total: Counter[str] = Counter()
    for reader, count in counts.items():
        print(f"{reader:34s}" + "".join(f"{count[one]:9d}" for one in head))
        total += count
    print(f"{f'{len(variants())} files':34s}" + "".join(f"{total[one]:9d}" for one in head))
    return total["wrong"] > 0


if __name__ == "__main__":
    sys.exit(main())
