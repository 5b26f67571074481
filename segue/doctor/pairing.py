"""Images and masks of two folders, and which of them have no partner or too many."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from segue.datasets.pairs import closest_pairing
from segue.datasets.scan import read_split, some_of, walk_files
from segue.datasets.split_files import stems_of_list
from segue.datasets.suffixes import strip_end
from segue.doctor.findings import Finding, several
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.documents import annotation_files
from segue.masks.stacks import StackFiles


@dataclass
class Listing:
    """Pairs (image, mask or None), what is wrong with the list, and the files of multilabel masks by image."""

    pairs: Sequence[tuple[str, str | None]]
    findings: list[Finding]
    stacks: Mapping[str, StackFiles] = field(default_factory=dict)


def list_paired(
    images: str,
    masks: str,
    split: str,
    used: Collection[str] | None = None,
    suffixes: tuple[str, ...] = IMAGE_SUFFIXES,
    ends: tuple[str | None, str | None] = (None, None),
) -> Listing:
    """Pair two folders by name, as far as it goes.

    ``used`` are masks known to have an image: then only those without and doubles are looked for. ``suffixes`` are
    those of the masks, ``ends`` what the names of images and masks end with, where that is known.
    """
    findings: list[Finding] = []
    image_names, mask_names = _pictures(images), _pictures(masks, suffixes)
    if ends != (None, None):
        image_stems = {stem: name for name in image_names if (stem := _cut(name, *ends)) is not None}
        mask_stems = {stem: name for name in mask_names if (stem := _cut(name, ends[1], ends[0])) is not None}
    else:
        image_stems = _single(images, image_names, "image", split, findings)
        mask_stems = _single(masks, mask_names, "mask", split, findings)
    if used is not None:
        whole = {os.path.join(masks, name) for name in mask_stems.values()}
        findings += without_image(masks, sorted(whole - set(used)), split)
        return Listing([], findings)
    pairing = closest_pairing(image_stems, mask_stems, share=0.5)
    findings += _without_mask(images, masks, pairing.unused_images, len(image_stems), split)
    findings += without_image(masks, [os.path.join(masks, name) for name in pairing.unused_masks], split)
    pairs = [(os.path.join(images, image), os.path.join(masks, mask)) for image, mask in pairing.pairs]
    return Listing(pairs, findings)


def list_named(images: str, masks: str, suffixes: tuple[str, str], ann_file: str, split: str) -> Listing:
    """Pair two folders by exact suffixes; with a list of stems only those."""
    there, labels = set(walk_files(images)), set(walk_files(masks))
    findings: list[Finding] = []
    if ann_file:
        stems = stems_of_list(read_split(ann_file), there, suffixes[0])
        twice = sorted({stem for stem in stems if stems.count(stem) > 1}) if len(set(stems)) < len(stems) else []
        if twice:
            message = f"{ann_file}: {len(twice)} names are listed more than once: {some_of(twice)}"
            findings.append(Finding("duplicate", "warning", split, message, [], len(twice)))
        absent = [stem + suffixes[0] for stem in stems if os.path.normpath(stem + suffixes[0]) not in there]
        if absent:
            message = f"{images}: {len(absent)} of {len(stems)} images of {ann_file} are missing: {some_of(absent)}"
            findings.append(Finding("missing-image", "error", split, message, absent[:12], len(absent)))
        stems = [stem for stem in dict.fromkeys(stems) if os.path.normpath(stem + suffixes[0]) in there]
    else:
        stems = sorted(name.removesuffix(suffixes[0]) for name in there if name.endswith(suffixes[0]))
    alone = [stem + suffixes[0] for stem in stems if os.path.normpath(stem + suffixes[1]) not in labels]
    findings += _without_mask(images, masks, alone, len(stems), split)
    if not ann_file:
        named = {os.path.normpath(stem + suffixes[1]) for stem in stems}
        rest = sorted(name for name in labels if name.endswith(suffixes[1]) and name not in named)
        near = _neighbors([name.removesuffix(suffixes[1]) for name in rest], there, suffixes[0])
        findings += without_image(masks, [os.path.join(masks, name) for name in rest], split, near)
    lonely = set(alone)
    pairs = [
        (os.path.join(images, stem + suffixes[0]), os.path.join(masks, stem + suffixes[1]))
        for stem in stems
        if stem + suffixes[0] not in lonely
    ]
    return Listing(pairs, findings)


def _cut(name: str, end: str | None, other: str | None) -> str | None:
    """The name without its end; None of one that rather ends like the other side."""
    stem = os.path.splitext(name)[0] if end is None else strip_end(name, end)
    if other is not None and strip_end(name, other) is not None and (end is None or len(other) > len(end)):
        return None
    return stem or None


def _pictures(folder: str, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[str]:
    return annotation_files(walk_files(folder), suffixes)


def _single(folder: str, names: Sequence[str], what: str, split: str, findings: list[Finding]) -> dict[str, str]:
    """{stem: name}, one name each; stems with several are a finding."""
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        by_stem[os.path.splitext(name)[0]].append(name)
    twice = [found for found in by_stem.values() if len(found) > 1]
    if twice:
        message = (
            f"{folder}: {len(twice)} names have more than one {what} that differ only in the suffix: "
            f"{some_of([' and '.join(found) for found in twice])}. Which one counts? Move the others away"
        )
        files = [os.path.join(folder, name) for found in twice for name in found]
        findings.append(Finding(f"duplicate-{what}", "error", split, message, files[:12], len(twice)))
    return {stem: found[0] for stem, found in by_stem.items()}


def _without_mask(images: str, masks: str, alone: Sequence[str], count: int, split: str) -> list[Finding]:
    if not alone:
        return []
    message = (
        f"{images}: {len(alone)} of {count} images have no mask in {masks}: {some_of(alone)}. Add the masks, or list "
        "the images to use in a split file"
    )
    files = [os.path.join(images, name) for name in alone[:12]]
    return [Finding("missing-mask", "error", split, message, files, len(alone))]


def _neighbors(stems: Sequence[str], images: Collection[str], suffix: str) -> list[str]:
    """Images of these stems that end otherwise."""
    wanted = set(stems)
    return sorted(
        name
        for name in images
        if os.path.splitext(name)[0] in wanted and name.lower().endswith(IMAGE_SUFFIXES) and not name.endswith(suffix)
    )


def without_image(masks: str, alone: Sequence[str], split: str, near: Sequence[str] = ()) -> list[Finding]:
    """The finding about masks that belong to no image, if there are any; ``near`` are images with another suffix."""
    if not alone:
        return []
    names = [os.path.relpath(name, masks) for name in alone]
    message = f"{masks}: {several(len(alone), 'mask')} without an image: {some_of(names)}. Training passes them over"
    if near:
        message += (
            f"; {some_of(near)} {'is' if len(near) == 1 else 'are'} there with another suffix: FolderDataset takes any"
        )
    return [Finding("missing-image", "warning", split, message, list(alone[:12]), len(alone))]
