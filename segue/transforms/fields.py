"""Which entries of a sample have pixels that belong together, so that geometry moves all of them.

Beside the picture ``img`` a sample may have ``img2``, the same place at another time, and maps of the same size: labels
``gt_seg_map``, borders ``gt_edge_map``, depths ``gt_depth_map``, and whatever a user's transform lists in
``seg_fields``. Maps are never interpolated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segue.images.read import Array
from segue.types import Sample

#: What a pixel without content gets, where it is not the label that the caller says: no border, no measured depth.
_EMPTY = {"gt_edge_map": 0, "gt_depth_map": 0}


def pictures(sample: Sample) -> list[str]:
    """Keys of the images: ``img``, and ``img2`` where there is one."""
    return [key for key in ("img", "img2") if isinstance(sample.get(key), np.ndarray)]


def maps(sample: Sample, ignore: int = 255) -> Iterator[tuple[str, Array, int]]:
    """(key, array, value of pixels without content) of every map; ``ignore`` is that of labels."""
    keys = dict.fromkeys(("gt_seg_map", "gt_edge_map", "gt_depth_map", *sample.get("seg_fields", ())))
    for key in keys:
        if isinstance(sample.get(key), np.ndarray):
            yield key, sample[key], _EMPTY.get(key, ignore)
