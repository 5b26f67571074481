"""What the values of masks mean that nobody has named: ids, a binary mask, gray levels that stand for classes.

A value is void only where something says so: ``ignore_index``, or the custom of 255 beside ids 0, 1, 2 ... What the
values alone cannot tell is a question, with the pixels of each value, and never an answer in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from segue.masks.labels import IGNORE, share_text

Kind = Literal["ids", "binary", "smoothed", "levels", "gaps", "strays"]
#: Values that hold less than this of the pixels between black and white are no classes of their own.
_STRONG = 0.005
_MOST_LEVELS = 17
#: 255 beside ids with a gap is more likely a class if it has more of the pixels than this.
_MUCH = 0.1
_LISTED = 32


@dataclass(frozen=True)
class Meaning:
    """A reading of the values.

    Attributes:
        kind: ``ids`` 0..n-1; ``binary`` 0 and one other; ``smoothed`` binary with gray borders; ``levels`` evenly
            spread gray values; ``gaps`` ids with gaps; ``strays`` a few pixels beside what the others plainly are.
        label_map: {value: class id, or `IGNORE`}; None where values are ids as they are.
        classes: names.
        text: source of the map, where that is shorter.
        question: what is to be decided, with counts; empty where nothing is.
        refused: whether somebody has to decide before the masks can be used.
    """

    kind: Kind
    label_map: dict[int, int] | None
    classes: tuple[str, ...]
    text: str = ""
    question: str = ""
    refused: bool = False

    @property
    def line(self) -> str:
        """The setting that says so."""
        return f"label_map={self.text or self.label_map}"


def meaning_of(counts: Mapping[int, int], void: int | None = None) -> Meaning:
    """The likeliest meaning of the values of all masks together.

    Args:
        counts: pixels per value, none negative.
        void: the value that the user calls unlabeled; None if nobody has said so.
    """
    used = {value: counts[value] for value in sorted(counts) if value != void}
    values = list(used)
    if len(values) == 2 and values[0] == 0 and values[1] > 1:
        return Meaning("binary", {0: 0, values[1]: 1}, ("background", "foreground"))
    if looks_smoothed(used):
        return _smoothed(used)
    strays = _weak(used)
    strong = [value for value in values if value not in strays]
    if _even(strong) and min(used[value] for value in strong) >= _STRONG * sum(used.values()):
        return _levels(used, strong, strays)
    ids = [value for value in values if value != IGNORE]
    custom = void is None and IGNORE in used and bool(ids)
    if custom and sum(used[value] for value in ids if value) * 10 <= used[IGNORE] and used.get(0, 0) > used[IGNORE]:
        return _stray_ids(used, [value for value in ids if value])
    if not custom or ids[-1] > 2 * len(ids) + 32:
        return _ids(used, values, "")
    return _ids(used, ids, void_text(used))


def looks_smoothed(counts: Mapping[int, int]) -> bool:
    """Whether a binary mask was resized, drawn with soft borders or saved as JPEG: black, values up to the top, and
    none of those between that stands out.
    """
    values = sorted(counts)
    top = values[-1] if values else 0
    if len(values) < 4 or values[0] != 0 or not 64 <= top <= 255:
        return False
    between = values[1:-1]
    if not min(between) < top / 2 <= max(between) or _is_run([value for value in values if value != IGNORE]):
        return False
    dark = sum(n for value, n in counts.items() if value < top / 4)
    light = sum(n for value, n in counts.items() if value > top * 3 / 4)
    middle = sum(counts.values()) - dark - light
    return dark > middle < light and counts[0] >= 0.1 * sum(counts.values()) and not _peaks(counts, top)


def void_text(counts: Mapping[int, int]) -> str:
    """``255 (12 pixels, 3.0 %) counts as unlabeled ...``."""
    return f"{_counted(IGNORE, counts)} counts as unlabeled, as is usual beside ids"


def _is_run(values: Sequence[int]) -> bool:
    """Whether they are ids 0, 1, 2 ...; gray levels reach farther."""
    return list(values) == list(range(len(values))) and len(values) < 200


def _peaks(counts: Mapping[int, int], top: int) -> list[int]:
    """Values between black and white that stand out: a few hold nearly all the pixels there."""
    between = {value: n for value, n in counts.items() if top / 8 < value < top * 7 / 8}
    whole = sum(between.values())
    if whole < _STRONG * sum(counts.values()):
        return []
    found: list[int] = []
    for value in sorted(between, key=lambda value: -between[value]):
        if sum(between[one] for one in found) >= 0.9 * whole:
            break
        found.append(value)
    return sorted(found) if len(found) <= max(2 if len(between) == 2 else 1, len(between) // 4) else []


def _weak(counts: Mapping[int, int]) -> list[int]:
    """A few pixels beside black, white and gray levels that stand out."""
    values = sorted(counts)
    top = values[-1] if values else 0
    if not 64 <= top <= 255 or values[0] != 0:
        return []
    strong = {0, top, *_peaks(counts, top)}
    weak = [value for value in values if value not in strong]
    few = sum(counts[value] for value in weak) <= 0.1 * min(counts[value] for value in strong)
    return weak if len(strong) > 2 and few else []


def _even(values: Sequence[int]) -> bool:
    """Whether three or more values are evenly spread from 0, but farther apart than ids."""
    count = len(values)
    if not 3 <= count <= _MOST_LEVELS or values[0] != 0 or values[-1] < 10 * (count - 1):
        return False
    return all(abs(value - i * values[-1] / (count - 1)) <= 2 for i, value in enumerate(values))


def _smoothed(counts: Mapping[int, int]) -> Meaning:
    top = max(counts)
    cut = 127 if top >= 192 else top // 2
    between = {value: n for value, n in counts.items() if value not in (0, top)}
    question = (
        f"Binary masks of 0 and {top} with {sum(between.values()):,} pixels of {len(between)} values in between: they "
        f"were smoothed, resized with interpolation or saved as JPEG. Exporting again is best; the line below cuts at "
        f"{cut}."
    )
    mapping = {value: int(value > cut) for value in range(top + 1)}
    text = f"{{value: int(value > {cut}) for value in range({top + 1})}}"
    return Meaning("smoothed", mapping, ("background", "foreground"), text, question, True)


def _levels(counts: Mapping[int, int], strong: Sequence[int], strays: Sequence[int]) -> Meaning:
    listed = ", ".join(_counted(value, counts) for value in strong)
    question = f"The values {listed} are evenly spread: are they {len(strong)} classes? The line below says so."
    if IGNORE in strong:
        question += f" If {IGNORE} means unlabeled: ignore_index={IGNORE}."
    mapping = {value: i for i, value in enumerate(strong)}
    names = tuple(f"class_{value}" for value in strong)
    if not strays:
        return Meaning("levels", mapping, names, "", question)
    some = ", ".join(f"{value} ({counts[value]:,})" for value in strays[:6]) + " ..." * (len(strays) > 6)
    question += (
        f" Besides, {sum(counts[value] for value in strays):,} pixels have {len(strays)} other values: {some}; the "
        "line ignores them."
    )
    mapping |= dict.fromkeys(strays, IGNORE)
    return Meaning("strays", mapping, names, _text(mapping, strong), question, True)


def _text(mapping: Mapping[int, int], strong: Sequence[int]) -> str:
    """A shorter source of a long map: whatever is no level is ignored."""
    if len(mapping) <= _LISTED:
        return ""
    levels = {value: mapping[value] for value in strong}
    return f"{{value: {levels}.get(value, {IGNORE}) for value in {sorted(mapping)}}}"


def _stray_ids(counts: Mapping[int, int], strays: Sequence[int]) -> Meaning:
    some = ", ".join(_counted(value, counts) for value in strays[:6]) + " ..." * (len(strays) > 6)
    question = (
        f"Masks of {_counted(0, counts)} and {_counted(IGNORE, counts)} with a few pixels of other values: {some}. Is "
        f"{IGNORE} the foreground, and the others are mistakes? The line below says so and ignores them. If {IGNORE} "
        f"means unlabeled and the others are classes: ignore_index={IGNORE}."
    )
    mapping = {0: 0, IGNORE: 1} | dict.fromkeys(strays, IGNORE)
    return Meaning("strays", mapping, ("background", "foreground"), "", question, True)


def _ids(counts: Mapping[int, int], values: Sequence[int], void: str) -> Meaning:
    """Ids 0..n-1, or with gaps; ``void`` says what 255 is taken for."""
    names = tuple(f"class_{value}" for value in values)
    if list(values) == list(range(len(values))):
        more = f"{void}. If it is a class: label_map={{{IGNORE}: {len(values)}}} and a name for it." if void else ""
        return Meaning("ids", None, names, "", more)
    first = f"{len(values)} values with gaps, {values[0]}..{values[-1]}. Numbered as they come they are classes 0.."
    question = f"{first}{len(values) - 1}; if there are classes that do not occur here, name them all in classes."
    share = counts.get(IGNORE, 0) / max(1, sum(counts.values()))
    if not void:
        if IGNORE in values:
            question += f" {_counted(IGNORE, counts)} is one of them. If it means unlabeled: ignore_index={IGNORE}."
        return Meaning("gaps", {value: i for i, value in enumerate(values)}, names, "", question)
    if share <= _MUCH:
        return Meaning("gaps", {value: i for i, value in enumerate(values)}, names, "", f"{question} {void}.")
    every = [*values, IGNORE]
    question += (
        f" Is {_counted(IGNORE, counts)} a class or unlabeled? The line below makes it a class; ignore_index={IGNORE} "
        "says that it is unlabeled."
    )
    mapping = {value: i for i, value in enumerate(every)}
    return Meaning("gaps", mapping, (*names, f"class_{IGNORE}"), "", question, True)


def _counted(value: int, counts: Mapping[int, int]) -> str:
    return f"{value} ({counts[value]:,} pixels, {share_text(counts[value], sum(counts.values()))})"
