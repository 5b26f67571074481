"""What the values of multilabel masks say, all masks of a dataset together."""

from __future__ import annotations

from collections.abc import Sequence

from segue.doctor.findings import Finding, fix_at
from segue.doctor.sources import Source
from segue.doctor.tally import Tally
from segue.masks.labels import IGNORE

_MANY = 6  # more values than that without a meaning are no codes but gray levels


def judge_stacks(source: Source, tally: Tally, split: str, keys: Sequence[str]) -> list[Finding]:
    """What the values of all masks together say."""
    files = next(iter(source.stacks.values()))
    values = sorted(tally.raw)
    wrong = files.meaningless(values)
    found = []
    if wrong:
        found.append(_wrong_values(tally, values, wrong, split, keys))
    elif files.void == IGNORE and set(values) == {0, IGNORE}:
        message = (
            f"Masks of 0 and 255 ({tally.raw[IGNORE]:,} pixels), and ignore_index=255 says that 255 is unknown; no "
            "class would ever be seen."
        )
        fix = fix_at(keys, "ignore_index", None)
        found.append(Finding("binary-mask", "error", split, message, [], tally.masks, [fix], (IGNORE,)))
    elif tally.masks and not tally.overlap and len(tally.pixels) > 1:
        message = "No pixel has two classes; labels=dict(kind='multiclass') would say as much, with one mask per image."
        found.append(Finding("no-overlap", "note", split, message))
    return found


def propose_absent(source: Source, tally: Tally) -> None:
    """Where every mask that is there shows its class, a missing one probably means that there is none."""
    for finding in source.findings:
        shown = all(tally.images[k] == tally.pairs - count for k, count in tally.absent.items())
        if finding.kind == "missing-mask" and shown and not finding.fixes:
            finding.fixes = [fix_at(source.keys, "missing", "absent")]
            finding.message += ". Every mask that is there shows its class, which speaks for the first"


def _wrong_values(
    tally: Tally, values: Sequence[int], wrong: Sequence[int], split: str, keys: Sequence[str]
) -> Finding:
    """Values that mean neither yes nor no: gray levels along borders, another number for yes, or one for unknown."""
    listed = ", ".join(f"{value} ({tally.raw[value]:,} pixels)" for value in wrong[:_MANY])
    kind, text = "out-of-range", ""
    if len(wrong) > _MANY:
        half, top = values[-1] // 2, values[-1]
        kind, listed = "smoothed-mask", f"{listed} and {len(wrong) - _MANY} more"
        advice = f"They were smoothed or saved as JPEG; exporting again is best, the line below cuts at {half}."
        text = f"{{value: int(value > {half}) for value in range({top + 1})}}"
        mapping = {value: int(value > half) for value in range(top + 1)}
    elif len(values) == 2 and values[0] == 0:
        advice = f"{wrong[0]} is the only other value, so it means yes."
        mapping = {wrong[0]: 1}
    else:
        advice = "To leave such pixels out of the class:"
        mapping = dict.fromkeys(wrong, IGNORE)
    fixes = [fix_at(keys, "label_map", mapping, text)] if values[-1] <= 255 else []
    message = f"Values {listed} in masks of a class, which hold 0 for no and 1 or 255 for yes. {advice}"
    return Finding(kind, "error", split, message, [], tally.pairs, fixes, tuple(wrong[:64]))
