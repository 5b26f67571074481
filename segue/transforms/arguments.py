"""Checks that the constructors and calls of transforms share, so that every refusal reads alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from typing import Any, TypeGuard

import numpy as np

from segue.errors import InputError
from segue.images.read import Array
from segue.types import Sample


def refuse(owner: object, argument: str, expected: str, given: object) -> InputError:
    """The error for an argument that cannot be used; raise it."""
    name = owner if isinstance(owner, str) else type(owner).__name__
    return InputError(f"{name}: {argument} must be {expected}, got {given!r}")


def is_int(value: object) -> TypeGuard[int]:
    """True for integers, numpy's included, but not for booleans."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: object) -> TypeGuard[float]:
    """True for finite real numbers, but not for booleans."""
    return isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))


def int_pair(owner: object, argument: str, value: object, order: str, lowest: int = 1) -> tuple[int, int]:
    """An integer (taken twice) or a pair of integers, each at least ``lowest``. ``order`` is "(W, H)" or "(H, W)"."""
    pair = (value, value) if is_int(value) else value
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2 or not all(is_int(v) for v in pair):
        raise refuse(owner, argument, f"an integer or two integers {order}", value)
    if min(pair) < lowest:
        raise refuse(owner, argument, f"at least {lowest}", value)
    return int(pair[0]), int(pair[1])


def real_pair(owner: object, argument: str, value: object) -> tuple[float, float]:
    """A pair (low, high) of real numbers in ascending order."""
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or len(value) != 2
        or not all(is_real(v) for v in value)
    ):
        raise refuse(owner, argument, "two numbers (low, high)", value)
    if value[0] > value[1]:
        raise refuse(owner, argument, "in ascending order (low, high)", value)
    return float(value[0]), float(value[1])


def probability(owner: object, argument: str, value: object) -> float:
    """A real number in 0..1."""
    if not is_real(value) or not 0 <= value <= 1:
        raise refuse(owner, argument, "a probability between 0 and 1", value)
    return float(value)


def one_of(owner: object, argument: str, value: Any, allowed: Collection[str]) -> str:
    """A word from a list."""
    if value not in allowed:
        raise refuse(owner, argument, f"one of {', '.join(map(repr, allowed))}", value)
    return str(value)


def local_files_only(owner: object, **options: Mapping[str, Any] | None) -> None:
    """Accept the reference's file client options where they mean the local disk, and refuse any other backend."""
    for argument, value in options.items():
        if value is not None and value.get("backend", "local") not in ("local", "disk"):
            raise refuse(owner, argument, "None or dict(backend='local'): files are read from the local disk", value)


def image_of(owner: object, sample: Sample, key: str = "img") -> Array:
    """The sample's image, (H, W) or (H, W, C); an InputError where it is missing, has no pixels, or is of a kind that
    ``owner`` is not defined for.

    A transform says what it takes: ``BANDS``, numbers of bands, and ``DTYPES``, names of dtypes; without them it takes
    all. ``INSTEAD`` says what to do with other images.
    """
    image = sample.get(key)
    if image is None:
        raise InputError(
            f"{type(owner).__name__}: the sample has no {key!r}; put LoadImageFromFile before it in the pipeline "
            f"(keys: {', '.join(map(str, sample))})"
        )
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3) or image.size == 0:
        shape = getattr(image, "shape", None)
        raise refuse(
            owner, f"sample[{key!r}]", "an array (H, W) or (H, W, C) with pixels", shape or type(image).__name__
        )
    bands, dtypes = getattr(owner, "BANDS", ()), getattr(owner, "DTYPES", ())
    if (bands and band_count(image) not in bands) or (dtypes and image.dtype.name not in dtypes):
        count = f" of {' or '.join(map(str, bands))} band{'' if bands == (1,) else 's'}" if bands else ""
        raise InputError(
            f"{type(owner).__name__}: takes {', '.join(dtypes) + ' ' if dtypes else ''}images{count}, this one is "
            f"{image.dtype.name} {image.shape}; {getattr(owner, 'INSTEAD', 'leave it out of the pipeline')}"
        )
    return image


def band_count(image: Array) -> int:
    """Channels of (H, W) or (H, W, C)."""
    return 1 if image.ndim == 2 else int(image.shape[2])


def volume_of(owner: object, sample: Sample) -> Array:
    """The sample's volume (C, Z, Y, X), or an InputError as from `image_of`."""
    volume = sample.get("img")
    if not isinstance(volume, np.ndarray) or volume.ndim != 4 or volume.size == 0:
        given = getattr(volume, "shape", None) or type(volume).__name__
        raise refuse(owner, "sample['img']", "a volume (C, Z, Y, X); put LoadBiomedicalImageFromFile before it", given)
    dtypes = getattr(owner, "DTYPES", ())
    if dtypes and volume.dtype.name not in dtypes:
        raise InputError(
            f"{type(owner).__name__}: takes {', '.join(dtypes)} volumes, this one is {volume.dtype.name}; set "
            "to_float32=True where it is loaded"
        )
    return volume


def label_map_of(sample: Sample) -> Array | None:
    """The sample's label map, if it has one."""
    return sample.get("gt_seg_map")


def ignored_in(sample: Sample, ignore_index: int) -> int:
    """The label that ``ignore_index`` means: what the files' value of no label has become when they were read."""
    is_void = ignore_index == sample.get("void") and not sample.get("reduce_zero_label")
    return int(sample.get("ignore_index", ignore_index)) if is_void else ignore_index
