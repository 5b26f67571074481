"""Public datasets that a folder's name gives away: how many classes they have, and what in them means unlabeled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segue.datasets.cityscapes import CLASSES
from segue.datasets.scan import walk_files
from segue.doctor.layout import Layout
from segue.doctor.rules import Rules
from segue.masks.labels import IGNORE


@dataclass(frozen=True)
class Known:
    """A dataset: a pattern of its folder or file names, its number of classes or their names, whether 0 means unlabeled
    in its files, and what the values in them stand for where they are no class ids.
    """

    name: str
    pattern: str
    classes: int | tuple[str, ...]
    zero_is_void: bool = False
    label_map: tuple[tuple[int, int], ...] | None = None


#: The ids of Cityscapes' labels by its train id; all others of 0 to 33 are not evaluated.
_EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_IDS = tuple((i, _EVALUATED.index(i) if i in _EVALUATED else IGNORE) for i in range(34))
KNOWN = (
    Known(
        "CamVid",
        r"camvid",
        (
            *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car"),
            *("pedestrian", "bicyclist"),
        ),
    ),
    Known("ADE20K", r"ade20k|ade_(val|train)_\d+|adechallenge", 150, True),
    Known("Cityscapes (label ids)", r"_labelids\b", CLASSES, label_map=_IDS),
    Known("Cityscapes", r"_labeltrainids\b", CLASSES),
    Known("DRIVE", r"\bdrive\b|\d+_manual1\.gif", ("background", "vessel")),
)


def known_rules(layout: Layout, num_classes: int | None = None) -> tuple[Rules, tuple[str, bool | None]]:
    """What to expect of a folder's values: from the caller, a file of class names, or the folder's own name.

    Beside the rules, the public dataset that it seems to be and whether 0 means unlabeled in it.
    """
    if num_classes is not None:
        names = layout.classes if layout.classes and len(layout.classes) == num_classes else _numbered(num_classes)
        return Rules(names, label_map=layout.label_map), ("", None)
    if layout.classes:
        layout.notes.append(f"class names are taken from {layout.class_file}")
        return Rules(layout.classes, label_map=layout.label_map), ("", None)
    names_there = [
        layout.root.name,
        *(name for part in layout.parts if not part.mask_format for name in walk_files(layout.root / part.masks)[:1]),
    ]
    text = " ".join(names_there).lower()
    for known in KNOWN:
        if re.search(known.pattern, text):
            classes = known.classes if isinstance(known.classes, tuple) else _numbered(known.classes)
            layout.notes.append(
                f"the names suggest {known.name}, which has {len(classes)} classes; --num-classes overrides"
            )
            return Rules(classes, label_map=known.label_map), (known.name, known.zero_is_void)
    return Rules(), ("", None)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"class_{i}" for i in range(count))
