"""Pixels to outlines: the borders of regions, along the edges of pixels, which `draw.polygon` turns back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.masks.draw import Points


def rings(covered: NDArray[np.bool_]) -> list[Points]:
    """All borders of (H, W), as rings of corners (N, 2) x, y: outer ones and those of holes.

    Pixels that touch at a corner only belong to different rings. The sign of a ring's `area` is positive for an outer
    border and negative for that of a hole.
    """
    padded = np.pad(np.asarray(covered, np.bool_), 1)
    # borders with the region on the right-hand side: along each, the corner it starts from and the step to the next
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    top = padded[1:, :] & ~padded[:-1, :]  # the region begins below: go right
    bottom = padded[:-1, :] & ~padded[1:, :]
    left = padded[:, 1:] & ~padded[:, :-1]
    right = padded[:, :-1] & ~padded[:, 1:]
    for y, x in np.argwhere(top).tolist():
        steps.setdefault((x - 1, y), []).append((1, 0))
    for y, x in np.argwhere(bottom).tolist():
        steps.setdefault((x, y), []).append((-1, 0))
    for y, x in np.argwhere(left).tolist():
        steps.setdefault((x, y), []).append((0, -1))
    for y, x in np.argwhere(right).tolist():
        steps.setdefault((x, y - 1), []).append((0, 1))
    found = []
    while steps:
        found.append(_walk(steps))
    return found


def area(ring: Points) -> float:
    """Signed area of a ring, positive for outer borders."""
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def outlines(labels: NDArray[Any]) -> list[tuple[int, Points]]:
    """(value, outer border) of every region of equal values, large ones first.

    Drawn in this order, each over those before, they give the label map back: what lies in a hole is a smaller region.
    """
    borders = ((int(value), ring) for value in np.unique(labels) for ring in rings(labels == value))
    found = [(value, ring, size) for value, ring in borders if (size := area(ring)) > 0]
    return [(value, ring) for value, ring, _ in sorted(found, key=lambda item: -item[2])]


def _walk(steps: dict[tuple[int, int], list[tuple[int, int]]]) -> Points:
    """Take one ring out of the steps; where two borders cross, turn towards the region, which keeps them apart."""
    start = place = next(iter(steps))
    step = (0, 0)
    corners = []
    while True:
        choices = steps[place]
        turn = (-step[1], step[0])  # right-hand, with y downwards
        after = turn if turn in choices else choices[0]
        choices.remove(after)
        if not choices:
            del steps[place]
        if after != step:
            corners.append(place)
        step = after
        place = (place[0] + step[0], place[1] + step[1])
        if place == start:
            return np.array(corners, np.float64)
