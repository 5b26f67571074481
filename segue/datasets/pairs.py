"""Pairing images with label maps by name, when nobody has said how the names are made."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import product, repeat

from segue.datasets.scan import some_of
from segue.datasets.suffixes import families, stems_by_end
from segue.errors import DataError

_MOST_NAMES = 10_000  # names looked at to find candidates, evenly spread
_MOST_AFFIXES = 6  # candidates tried per side: names rarely have more parts than that in common


@dataclass(frozen=True)
class Affix:
    """What the names of one side have around the part that both sides share."""

    prefix: str = ""
    suffix: str = ""

    def strip(self, stem: str) -> str | None:
        """The shared part of ``folder/stem``, or None where the affix is not there."""
        if not self.prefix and not self.suffix:
            return stem
        if not self.prefix:  # most names are so, and there may be a million
            shared = stem.removesuffix(self.suffix)
            return None if shared == stem or shared[-1:] in ("", os.sep) else shared
        start = stem.rfind(os.sep) + 1
        middle, end = start + len(self.prefix), len(stem) - len(self.suffix)
        if middle >= end or not (stem.startswith(self.prefix, start) and stem.endswith(self.suffix)):
            return None
        return stem[:start] + stem[middle:end]

    def put(self, shared: str) -> str:
        """The stem with this around its shared part."""
        if not self.prefix:
            return shared + self.suffix
        start = shared.rfind(os.sep) + 1
        return f"{shared[:start]}{self.prefix}{shared[start:]}{self.suffix}"

    def __str__(self) -> str:
        return f"{self.prefix}*{self.suffix}"


@dataclass(frozen=True)
class Pairing:
    """Which mask belongs to which image.

    Attributes:
        pairs: (image, mask) names, sorted by image.
        image_affix: what was taken off the image names.
        mask_affix: what was taken off the mask names.
        unused_masks: masks that belong to no image.
        unused_images: images that have no mask.
    """

    pairs: list[tuple[str, str]]
    image_affix: Affix
    mask_affix: Affix
    unused_masks: list[str]
    unused_images: list[str]


def pair_by_stem(
    images: Sequence[str],
    masks: Sequence[str],
    image_folder: str,
    mask_folder: str,
    suffixes: tuple[str | None, str | None] = (None, None),
    unlisted: int = 0,
) -> Pairing:
    """Pair names that agree but for their suffix and for a prefix or ending that all of one side share.

    ``21_training.tif`` belongs to ``21_manual1.gif`` and ``a.jpg`` to ``a_mask.png``. Of several ways the one that
    pairs most images wins, then the one that takes the least off the names. Every image needs a mask, or it is a
    DataError.

    Args:
        images: names below ``image_folder``.
        masks: names below ``mask_folder``.
        image_folder: for messages.
        mask_folder: for messages.
        suffixes: what the names of images and of masks end with; None for any suffix.
        unlisted: how many images of the folder are not among ``images``, whose masks are there as well.
    """
    if suffixes != (None, None):
        end, mask_end = suffixes
        shared = os.path.normpath(image_folder) == os.path.normpath(mask_folder)
        image_stems = stems_by_end(images, end, mask_end if shared else None, image_folder, "image")
        mask_stems = stems_by_end(masks, mask_end, end if shared else None, mask_folder, "mask")
        images, masks = list(image_stems.values()), list(mask_stems.values())
    else:
        image_stems, mask_stems = _stems(images, image_folder), _stems(masks, mask_folder)
    pairing = closest_pairing(image_stems, mask_stems)
    if len(images) > 1 and len(pairing.unused_masks) - unlisted >= len(images) == len(pairing.pairs):
        _refuse_families(list(masks), len(images) + unlisted, mask_folder)
    alone = pairing.unused_images
    if alone:
        example = f", such as {some_of(sorted(masks), 2)}" if masks else ""
        affix = pairing.mask_affix
        raise DataError(
            f"{image_folder}: {len(alone)} of {len(images)} images have no mask in {mask_folder}: {some_of(alone)}. "
            f"That folder has {len(masks)} masks{example}; names must agree but for the suffix and a common affix"
            + (f" (found: {affix})" if pairing.pairs and affix != Affix() else "")
        )
    return pairing


def _refuse_families(masks: Sequence[str], count: int, folder: str) -> None:
    """Raise DataError where each image has several masks that differ in their ends."""
    ends = families(masks, count)
    if len(ends) > 1:
        raise DataError(
            f"{folder}: each image has {len(ends)} masks, which end with {some_of(ends, 6)}; say which counts: "
            f"mask_suffix={ends[0]!r}"
        )


def closest_pairing(image_stems: dict[str, str], mask_stems: dict[str, str], share: float = 1.0) -> Pairing:
    """As `pair_by_stem`, but images may be left without a mask.

    Args:
        image_stems: {name without its suffix: name}.
        mask_stems: the same.
        share: of the images, how many names must have an affix for it to be one.
    """
    enough = max(1, round(share * min(len(image_stems), len(mask_stems)))) if share < 1 else len(image_stems)
    # what only some images have is no affix; one image alone shows none
    image_affixes = _affixes(image_stems, enough) if len(image_stems) > 1 else [Affix()]
    affixes = sorted(product(image_affixes, _affixes(mask_stems, enough)), key=_taken_off)
    paired: dict[str, str] = {}
    chosen = (Affix(), Affix())
    for pair in affixes:
        found = _paired(image_stems, mask_stems, *pair, all_of_them=True)
        if len(found) == len(image_stems):
            paired, chosen = found, pair
            break
    else:  # a million names are not often worth going through again
        for pair in affixes:
            found = _paired(image_stems, mask_stems, *pair)
            if len(found) > len(paired):
                paired, chosen = found, pair
    unused_masks = _others(mask_stems.values(), paired.values())
    return Pairing(sorted(paired.items()), *chosen, unused_masks, _others(image_stems.values(), paired))


def _others(names: Collection[str], paired: Collection[str]) -> list[str]:
    """The names that are not paired; no mask belongs to two images, since all names are made in the same way."""
    return [] if len(names) == len(paired) else sorted(set(names) - set(paired))


def _paired(
    images: dict[str, str], masks: dict[str, str], image_affix: Affix, mask_affix: Affix, all_of_them: bool = False
) -> dict[str, str]:
    """{image: mask} of the images that have one; as far as the first that has none, with ``all_of_them``."""
    found = {}
    for stem, image in images.items():
        shared = image_affix.strip(stem)
        mask = None if shared is None else masks.get(mask_affix.put(shared))
        if mask is not None:
            found[image] = mask
        elif all_of_them:
            break
    return found


def _taken_off(affixes: tuple[Affix, Affix]) -> int:
    return sum(len(affix.prefix) + len(affix.suffix) for affix in affixes)


def _stems(names: Sequence[str], folder: str) -> dict[str, str]:
    """{name without its suffix: name}."""
    stems = {_stem(name): name for name in names}
    if len(stems) == len(names):
        return stems
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        by_stem[_stem(name)].append(name)
    twice = next(found for found in by_stem.values() if len(found) > 1)
    raise DataError(f"{folder}: files that differ only in their suffix cannot be told apart: {some_of(twice)}")


def _stem(name: str) -> str:
    """The name without its suffix, as `os.path.splitext` gives it of files that are not hidden, in half the time."""
    dot = name.rfind(".")
    return name[:dot] if dot > name.rfind(os.sep) else name


def _affixes(stems: dict[str, str], enough: int) -> list[Affix]:
    """No affix, and those endings and beginnings, cut at ``_``, ``-`` or ``.``, that ``enough`` of the names have."""
    names = [stem[stem.rfind(os.sep) + 1 :] for stem in stems]
    if not names:
        return [Affix()]
    endings: Counter[str] = Counter()
    beginnings: Counter[str] = Counter()
    some = names[:: -(-len(names) // _MOST_NAMES)]
    for name in some:
        for match in re.finditer(r"[_.\-]", name):
            if match.start() > 0:
                endings[name[match.start() :]] += 1
            if match.end() < len(name):
                beginnings[name[: match.end()]] += 1
    suffixes = [""]
    others = len(names) - len(some)  # even if all of them have it, it may be too few
    for ending, count in endings.most_common(_MOST_AFFIXES):
        if others + count >= enough and enough <= _count(str.endswith, names, ending):
            suffixes.append(ending)
    prefixes = [""]
    for beginning, count in beginnings.most_common(_MOST_AFFIXES):
        if others + count >= enough and enough <= _count(str.startswith, names, beginning):
            prefixes.append(beginning)
    return [Affix(prefix, suffix) for prefix, suffix in product(prefixes, suffixes) if not (prefix and suffix)]


def _count(has: Callable[[str, str], bool], names: Sequence[str], affix: str) -> int:
    """How many names have the affix and something else."""
    return sum(map(has, names, repeat(affix))) - names.count(affix)
