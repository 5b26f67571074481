"""Which folders of a folder that nobody has described hold images, and which their masks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segue.datasets.scan import walk_files
from segue.datasets.suffixes import ends_in, families
from segue.doctor.folder_names import IMAGES, MASKS, looks_unlike_labels, rank, split_of
from segue.doctor.pairing import list_paired
from segue.doctor.stack_folders import MULTILABEL
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.formats import split_format


@dataclass
class Part:
    """The folders of one split, relative to the root, the file that lists its names, if there is one, and the format
    of masks that are no pictures.
    """

    split: str
    images: str
    masks: str
    listed: str | None = None
    mask_format: str | Mapping[str, Any] | None = None
    image_suffix: str | None = None
    mask_suffix: str | None = None

    @property
    def format(self) -> str | None:
        """The name of the format of masks that are no pictures of ids."""
        if self.mask_format in (None, MULTILABEL):
            return None if self.mask_format is None else MULTILABEL
        return split_format(self.mask_format)[0]


def guess(root: Path, notes: list[str]) -> list[Part]:
    """The parts that names and pairs show; ``notes`` gets what else could be meant."""
    folders = sorted({os.path.dirname(name) for name in walk_files(root) if name.lower().endswith(IMAGE_SUFFIXES)})
    plain = [folder for folder in folders if not looks_unlike_labels(folder)]
    return _among(root, plain, notes) or _among(root, folders, notes) or _beside(root, folders)


def _among(root: Path, folders: Sequence[str], notes: list[str]) -> list[Part]:
    """The folders of masks that have images of their own."""
    ranked = [(place, folder) for folder in folders if (place := rank(folder, MASKS)) is not None]
    pictures = [folder for folder in folders if rank(folder, MASKS) is None or rank(folder, IMAGES) is not None]
    found: list[Part] = []
    for _, masks in sorted(ranked):
        split = split_of(masks)
        fitting = [
            folder
            for folder in pictures
            if folder != masks and split_of(folder) == split and _pairs(root, folder, masks)
        ]
        if not fitting:
            continue
        near = max(_shared(folder, masks) for folder in fitting)
        fitting = [folder for folder in fitting if _shared(folder, masks) == near]
        images = min(fitting, key=lambda folder: (rank(folder, IMAGES) is None, rank(folder, IMAGES) or 0, folder))
        taken = next((part for part in found if part.images == images), None)
        if taken is not None:
            notes.append(f"{masks} also pairs with {images}; {taken.masks} is taken. --images and --masks choose")
            continue
        part = Part(split, images, masks)
        part.mask_suffix = _chosen_family(root, part, notes)
        found.append(part)
    found = _lifted(root, found)
    if any(part.split != "all" for part in found):
        found = [part for part in found if part.split != "all"]
    return found


def _shared(first: str, second: str) -> int:
    """How many parts at their end and their beginning two paths have in common: ``city/images`` and ``city/masks``."""
    one, two = Path(first).parts, Path(second).parts
    same = [a == b for a, b in zip(one, two, strict=False)]
    ends = [a == b for a, b in zip(reversed(one), reversed(two), strict=False)]
    return next((i for i, equal in enumerate(same) if not equal), len(same)) + next(
        (i for i, equal in enumerate(ends) if not equal), len(ends)
    )


def _lifted(root: Path, parts: Sequence[Part]) -> list[Part]:
    """Parts of several cities or patients as one: ``gtFine/train/aachen`` and its like are ``gtFine/train``."""
    found: dict[tuple[str, str], Part] = {}
    for part in parts:
        images, masks = Path(part.images), Path(part.masks)
        while images.name == masks.name and images.parent != masks.parent and split_of(images.name) == "all":
            images, masks = images.parent, masks.parent
        above = replace(part, images=str(images), masks=str(masks))
        same = (above.images, above.masks) == (part.images, part.masks)
        kept = part if same or not _pairs(root, above.images, above.masks) else above
        found.setdefault((kept.images, kept.masks), kept)
    return list(found.values())


def _beside(root: Path, folders: Sequence[str]) -> list[Part]:
    """Folders that hold images and masks, told apart by the ends of their names."""
    found = []
    for folder in folders:
        names = [name for name in walk_files(root / folder) if os.sep not in name]
        ends = ends_in([name for name in names if name.lower().endswith(IMAGE_SUFFIXES)])
        if ends is not None:
            at = folder or "."
            found.append(Part(split_of(folder), at, at, image_suffix=ends[0], mask_suffix=ends[1]))
    if any(part.split != "all" for part in found):
        found = [part for part in found if part.split != "all"]
    return found


def _chosen_family(root: Path, part: Part, notes: list[str]) -> str | None:
    """The end of the masks where each image has several, as Cityscapes has ids, colors and instances."""
    images = [name for name in walk_files(root / part.images) if name.lower().endswith(IMAGE_SUFFIXES)]
    masks = [name for name in walk_files(root / part.masks) if name.lower().endswith(IMAGE_SUFFIXES)]
    if len(images) < 2 or len(masks) < 2 * len(images):
        return None
    ends = families(masks, len(images))
    if len(ends) < 2:
        return None
    best = min(ends, key=lambda end: ("trainid" not in end.lower(), looks_unlike_labels(end), len(end), end))
    others = ", ".join(end for end in ends if end != best)
    notes.append(f"{part.masks}: masks that end with {best} are taken, not {others}. --mask-suffix chooses")
    return best


def _pairs(root: Path, images: str, masks: str) -> bool:
    """Whether at least half of the images have a mask there."""
    listing = list_paired(str(root / images), str(root / masks), "")
    count = sum(name.lower().endswith(IMAGE_SUFFIXES) for name in walk_files(root / images) if os.sep not in name)
    return bool(listing.pairs) and 2 * len(listing.pairs) >= count
