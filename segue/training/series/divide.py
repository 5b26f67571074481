"""Images into folds of the same size and the same classes. The rule, which every folds file repeats:

1. What belongs together is one unit: samples of one image file, images of one group.
2. A unit's content is, for each class, its share of all pixels of that class, so that a rare class counts as much as a
   frequent one; and its share of the images.
3. Units are placed in the order of their largest share of any class, the largest first, equal ones by name.
4. Each goes to that fold, of those with room, where the sum of squares of all folds' contents grows least; among equal
   ones to the smallest, then the first. A fold has room for n/k images, rounded up for the first n mod k that fill;
   where a group fits nowhere, it goes to the smallest fold.
5. Two images in different folds are exchanged while that lowers the sum of squares, `PASSES` times over all of them.
   (Up to `MOST` units; of more, the folds are alike without.)

Nothing is drawn at random: the same names and labels give the same folds anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from segue.images.read import Array

PASSES, MOST = 3, 2000


def divide(units: Sequence[str], images: Sequence[int], pixels: Mapping[str, Array], count: int) -> list[int]:
    """The fold of each unit, from 0.

    Args:
        units: their names, each once, ``count`` of them at least.
        images: how many images each has.
        pixels: by unit, (C,) labeled pixels of each class.
        count: k, the number of folds.
    """
    if (by_name := sorted(range(len(units)), key=lambda i: units[i])) != list(range(len(units))):
        found = divide([units[i] for i in by_name], [images[i] for i in by_name], pixels, count)
        return [fold for _, fold in sorted(zip(by_name, found, strict=True))]
    content = contents([pixels[name] for name in units], images)
    sizes = np.array(images)
    whole = int(sizes.sum())
    order = sorted(range(len(units)), key=lambda i: (-round(float(content[i, :-1].max(initial=0)), 12), units[i]))
    held = np.zeros((count, content.shape[1]))
    full = np.zeros(count, np.int64)
    place = [0] * len(units)
    for position, index in enumerate(order):
        free = _with_room(full, int(sizes[index]), whole, count)
        left = len(order) - position
        if left <= int((full == 0).sum()):  # one for each fold that has none
            free = [fold for fold in range(count) if full[fold] == 0]
        fold = min(free, key=lambda f: (round(float(held[f] @ content[index]), 12), int(full[f]), f))
        place[index] = fold
        held[fold] += content[index]
        full[fold] += sizes[index]
    if len(units) <= MOST:
        _exchange(place, content, sizes, held)
    return place


def contents(pixels: Sequence[Array], images: Sequence[int]) -> Array:
    """(N, C + 1): each unit's share of all pixels of each class, and of the images."""
    counts = np.array(pixels, np.float64).reshape(len(images), -1)
    total = counts.sum(axis=0)
    sizes = np.array(images, np.float64)[:, None]
    found: Array = np.concatenate([counts / np.maximum(total, 1), sizes / sizes.sum()], axis=1)
    return found


def _with_room(full: Array, size: int, whole: int, count: int) -> list[int]:
    """The folds that a unit of so many images fits into; the smallest ones where it fits into none."""
    least, more = divmod(whole, count)
    above = int((full > least).sum())
    free = [
        fold
        for fold in range(count)
        if full[fold] + size <= least or (full[fold] + size == least + 1 and (full[fold] > least or above < more))
    ]
    return free or [fold for fold in range(count) if full[fold] == full.min()]


def _exchange(place: list[int], content: Array, sizes: Array, held: Array) -> None:
    """Exchange units of one size between folds, the best partner of each, while the sum of squares becomes smaller."""
    for _ in range(PASSES):
        changed = False
        for index in range(len(place)):
            own = place[index]
            others = np.array([i for i, f in enumerate(place) if f != own and sizes[i] == sizes[index]])
            if not len(others):
                continue
            step = content[others] - content[index]  # what the own fold gains
            folds = np.array(place)[others]
            gain = 2 * (step * (held[own] - held[folds])).sum(axis=1) + 2 * (step**2).sum(axis=1)
            best = int(gain.argmin())
            if gain[best] < -1e-12:
                other = int(others[best])
                held[own] += step[best]
                held[place[other]] -= step[best]
                place[index], place[other] = place[other], own
                changed = True
        if not changed:
            return
