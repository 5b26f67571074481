"""A stated split where a folder has none: deterministic, and images that belong together stay together."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Of the images so many are kept for validation, as near as whole groups allow.
SHARE = 0.2
#: With fewer groups than this the validation would rest on one or two scenes that may be like nothing else.
LEAST_GROUPS = 4


@dataclass(frozen=True)
class Splitting:
    """Names of the images of each share, the files to list them in, and what is said of it."""

    train: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    files: tuple[Path, Path] = (Path(), Path())
    said: str = ""

    def write(self) -> None:
        """Write the lists, if there are any."""
        for path, names in zip(self.files, (self.train, self.val), strict=True):
            if names:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def divide(names: Sequence[str], lists: Path) -> Splitting:
    """Divide the images of a folder for training and validation.

    A name's place depends on the names alone, not on their order, the machine or a seed.

    Args:
        names: of the images, relative to their folder.
        lists: a path without ending, to which ``_train.txt`` and ``_val.txt`` are added.
    """
    names = sorted(name.replace(os.sep, "/") for name in names)
    if len(names) < 2:
        return Splitting(said="There is one image only: validation measures what was trained, which says little.")
    how, groups = groups_of(names)
    wanted = max(1, round(SHARE * len(names)))
    val: list[str] = []
    for key in sorted(groups, key=lambda key: hashlib.blake2b(key.encode("utf-8", "surrogateescape")).digest()):
        # what comes nearest to the share, with at least one group on either side
        size = len(groups[key])
        nearer = not val or abs(len(val) + size - wanted) < abs(len(val) - wanted)
        if nearer and len(val) + size < len(names):
            val += groups[key]
    chosen = set(val)
    train = tuple(name for name in names if name not in chosen)
    files = (lists.with_name(f"{lists.name}_train.txt"), lists.with_name(f"{lists.name}_val.txt"))
    one = f"{len(chosen)} of {len(names)} images are kept for validation"
    said = f"There was no split: {one}, {how}; see {files[1]}."
    return Splitting(train, tuple(name for name in names if name in chosen), files, said)


def groups_of(names: Sequence[str]) -> tuple[str, dict[str, list[str]]]:
    """How the names tell what belongs together, and the names by group; each alone where they do not tell.

    Tried in this order: the folder; the name without its last number and what follows it (``patient3_slice12``); what
    stands before the first ``_``, ``-`` or space. One tells if it makes `LEAST_GROUPS` groups or more of which most
    have two images or more.
    """
    ways: list[tuple[str, Callable[[str], str]]] = [
        ("by folder", os.path.dirname),
        ("by what the names say before their last number", _before_last_number),
        ("by the beginning of the names", lambda name: re.split(r"[_\- .]", _stem(name))[0]),
    ]
    for how, key in ways:
        groups: dict[str, list[str]] = defaultdict(list)
        for name in names:
            groups[key(name)].append(name)
        several = sum(len(group) > 1 for group in groups.values())
        even = 2 * several > len(groups) and max(map(len, groups.values())) <= len(names) / 2
        if len(groups) >= LEAST_GROUPS and even:
            return f"whole groups of {len(groups)}, {how}", dict(groups)
    return "each by its name", {name: [name] for name in names}


def _stem(name: str) -> str:
    return os.path.splitext(os.path.basename(name))[0]


def _before_last_number(name: str) -> str:
    match = re.match(r"(.*\D)?\d+\D*$", _stem(name))
    return (match[1] or "") if match else name
