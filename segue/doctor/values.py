"""What a set of mask values says: which mistake is likely, and the settings that mend it.

Every proposal is tried on the values before it is made: afterwards none is out of range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from segue.doctor.colors import judge_colors
from segue.doctor.findings import Finding, Fix, fix_at, several
from segue.doctor.rules import Rules, pairs_of
from segue.doctor.sources import Source
from segue.doctor.tally import Tally
from segue.masks.labels import IGNORE, find_mistake

_MOST_LISTED = 6


def judge_values(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> list[Finding]:
    """Findings about the values of all masks together.

    Args:
        tally: of all datasets with these rules.
        rules: how they read values.
        split: for the findings.
        keys: of these datasets in the config; empty for a folder.
    """
    found = judge_colors(tally, split)
    if not tally.pixels:
        return found
    if rules.num_classes is None:
        return found + _unnamed(tally, rules, split, keys)
    problem = _binary(tally, rules, split, keys)
    if problem is None and rules.wrong(tally.pixels):
        problem = _out_of_range(tally, rules, split, keys)
    if problem is None:
        problem = _shifted(tally, rules, split, keys)
    if problem is not None:
        return [*found, problem]
    return found + _deep(tally, split)


def judge_guessed(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> list[Finding]:
    """Gray levels along the borders of binary masks that were taken for classes, since nobody has named those."""
    if not _looks_gray(tally):
        return []
    two = replace(rules, classes=("background", "foreground"), label_map=None)
    found = _binary(tally, two, split, keys)
    return [found] if found else []


def _looks_gray(tally: Tally) -> bool:
    """Whether values lie all over 0..255; ids of classes are small, but for 255."""
    between = [value for value in tally.pixels if 0 < value < 255]
    return 255 in tally.pixels and len(between) > 1 and min(between) < 128 <= max(between)


def fixes_for(before: Rules, after: Rules, keys: Sequence[str], text: str = "") -> list[Fix]:
    """The settings that make one set of rules the other; ``text`` is the source of the label map."""
    fixes = []
    if after.reduce_zero_label != before.reduce_zero_label:
        fixes.append(fix_at(keys, "reduce_zero_label", after.reduce_zero_label))
    if after.void != before.void:
        fixes.append(fix_at(keys, "ignore_index", after.void))
    if after.label_map != before.label_map:
        fixes.append(fix_at(keys, "label_map", dict(after.label_map or ()), text))
    return fixes


def with_fixes(rules: Rules, fixes: Sequence[Fix]) -> Rules:
    """The rules with proposed settings."""
    for fix in fixes:
        name = fix.keys[0].rpartition(".")[2]
        if name == "reduce_zero_label":
            rules = replace(rules, reduce_zero_label=bool(fix.value))
        elif name == "ignore_index":
            rules = replace(rules, void=int(fix.value))
        elif name == "classes":
            rules = replace(rules, classes=tuple(fix.value))
        elif name == "label_map":
            rules = replace(rules, label_map=pairs_of(fix.value))
            if rules.classes is None:
                count = max(new for new in fix.value.values() if new != IGNORE) + 1
                names = ("background", "foreground") if count == 2 else tuple(f"class_{i}" for i in range(count))
                rules = replace(rules, classes=names)
    return rules


def judge_known(source: Source, split: str, keys: Sequence[str]) -> list[Finding]:
    """A setting that differs from what the dataset's files are known to mean."""
    if source.usual_zero is None or source.usual_zero == source.rules.reduce_zero_label:
        return []
    means = "unlabeled" if source.usual_zero else "the first class"
    message = f"reduce_zero_label={not source.usual_zero}, but in the files of {source.known} 0 means {means}."
    after = replace(source.rules, reduce_zero_label=source.usual_zero)
    return [Finding("off-by-one", "warning", split, message, [], 0, fixes_for(source.rules, after, keys))]


def _binary(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> Finding | None:
    """Masks of 0 and one large value where two classes are meant, whether 255 is refused or silently ignored."""
    values = sorted(tally.pixels)
    if rules.num_classes != 2 or values[0] != 0:
        return None
    top = values[-1]
    if top <= 1 or (1 in rules.ids(values).values() and not rules.wrong(values)):
        return None
    pixels = f"0 ({tally.pixels[0]:,} pixels) and {top} ({tally.pixels[top]:,})"
    if len(values) == 2:
        mapped = replace(rules, reduce_zero_label=False, void=IGNORE, label_map=((0, 0), (top, 1)))
        consequence = "255 would be ignored and class 1 never seen" if top == IGNORE else f"{top} is no class"
        return Finding(
            "binary-mask",
            "error",
            split,
            f"Binary masks: the only values are {pixels}; {consequence}.",
            _files(tally, [top]),
            tally.images[top],
            fixes_for(rules, mapped, keys),
            (top,),
        )
    if len(values) >= 4 and tally.pixels[0] + tally.pixels[top] >= 0.8 * sum(tally.pixels.values()) and top <= 255:
        return _gray_edges(tally, rules, split, keys, top)
    return None


def _gray_edges(tally: Tally, rules: Rules, split: str, keys: Sequence[str], top: int) -> Finding:
    half = top // 2
    text = f"{{value: int(value > {half}) for value in range({top + 1})}}"
    mapping = {value: int(value > half) for value in range(top + 1)}
    mapped = replace(rules, reduce_zero_label=False, void=IGNORE, label_map=pairs_of(mapping))
    between = sum(tally.pixels.values()) - tally.pixels[0] - tally.pixels[top]
    gray = [value for value in tally.pixels if value not in (0, top)]
    return Finding(
        "smoothed-mask",
        "error",
        split,
        f"Binary masks of 0 and {top} with {between:,} pixels of {len(gray)} values in between: they were smoothed, "
        f"resized with interpolation or saved as JPEG. Exporting again is best; the line below cuts at {half}.",
        _files(tally, gray),
        max(tally.images[value] for value in gray),
        fixes_for(rules, mapped, keys, text),
        tuple(gray),
    )


def _out_of_range(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> Finding:
    count = rules.num_classes
    assert count is not None
    wrong = rules.wrong(tally.pixels)
    path = tally.examples[wrong[0]][0][0]
    here = {value: tally.examples[value][0] for value in wrong}
    listed = ", ".join(_value(v, here[v][1] if here[v][0] == path else 0, tally) for v in wrong[:_MOST_LISTED])
    if len(wrong) > _MOST_LISTED:
        listed += f" and {len(wrong) - _MOST_LISTED} more values"
    allowed = f"0..{count - 1}" if not rules.reduce_zero_label else f"1..{count}, 0 for unlabeled"
    smooth = tally.faults["smooth"].count > 0
    mistake = find_mistake(tally.pixels, count, rules.void, wrong=wrong, reduced=rules.reduce_zero_label, smooth=smooth)
    advice, after = mistake.advice, _remedied(rules, mistake.settings)
    if after is not None and after.wrong(tally.pixels):
        after = None
    if after is not None and rules.label_map and after.label_map != rules.label_map:
        advice += " The dataset chooses from its classes already, so write one label_map for both and drop metainfo."
        after = None
    return Finding(
        mistake.kind,
        "error",
        split,
        f"{path}: value{'s' if len(wrong) > 1 else ''} {listed} outside the {count} classes ({allowed}). {advice}",
        _files(tally, wrong),
        max(tally.images[value] for value in wrong),
        fixes_for(rules, after, keys, mistake.source) if after is not None else (),
        tuple(wrong[:64]),
    )


def _value(value: int, here: int, tally: Tally) -> str:
    """``11 (7,980 pixels here, 2,801,266 in all 468 masks)``."""
    total, masks = tally.pixels[value], tally.images[value]
    if masks == 1 and here:
        return f"{value} ({total:,} pixels)"
    own = f"{here:,} pixels here, " if here else ""
    return f"{value} ({own}{total:,} in {'all ' if masks == tally.masks else ''}{several(masks, 'mask')})"


def _remedied(rules: Rules, settings: Mapping[str, Any]) -> Rules | None:
    """The rules with settings that mend a mistake; None for no settings."""
    if "label_map" in settings:
        return _mapped(rules, settings["label_map"])
    if "ignore_index" in settings:
        return replace(rules, void=settings["ignore_index"])
    return replace(rules, **settings) if settings else None


def _mapped(rules: Rules, mapping: Mapping[int, int]) -> Rules:
    """The rules with a label map; its keys are the values after 0 is taken away."""
    shift = 1 if rules.reduce_zero_label else 0
    return replace(rules, label_map=pairs_of({value - shift: new for value, new in mapping.items()}))


def _shifted(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> Finding | None:
    """``reduce_zero_label`` set although 0 is a class: the last class never occurs, and 0 is ignored."""
    count = rules.num_classes
    if not rules.reduce_zero_label or rules.label_map or count is None or 0 not in tally.pixels:
        return None
    values = [value for value in tally.pixels if value != rules.void]
    if max(values) != count - 1 or len(values) != count:
        return None
    message = (
        f"reduce_zero_label=True takes 0 for unlabeled ({tally.pixels[0]:,} pixels), but the values are exactly "
        f"0..{count - 1}, one for each of the {count} classes; the last class would never be seen."
    )
    files = _files(tally, [0])
    fixes = fixes_for(rules, replace(rules, reduce_zero_label=False), keys)
    return Finding("off-by-one", "warning", split, message, files, tally.images[0], fixes, (0,))


def _unnamed(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> list[Finding]:
    """Values where nobody has said how many classes there are."""
    values = sorted(value for value in tally.pixels if value != rules.void)
    if not values:
        return [Finding("all-ignored", "error", split, f"All pixels of all masks are {rules.void}, which is ignored.")]
    if values[0] < 0 and values[-1] >= 0 and len(values) <= 255 and not rules.reduce_zero_label:
        kept = [value for value in values if value >= 0]
        mapping = {value: IGNORE for value in values if value < 0} | {value: i for i, value in enumerate(kept)}
        message = f"Values from {values[0]}: negative ones usually mean unlabeled; the {len(kept)} others are classes."
        fixes = fixes_for(rules, replace(rules, label_map=pairs_of(mapping)), keys)
        files = _files(tally, values[:1])
        return [Finding("negative-value", "error", split, message, files, tally.images[values[0]], fixes)]
    if sorted(tally.pixels)[0] == 0:
        two = replace(rules, classes=("background", "foreground"))
        if len(tally.pixels) == 2 or _looks_gray(tally):
            problem = _binary(tally, two, split, keys)
            if problem is not None:
                return [problem]
    if tally.faults["smooth"].count and len(values) > 40:
        mended = find_mistake(tally.pixels, 2, rules.void, wrong=values, smooth=True).advice
        return [
            Finding("smoothed-mask", "error", split, mended, tally.faults["smooth"].files, tally.faults["smooth"].count)
        ]
    if values[0] == 1 and values == list(range(1, len(values) + 1)) and not rules.reduce_zero_label:
        message = f"The values run from 1 to {values[-1]} and 0 is not used: ids start at 1."
        fixes = fixes_for(rules, replace(rules, reduce_zero_label=True), keys)
        return [Finding("off-by-one", "error", split, message, _files(tally, values[-1:]), tally.masks, fixes)]
    if values != list(range(len(values))) and len(values) <= 255 and not rules.reduce_zero_label:
        after = replace(rules, label_map=pairs_of({value: i for i, value in enumerate(values)}))
        message = (
            f"{len(values)} values with gaps, {values[0]}..{values[-1]}. Numbered as they come they are classes "
            f"0..{len(values) - 1}; if there are classes that do not occur here, name them all in classes instead."
        )
        deep = "16-bit-mask" if values[-1] > 255 else "gaps"
        return [
            Finding(
                deep, "warning", split, message, _files(tally, values[-1:]), tally.masks, fixes_for(rules, after, keys)
            )
        ]
    message = f"{len(values)} classes, to go by the values {values[0]}..{values[-1]}. Name them in classes.txt."
    return [Finding("classes", "note", split, message), *_deep(tally, split)]


def _deep(tally: Tally, split: str) -> list[Finding]:
    faults = tally.faults["deep"]
    if not faults.count:
        return []
    message = (
        f"More than 8 bits per pixel in {several(faults.count, 'mask')}. The values fit, so they work as they are."
    )
    return [Finding("16-bit-mask", "note", split, message, faults.files, faults.count)]


def _files(tally: Tally, values: Sequence[int]) -> list[str]:
    """Masks that have these values, the first of each value before the second."""
    ranked = [(rank, path) for value in values for rank, (path, _) in enumerate(tally.examples.get(value, ()))]
    return list(dict.fromkeys(path for _, path in sorted(ranked)))[:12]
