"""What the names of folders say: images or masks, and of which split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

#: Names of folders of masks, the likeliest first: ``mask`` may also be a field of view, as in DRIVE.
MASKS = (
    *("segmentationclass", "1st_manual", "trainannot", "annotations", "ann_dir", "annot", "annots", "ann", "gtfine"),
    *("gtcoarse", "groundtruth", "groundtruths", "ground_truth", "ground_truths", "gt", "gts", "labels", "labels_mask"),
    *("label", "lbl", "lbls", "segmentations", "segmentation", "segs", "seg", "masks", "msks", "msk", "mask", "manual"),
    *("y", "targets", "target"),
)
IMAGES = (
    *("jpegimages", "images", "img_dir", "imgs", "leftimg8bit", "image", "img", "photos", "pictures", "rgb", "input"),
    *("inputs", "imgs_dir", "pics", "tiles", "scenes", "x"),
)
SPLITS = {"train": "train", "training": "train", "tr": "train", "val": "val", "valid": "val", "validation": "val"}
SPLITS |= {"dev": "val", "test": "test", "testing": "test", "ts": "test", "eval": "val"}
_LONG = ("training", "train", "validation", "valid", "val", "testing", "test")  # that may be joined with another word
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NOT_LABELS = re.compile(r"visual|color|colour|preview|overlay|instance|segmentationobject", re.IGNORECASE)


def rank(folder: str, words: Sequence[str]) -> int | None:
    """How early a part of the path is among the words, as a whole or as one of its own words; None for none."""
    found = {word for part in Path(folder).parts for word in words_of(part)}
    return next((place for place, word in enumerate(words) if word in found), None)


def split_of(folder: str) -> str:
    """``train``, ``val`` or ``test`` by the first part that says so; else ``all``."""
    found = [SPLITS[word] for part in Path(folder).parts for word in words_of(part) if word in SPLITS]
    return found[0] if found else "all"


def looks_unlike_labels(folder: str) -> bool:
    """Whether its name is that of pictures made of labels, or of other labels."""
    return bool(_NOT_LABELS.search(folder))


@lru_cache(maxsize=65536)
def words_of(part: str) -> tuple[str, ...]:
    """``imagesTr``: imagestr, images, tr; ``testannot``: testannot, test, annot."""
    found = [part.lower()]
    for word in _WORDS.findall(part):
        word = word.lower()
        found.append(word)
        for split in _LONG:
            rest = word.removeprefix(split) if word.startswith(split) else word.removesuffix(split)
            if rest != word and rest in (*MASKS, *IMAGES):
                found += [split, rest]
                break
    found.append(re.sub(r"[_\-. ]*\d+$", "", part.lower()))
    return tuple(dict.fromkeys(found))
