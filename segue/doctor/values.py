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
from segue.masks.labels import ASK, IGNORE, UNLISTED, Mistake, covered_text, find_mistake, share_text
from segue.masks.meaning import meaning_of

_MOST_LISTED = 6
_MOST_IN_MAP = 32


def judge_values(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> list[Finding]:
    """Findings about the values of all masks together, as ids of classes that have names.

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
        return found
    problem = _binary(tally, rules, split, keys)
    if problem is None and rules.wrong(tally.pixels):
        problem = _out_of_range(tally, rules, split, keys)
    if problem is None:
        problem = _shifted(tally, rules, split, keys)
    if problem is not None:
        return [*found, problem]
    return found + deep_finding(tally, split)


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
    if rules.label_map or top <= 1:
        return None
    if not rules.wrong(values) and 1 in values:
        return _lost(tally, rules, split, keys)
    pixels = f"0 ({tally.pixels[0]:,} pixels) and {top} ({tally.pixels[top]:,})"
    if len(values) == 2:
        mapped = replace(rules, reduce_zero_label=False, void=IGNORE, label_map=((0, 0), (top, 1)))
        consequence = "255 would be ignored and class 1 never seen" if top == IGNORE else f"{top} is no class"
        return Finding(
            "binary-mask",
            "error",
            split,
            f"Binary masks: the only values are {pixels}; {consequence}.",
            files_with(tally, [top]),
            tally.images[top],
            fixes_for(rules, mapped, keys),
            (top,),
        )
    meaning = meaning_of(tally.pixels)
    if meaning.kind == "smoothed":
        assert meaning.label_map is not None
        after = replace(rules, reduce_zero_label=False, void=IGNORE, label_map=pairs_of(meaning.label_map))
        gray = [value for value in values if value not in (0, top)]
        files, count = files_with(tally, gray), max(tally.images[value] for value in gray)
        fixes = fixes_for(rules, after, keys, meaning.text)
        return Finding("smoothed-mask", "error", split, meaning.question, files, count, fixes, tuple(gray))
    return None


def _lost(tally: Tally, rules: Rules, split: str, keys: Sequence[str]) -> Finding | None:
    """Two classes, and nearly all that is not 0 is 255, which is ignored: the foreground perhaps."""
    if rules.void_given:
        return None
    meaning = meaning_of(tally.pixels)
    if meaning.kind not in ("strays", "smoothed"):
        return None
    question = f"{meaning.question} {meaning.line}"
    marked = (rules.void,)
    return Finding(
        "ignored-object", "warning", split, question, files_with(tally, marked), tally.images[255], (), marked
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
    reduced = rules.reduce_zero_label
    if unlisted := [value for value in wrong if rules.ids([value])[value] <= UNLISTED]:
        allowed = f"values in label_map, which makes the same id of another than {unlisted[0]}"
    if rules.label_map and not rules.chosen:
        mistake = _beside_map(tally, rules, wrong)
        after: Rules | None = replace(rules, label_map=pairs_of(mistake.settings["label_map"]))
    else:
        mistake = find_mistake(tally.pixels, count, rules.void, wrong=wrong, reduced=reduced, smooth=smooth)
        after = _remedied(rules, mistake.settings)
    advice = mistake.advice
    if after is not None and rules.chosen and after.label_map != rules.label_map:
        advice += " The dataset chooses from its classes already, so write one label_map for both and drop metainfo."
        after = None
    if after is not None and after.wrong(tally.pixels):
        after = None
    if after is None and advice.endswith(ASK):
        advice = advice.removesuffix(ASK) + "Say in label_map what each of them means."
    elif after is not None and rules.void in tally.pixels and after.ids([rules.void])[rules.void] == rules.ignore_index:
        share = share_text(tally.pixels[rules.void], sum(tally.pixels.values()))
        stays = f"{rules.void} ({tally.pixels[rules.void]:,} pixels, {share}) stays unlabeled."
        advice = f"{advice.removesuffix(ASK)}{stays} {ASK}" if advice.endswith(ASK) else f"{advice} {stays}"
    return Finding(
        mistake.kind,
        "error",
        split,
        f"{path}: value{'s' if len(wrong) > 1 else ''} {listed} "
        + (f"outside the {count} classes ({allowed}). " if not unlisted else f"outside the {allowed}. ")
        + advice,
        files_with(tally, wrong),
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


def _beside_map(tally: Tally, rules: Rules, wrong: Sequence[int]) -> Mistake:
    """Values that a label map leaves out: gray levels of a binary mask, or values to ignore."""
    assert rules.num_classes is not None and rules.label_map is not None
    meaning = meaning_of(tally.pixels) if min(tally.pixels) >= 0 else None
    if meaning is not None and meaning.kind == "smoothed" and rules.num_classes == 2 and not rules.reduce_zero_label:
        return Mistake("smoothed-mask", meaning.question, {"label_map": meaning.label_map}, meaning.text)
    mapped = dict(_mapped(rules, dict.fromkeys(wrong, IGNORE)).label_map or ())
    long = len(wrong) > _MOST_IN_MAP and not rules.reduce_zero_label
    text = f"{{value: {dict(rules.label_map)}.get(value, {IGNORE}) for value in {sorted(mapped)}}}"
    advice = f"{covered_text(tally.pixels, wrong, rules.num_classes)} {ASK}"
    return Mistake("out-of-range", advice, {"label_map": mapped}, text if long else "")


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
    before = dict(rules.label_map or ()) if not rules.chosen else {}
    return replace(rules, label_map=pairs_of({**before, **{value - shift: new for value, new in mapping.items()}}))


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
    files = files_with(tally, [0])
    fixes = fixes_for(rules, replace(rules, reduce_zero_label=False), keys)
    return Finding("off-by-one", "warning", split, message, files, tally.images[0], fixes, (0,))


def deep_finding(tally: Tally, split: str) -> list[Finding]:
    """A note on files of more than 8 bits whose values fit."""
    faults = tally.faults["deep"]
    if not faults.count:
        return []
    message = (
        f"More than 8 bits per pixel in {several(faults.count, 'mask')}. The values fit, so they work as they are."
    )
    return [Finding("16-bit-mask", "note", split, message, faults.files, faults.count)]


def files_with(tally: Tally, values: Sequence[int]) -> list[str]:
    """Masks that have these values, the first of each value before the second."""
    ranked = [(rank, path) for value in values for rank, (path, _) in enumerate(tally.examples.get(value, ()))]
    return list(dict.fromkeys(path for _, path in sorted(ranked)))[:12]
