"""COCO's run lengths: how many zeros, ones, zeros, ... follow each other down the columns.

The compressed text holds 5 bits per character from ``0`` on, with a sixth as a sign that more follow; from the third
count on it is the difference to the last but one. https://github.com/cocodataset/cocoapi
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError

_LONGEST = 8  # characters of one number: 40 bits, more than any image has pixels


def decode_rle(rle: Any, size: tuple[int, int], where: str) -> NDArray[np.bool_]:
    """(H, W) covered pixels.

    Args:
        rle: ``{"size": [H, W], "counts": [...] or "..."}``.
        size: (H, W) of the image, which it must have: nothing is allocated on the word of the file.
        where: file and annotation, for messages.
    """
    if not isinstance(rle, dict) or "counts" not in rle:
        raise DataError(f"{where}: a run-length mask is {{'size': [H, W], 'counts': ...}}")
    if rle.get("size") != list(size):
        raise DataError(f"{where}: its run lengths are for [H, W] = {rle.get('size')}, the image has {list(size)}")
    counts = rle["counts"]
    counts = decompress(counts, where) if isinstance(counts, str) else counts
    if not isinstance(counts, list):
        raise DataError(f"{where}: counts must be a list of numbers or a compressed text")
    height, width = size
    total = 0
    for i, count in enumerate(counts):
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise DataError(f"{where}: count {i} is {count!r}; run lengths are whole numbers from 0")
        total += count
        if total > height * width:
            break
    if total != height * width:
        raise DataError(
            f"{where}: its run lengths make {'more than ' if total > height * width else ''}"
            f"{min(total, height * width)} pixels, the image has {height * width}"
        )
    values = np.arange(len(counts)) % 2 == 1
    mask: NDArray[np.bool_] = np.repeat(values, counts).reshape(width, height).T
    return mask


def decompress(text: str, where: str) -> list[int]:
    """Counts of a compressed text."""
    counts: list[int] = []
    number = shift = 0
    for place, byte in enumerate(text.encode("utf-8")):
        part = byte - 48
        if not 0 <= part < 64:
            raise DataError(f"{where}: character {place} of its compressed counts is no code")
        number |= (part & 31) << shift
        shift += 5
        if part & 32:
            if shift >= 5 * _LONGEST:
                raise DataError(f"{where}: count {len(counts)} of its compressed counts is longer than any image")
            continue
        if part & 16:
            number -= 1 << shift
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number = shift = 0
    if shift:
        raise DataError(f"{where}: its compressed counts are cut off")
    return counts


def encode_rle(covered: NDArray[np.bool_], compressed: bool = True) -> dict[str, Any]:
    """The run lengths of (H, W)."""
    flat = np.asarray(covered, np.bool_).T.ravel()
    borders = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], borders, [flat.size]])
    counts = [0] * bool(flat.size and flat[0]) + np.diff(edges).tolist()
    return {"size": list(covered.shape), "counts": compress(counts) if compressed else counts}


def compress(counts: Sequence[int]) -> str:
    """Counts as a text."""
    text: list[str] = []
    for i, count in enumerate(counts):
        number = count - (counts[i - 2] if i > 2 else 0)
        while True:
            part = number & 31
            number >>= 5
            more = number != (-1 if part & 16 else 0)
            text.append(chr(part + 48 + (32 if more else 0)))
            if not more:
                break
    return "".join(text)
