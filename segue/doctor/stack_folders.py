"""Folders with a mask per class, recognized without being told: ``masks/<class>/<image>.png`` and
``masks/<image>_<class>.png``.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from segue.datasets.find_stacks import FoundStacks, find_stacks
from segue.datasets.multilabel import stems_of
from segue.datasets.scan import walk_files
from segue.doctor.facts import label_pixels
from segue.errors import SegueError
from segue.images.read import IMAGE_SUFFIXES
from segue.masks.decode import read_mask

#: What `Part.mask_format` says of such a folder.
MULTILABEL = "multilabel"
_LOOKED_AT = 12


def find_stack_folder(root: Path, images: str, masks: str) -> str | None:
    """The folder that holds a mask per class of the same images, if ``masks``, relative to ``root``, is it or lies in
    it; else None.

    At least two classes have a mask for half of the images each, and the masks hold 0 and one other value.
    """
    pictures = [name for name in walk_files(root / images) if name.lower().endswith(IMAGE_SUFFIXES)]
    stems = stems_of(pictures)
    parent = os.path.dirname(masks)
    for folder, layout in ((parent, "folders"), (masks, "suffixes")):
        if not folder or Path(images).is_relative_to(folder):
            continue
        try:
            found = find_stacks(str(root / folder), stems, None, layout)
        except SegueError:
            continue
        if _plausible(found, len(stems)):
            return folder
    return None


def _plausible(found: FoundStacks, images: int) -> bool:
    count = Counter(name for files in found.files.values() for name in files)
    if len(count) < 2 or any(2 * number < images for number in count.values()):
        return False
    paths = [path for files in found.files.values() for path in files.values()]
    try:
        return all(_is_binary(path) for path in paths[:: -(-len(paths) // _LOOKED_AT)])
    except SegueError:
        return False


def _is_binary(path: str) -> bool:
    values = list(label_pixels(read_mask(path)))
    return len(values) <= 2 and values[0] == 0
