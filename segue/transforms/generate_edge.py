"""GenerateEdge: the borders between classes, for models that learn them."""

from __future__ import annotations

import cv2
import numpy as np

from segue.errors import InputError
from segue.images.read import Array
from segue.transforms.arguments import ignored_in, is_int, label_map_of, refuse
from segue.types import Sample


def class_borders(labels: Array, ignore_index: int) -> Array:
    """(H, W) uint8: 1 where a label differs from that above, to the right, below right or below left of it.

    Neighbours that are ignored make no border.
    """
    edge = np.zeros(labels.shape, np.uint8)
    known = labels != ignore_index

    def mark(here: tuple[slice, slice], there: tuple[slice, slice]) -> None:
        edge[here][(labels[here] != labels[there]) & known[here] & known[there]] = 1

    first, last, every = slice(None, -1), slice(1, None), slice(None)
    mark((last, every), (first, every))
    mark((every, first), (every, last))
    mark((first, first), (last, last))
    mark((first, last), (last, first))
    return edge


class GenerateEdge:
    """Add ``gt_edge_map`` (H, W) uint8, 1 near the border of two classes, and ``edge_width``.

    Takes any image; it looks at the label map only.

    Args:
        edge_width: pixels across a border.
        ignore_index: label whose borders do not count, as the files have it.
    """

    def __init__(self, edge_width: int = 3, ignore_index: int = 255) -> None:
        if not is_int(edge_width) or edge_width < 1:
            raise refuse(self, "edge_width", "a positive integer", edge_width)
        if not is_int(ignore_index):
            raise refuse(self, "ignore_index", "an integer", ignore_index)
        self.edge_width = edge_width
        self.ignore_index = ignore_index

    def __call__(self, sample: Sample) -> Sample:
        """Find the borders and widen them."""
        labels = label_map_of(sample)
        if labels is None:
            raise InputError("GenerateEdge: the sample has no 'gt_seg_map'; put LoadAnnotations before it")
        if labels.ndim != 2:
            raise InputError("GenerateEdge: needs one class per pixel, (H, W); multilabel annotations have no such map")
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (self.edge_width, self.edge_width))
        sample["gt_edge_map"] = cv2.dilate(class_borders(labels, ignored_in(sample, self.ignore_index)), kernel)
        sample["edge_width"] = self.edge_width
        return sample
