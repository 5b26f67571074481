"""A CRF on the pictures that an evaluation goes through, as their files hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from segue.errors import DataError
from segue.images.read import Array, read_image
from segue.inference.crf import CRF
from segue.inference.inputs import picture_of
from segue.inference.segment import Refine, first_views
from segue.types import SegSample


def refiner(crf: CRF | None, samples: Sequence[Any]) -> Refine | None:
    """What refines the probabilities of a batch of these samples; None without a CRF."""
    if crf is None:
        return None
    firsts = first_views(samples)
    return lambda index, shares: crf(shares[0], _picture(firsts[index], tuple(shares.shape[-2:])))[None]


def _picture(sample: SegSample, size: tuple[int, ...]) -> Array:
    """The picture (H, W, 3) RGB of a sample, from its file."""
    path = sample.meta.get("img_path")
    if path is None:
        raise DataError("crf: a sample has no img_path in its meta, so there is no picture to follow")
    picture = picture_of(read_image(path, "color"), True)
    if picture.shape[:2] != size:
        raise DataError(f"{path}: crf: the file has {picture.shape[:2]} pixels, the prediction {size}")
    return picture
