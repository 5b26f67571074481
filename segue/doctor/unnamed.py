"""What the values of masks say where nobody has named the classes, as findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segue.doctor.findings import Finding, Severity
from segue.doctor.rules import Rules, pairs_of
from segue.doctor.tally import Tally
from segue.doctor.values import deep_finding, files_with, fixes_for
from segue.masks.labels import IGNORE
from segue.masks.meaning import Meaning, meaning_of

_MOST = 255
_KINDS = {"binary": "binary-mask", "smoothed": "smoothed-mask", "strays": "stray-values"}


def judge_unnamed(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> list[Finding]:
    """Values where nobody has said how many classes there are."""
    values = sorted(value for value in tally.pixels if value != rules.void)
    if not values:
        return [Finding("all-ignored", "error", split, f"All pixels of all masks are {rules.void}, which is ignored.")]
    if values[0] < 0:
        return [_negative(tally, rules, values, split, keys)] if len(values) <= _MOST else []
    if rules.reduce_zero_label or (values[0] == 1 and values == list(range(1, len(values) + 1))):
        return _from_one(tally, rules, values, split, keys)
    meaning = meaning_of(tally.pixels, rules.void if rules.void_given or rules.void != IGNORE else None)
    if tally.faults["smooth"].count and len(values) > 40 and meaning.kind not in ("smoothed", "strays"):
        message = (
            f"{len(values)} values, most of them along borders: they were resized with interpolation or saved as JPEG. "
            "Export the labels again as PNG, resized with nearest-neighbor."
        )
        faults = tally.faults["smooth"]
        return [Finding("smoothed-mask", "error", split, message, faults.files, faults.count)]
    if meaning.kind == "ids":
        return _classes(tally, meaning, values, split)
    if len(meaning.classes) > _MOST:
        return _classes(tally, meaning, values, split)
    return [_asked(tally, rules, meaning, split, keys)]


def judge_guessed(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> list[Finding]:
    """What a dataset has read from the values by itself, where that is an answer to a question."""
    if rules.reduce_zero_label or not tally.pixels or min(tally.pixels) < 0:
        return []
    meaning = meaning_of(tally.pixels, rules.void if rules.void_given else None)
    if meaning.refused or rules.wrong(tally.pixels):
        return [_asked(tally, replace(rules, classes=None, label_map=None), meaning, split, keys)]
    if not meaning.question:
        return []
    kind = _KINDS.get(meaning.kind, "gaps" if meaning.label_map else "classes")
    return [Finding(kind, "note", split, meaning.question, [], tally.masks)]


def _asked(tally: Tally, rules: Rules, meaning: Meaning, split: str, keys: Sequence[str]) -> Finding:
    assert meaning.label_map is not None
    values = sorted(tally.pixels)
    message = meaning.question
    if meaning.kind == "binary":
        top = values[-1]
        message = (
            f"Binary masks: the only values are 0 ({tally.pixels[0]:,} pixels) and {top} ({tally.pixels[top]:,}); "
            + ("255 would be ignored and class 1 never seen." if top == IGNORE else f"{top} is no class.")
        )
    after = replace(rules, label_map=pairs_of(meaning.label_map))
    kind = "16-bit-mask" if values[-1] > 255 and meaning.kind == "gaps" else _KINDS.get(meaning.kind, "gaps")
    marked = [value for value in values if meaning.label_map.get(value) != value]
    severity: Severity = "error" if meaning.refused or meaning.kind == "binary" else "warning"
    files = files_with(tally, marked or values[-1:])
    fixes = fixes_for(rules, after, keys, meaning.text)
    return Finding(kind, severity, split, message, files, tally.masks, fixes, tuple(marked[:64]))


def _negative(tally: Tally, rules: Rules, values: Sequence[int], split: str, keys: Sequence[str]) -> Finding:
    kept = [value for value in values if value >= 0]
    mapping = {value: IGNORE for value in values if value < 0} | {value: i for i, value in enumerate(kept)}
    message = f"Values from {values[0]}: negative ones usually mean unlabeled; the {len(kept)} others are classes."
    fixes = fixes_for(rules, replace(rules, label_map=pairs_of(mapping)), keys) if kept else []
    files = files_with(tally, values[:1])
    return Finding("negative-value", "error", split, message, files, tally.images[values[0]], fixes)


def _from_one(tally: Tally, rules: Rules, values: Sequence[int], split: str, keys: Sequence[str]) -> list[Finding]:
    if rules.reduce_zero_label:
        return _classes(tally, Meaning("ids", None, ()), values, split)
    message = f"The values run from 1 to {values[-1]} and 0 is not used: ids start at 1."
    fixes = fixes_for(rules, replace(rules, reduce_zero_label=True), keys)
    return [Finding("off-by-one", "error", split, message, files_with(tally, values[-1:]), tally.masks, fixes)]


def _classes(tally: Tally, meaning: Meaning, values: Sequence[int], split: str) -> list[Finding]:
    message = f"{len(values)} classes, to go by the values {values[0]}..{values[-1]}. Name them in classes.txt."
    if meaning.question:
        message += f" {meaning.question}"
    return [Finding("classes", "note", split, message), *deep_finding(tally, split)]
