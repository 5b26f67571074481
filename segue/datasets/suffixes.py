"""Images and masks told apart by the ends of their names, where they share a folder or one has several masks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from segue.datasets.scan import some_of
from segue.errors import DataError

#: Suffixes of files by how likely they are masks beside others.
_MASK_LIKE = (".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".png", ".gif", ".npy")
_ENDINGS = "_-."


def strip_end(name: str, end: str) -> str | None:
    """The name without an end, such as ``_mask.png`` or ``_mask``; None where it does not end so."""
    if name.lower().endswith(end.lower()):
        return name[: len(name) - len(end)]
    stem, suffix = os.path.splitext(name)
    return stem[: len(stem) - len(end)] if stem.lower().endswith(end.lower()) and suffix else None


def stems_by_end(names: Sequence[str], end: str | None, other: str | None, folder: str, what: str) -> dict[str, str]:
    """{name without its end: name} of the names that end so, and not rather like the ``other`` side.

    Raises:
        DataError: none does, or two of them differ only in what is cut off.
    """
    found: dict[str, str] = {}
    for name in names:
        stem = os.path.splitext(name)[0] if end is None else strip_end(name, end)
        others = None if other is None else strip_end(name, other)
        if not stem or (others is not None and (end is None or len(other or "") > len(end))):
            continue
        if stem in found:
            raise DataError(
                f"{folder}: {found[stem]} and {name} differ only in their suffix; say which {what} counts: "
                f"{what}_suffix='{os.path.splitext(name)[1]}'"
            )
        found[stem] = name
    if not found:
        raise DataError(f"{folder}: no {what} ends with {end!r}; the folder has {some_of(sorted(names)) or 'nothing'}")
    return found


def ends_in(names: Sequence[str], share: float = 0.9) -> tuple[str, str] | None:
    """(end of the images, end of the masks) of pictures in one folder, such as ``.jpg`` and ``_mask.png``.

    None where the names show no such pair.
    """
    by_suffix = Counter(os.path.splitext(name)[1] for name in names)
    there = set(names)
    stems = {os.path.splitext(name)[0]: name for name in names}
    best: tuple[int, tuple[str, str]] | None = None
    for end, _ in _endings(names).most_common(12):
        masks = [name for name in names if name.endswith(end)]
        bases = [name[: len(name) - len(end)] for name in masks]
        partners = [stems[base] for base in bases if base in stems]
        suffixes = Counter(os.path.splitext(name)[1] for name in partners)
        if len(partners) >= share * len(masks) and len(suffixes) == 1 and 2 * len(partners) >= share * len(names):
            rank = len(partners)
            if best is None or rank > best[0]:
                best = rank, (next(iter(suffixes)), end)
    if best is not None:
        return best[1]
    if len(by_suffix) != 2:
        return None
    image, mask = sorted(by_suffix, key=lambda suffix: _rank(suffix))
    both = sum(os.path.splitext(name)[0] + mask in there for name in names if name.endswith(image))
    return (image, mask) if both >= share * min(by_suffix.values()) and both else None


def families(names: Sequence[str], count: int) -> list[str]:
    """The ends of names, suffix included, that ``count`` of them or more have, where there are several such."""
    found = [end for end, number in _endings(names).items() if number >= count]
    return [end for end in found if not any(other != end and end.endswith(other) and other in found for other in found)]


def _rank(suffix: str) -> int:
    lower = suffix.lower()
    return _MASK_LIKE.index(lower) if lower in _MASK_LIKE else len(_MASK_LIKE)


def _endings(names: Sequence[str]) -> Counter[str]:
    """How many names have each end that begins at ``_``, ``-`` or ``.``."""
    found: Counter[str] = Counter()
    for name in names:
        base = os.path.basename(name)
        dot = base.rfind(".")
        found.update(base[i:] for i in range(1, dot) if base[i] in _ENDINGS)
    return found
