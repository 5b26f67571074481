"""What many masks come to: sums and a few examples, never the masks, so that memory does not grow with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from segue.doctor.facts import Color, Facts

#: Examples kept of every kind of fault.
KEPT = 12


@dataclass
class Faults:
    """Files with one kind of fault: how many, and the first few with a text each."""

    count: int = 0
    some: list[tuple[str, str]] = field(default_factory=list)

    def add(self, path: str, text: str = "") -> None:
        """One more."""
        self.count += 1
        if len(self.some) < KEPT:
            self.some.append((path, text))

    @property
    def files(self) -> list[str]:
        """The examples' paths."""
        return [path for path, _ in self.some]


class Tally:
    """Sums over the pairs of one dataset.

    Attributes:
        pairs: how many were looked at.
        pixels, images: per value of the files, its pixels and the masks that have it.
        examples: per value, the first masks with its pixels in each.
        faults: by kind, ``corrupt-image``, ``corrupt-mask``, ``color-mask``, ``size``, ``deep``, ``smooth``.
        colors: pixels per color in masks that are color pictures.
        digests: {content of an image: paths}; the paths of one content beyond the first few are only counted.
        stored: bands, mean and standard deviation of 16-bit images that are nearly black in 8 bits.
        smallest, largest: (H, W) of the masks with the fewest and the most pixels.
        raw, absent: of multilabel masks, whose ``pixels`` are counted by class: pixels per value of the files, and
            images per class that lack its file.
        turned: masks of the size that the image has before it is turned by its EXIF orientation.
        area, overlap: of these all pixels of all images, and those with several classes.
    """

    def __init__(self) -> None:
        self.pairs = 0
        self.masks = 0
        self.pixels: Counter[int] = Counter()
        self.images: Counter[int] = Counter()
        self.examples: dict[int, list[tuple[str, int]]] = {}
        self.faults: defaultdict[str, Faults] = defaultdict(Faults)
        self.colors: Counter[Color] = Counter()
        self.digests: dict[bytes, list[str]] = {}
        self.mask_digests: dict[bytes, list[str]] = {}
        self.shown: list[tuple[str, str]] = []
        self.smallest: tuple[int, int] | None = None
        self.largest: tuple[int, int] | None = None
        self.stored: list[tuple[int, float, float]] = []
        self.raw: Counter[int] = Counter()
        self.absent: Counter[int] = Counter()
        self.area = self.overlap = self.turned = 0

    def add(self, facts: Facts) -> None:
        """Count one pair."""
        self.pairs += 1
        if facts.image_error:
            self.faults["corrupt-image"].add(facts.image, facts.image_error)
        if facts.stored:
            self.faults["16-bit-image"].add(facts.image)
            self.stored.append(facts.stored)
        if facts.image_digest:
            _remember(self.digests, facts.image_digest, facts.image)
        if facts.mask is None:
            return
        if facts.colors:
            self.faults["color-mask"].add(facts.mask, facts.mask_error)
            self.colors.update(dict(facts.colors))
        elif facts.mask_error:
            self.faults["corrupt-mask"].add(facts.mask, facts.mask_error)
        if facts.image_size and facts.mask_size and facts.image_size != facts.mask_size:
            self.faults["size"].add(facts.mask, _sizes(facts))
            self.turned += facts.image_size == facts.mask_size[::-1]
        if facts.mask_size:
            self._measure(*facts.mask_size)
        self.raw.update(facts.raw)
        self.absent.update(facts.absent)
        if facts.mask_error:
            return
        self._count(facts, facts.mask)

    def _count(self, facts: Facts, mask: str) -> None:
        self.masks += 1
        self.pixels.update(facts.values)
        self.images.update(facts.values.keys())
        for value, count in facts.values.items():
            known = self.examples.setdefault(value, [])
            if len(known) < 3:
                known.append((mask, count))
        if facts.deep:
            self.faults["deep"].add(mask)
        if facts.smooth:
            self.faults["smooth"].add(mask, str(facts.distinct))
        if len(facts.values) == 1:
            self.faults["one-value"].add(mask, str(next(iter(facts.values))))
        if facts.mask_digest:
            _remember(self.mask_digests, facts.mask_digest, mask)
        if len(self.shown) < KEPT and not facts.image_error:
            self.shown.append((facts.image, mask))
        self.overlap += facts.overlap
        if facts.mask_size:
            self.area += facts.mask_size[0] * facts.mask_size[1]

    def _measure(self, height: int, width: int) -> None:
        if self.smallest is None or height * width < self.smallest[0] * self.smallest[1]:
            self.smallest = height, width
        if self.largest is None or height * width > self.largest[0] * self.largest[1]:
            self.largest = height, width


def merged(tallies: list[Tally]) -> Tally:
    """The values of several together; only what is judged by value."""
    total = Tally()
    for tally in tallies:
        total.pairs += tally.pairs
        total.masks += tally.masks
        total.pixels.update(tally.pixels)
        total.images.update(tally.images)
        total.colors.update(tally.colors)
        for value, examples in tally.examples.items():
            total.examples.setdefault(value, []).extend(examples)
        total.raw.update(tally.raw)
        total.absent.update(tally.absent)
        total.area += tally.area
        total.overlap += tally.overlap
        for kind in ("smooth", "deep", "color-mask"):
            total.faults[kind].count += tally.faults[kind].count
            total.faults[kind].some += tally.faults[kind].some
    return total


def _remember(digests: dict[bytes, list[str]], digest: bytes, path: str) -> None:
    paths = digests.setdefault(digest, [])
    if len(paths) < KEPT:
        paths.append(path)


def _sizes(facts: Facts) -> str:
    assert facts.image_size and facts.mask_size
    (height, width), (rows, columns) = facts.image_size, facts.mask_size
    turned = ", turned by its EXIF orientation?" if (rows, columns) == (width, height) else ""
    return f"the mask is {columns} x {rows} pixels, its image {width} x {height}{turned}"
