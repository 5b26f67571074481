"""How often each pair of values stands at one place of two label maps: what confusion matrices are made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from segue.images.read import Array

_EXACT = 1 << 24  # pixels that a float32 can count
_BAND = 1 << 18  # pixels at once, whose copies stay in the cache and in memory that is used again
_SHARE = 1 << 19  # pixels that are worth a thread
_THREADS = 4  # at the most: more only wait for memory


def count_pairs(first: Array, second: Array) -> Array | None:
    """Pixels by their values in two label maps of one shape, (256, 256) int64, rows for the first.

    Integers of any type, (H, W). None where a value is outside 0..255.
    """
    threads = min(_THREADS, cv2.getNumThreads(), first.size // _SHARE, len(first))
    if threads < 2:
        return _counted(first, second)
    with ThreadPoolExecutor(threads) as pool:
        shares = pool.map(_counted, np.array_split(first, threads), np.array_split(second, threads))
        tables = [table for table in shares if table is not None]
    return sum(tables, np.zeros((256, 256), np.int64)) if len(tables) == threads else None


def _counted(first: Array, second: Array) -> Array | None:
    """`count_pairs` in this thread."""
    table = np.zeros((256, 256), np.int64)
    if not first.size:
        return table
    # OpenCV's histogram of two 8-bit channels is ten times as fast as numpy's and torch's of 64-bit numbers
    width = first.shape[1]
    rows = min(max(1, _BAND // width), len(first))
    counts, seen = np.zeros((256, 256), np.float32), 0
    bytes_ = np.empty((2, rows, width), np.uint8)
    for start in range(0, len(first), rows):
        pair = []
        for values, buffer in zip((first, second), bytes_, strict=True):
            band = values[start : start + rows]
            if band.dtype != np.uint8 and int(np.bitwise_or.reduce(band.ravel())) & ~255:
                return None  # one pass of OR sees it: also a sign is a high bit
            np.copyto(buffer[: len(band)], band, casting="unsafe")
            pair.append(buffer[: len(band)])
        cv2.calcHist(pair, [0, 1], None, [256, 256], [0, 256, 0, 256], counts, accumulate=True)  # into counts
        seen += pair[0].size
        if seen > _EXACT - rows * width:
            table += counts.astype(np.int64)
            counts, seen = np.zeros_like(counts), 0
    table += counts.astype(np.int64)
    return table
