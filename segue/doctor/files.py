"""Findings about files: those that cannot be read, sizes that differ, the same picture in two places, empty classes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import combinations

from segue.datasets.scan import some_of
from segue.doctor.findings import Finding, Fix, Severity, several
from segue.doctor.rules import Rules
from segue.doctor.sources import Source
from segue.doctor.tally import Faults, Tally

_KINDS = {
    "corrupt-image": "{count} cannot be read: {text}",
    "corrupt-mask": "{count} cannot be used: {text}",
    "size": "{count} of another size than the image: {path}: {text}",
}


def judge_files(tally: Tally, split: str) -> list[Finding]:
    """Files that cannot be used, and pictures that occur twice within the split."""
    found = []
    for kind, form in _KINDS.items():
        faults = tally.faults.get(kind)
        if faults:
            found.append(Finding(kind, "error", split, _filled(form, kind, faults), faults.files, faults.count))
    twice = [paths for paths in tally.digests.values() if len(set(paths)) > 1]
    if twice:
        message = (
            f"The same pixels under several names, {several(len(twice), 'time')}: "
            f"{some_of([' = '.join(_short(paths)) for paths in twice], 2)}"
        )
        found.append(
            Finding("duplicate", "warning", split, message, [p for paths in twice for p in paths][:12], len(twice))
        )
    same = [paths for paths in tally.mask_digests.values() if len(set(paths)) > 1]
    if tally.masks > 2 and len(same) == 1 and len(tally.mask_digests) == 1 and len(tally.digests) > 1:
        message = f"All {tally.masks} masks are identical, though the images are not. Are these the labels?"
        found.append(Finding("identical-masks", "warning", split, message, same[0], tally.masks))
    return found


def turned_fixes(source: Source, tally: Tally) -> list[Fix]:
    """The setting that reads images as they are stored, where that gives every mask the size of its image."""
    faults = tally.faults.get("size")
    if not faults or faults.count != tally.turned or source.color_type != "color":
        return []
    keys = [
        f"{key}.pipeline.{i}.color_type"
        for key, steps in source.pipelines.items()
        for i, step in enumerate(steps)
        if str(step.get("type", "")).rpartition(".")[2] == "LoadImageFromFile"
    ]
    return [Fix(tuple(keys) or ("color_type",), "color_ignore_orientation")]


def _filled(form: str, kind: str, faults: Faults) -> str:
    what = "image" if kind == "corrupt-image" else "mask"
    count = several(faults.count, what)
    path, text = faults.some[0]
    return form.format(count=count, path=path, text=text)


def judge_classes(tally: Tally, rules: Rules, split: str, trained: set[int] | None) -> list[Finding]:
    """Classes that never occur, and masks without a single label.

    ``trained`` are the classes of the training split, for another split; there only classes that training lacks
    matter.
    """
    count = rules.num_classes
    if not count or not tally.pixels or rules.wrong(tally.pixels):
        return []
    seen = {new for new in rules.ids(tally.pixels).values() if new != rules.ignore_index}
    assert rules.classes is not None
    found = []
    if not seen:
        message = f"All labels of {split} are ignored; there is nothing to learn or to measure."
        severity: Severity = "error" if trained is None else "warning"
        return [Finding("all-ignored", severity, split, message, [], tally.masks)]
    if trained is None:
        absent = [f"{rules.classes[i]} ({i})" for i in range(count) if i not in seen]
        if absent:
            message = f"{len(absent)} of {count} classes have no pixel in {split}: {some_of(absent, 8)}"
            found.append(Finding("empty-class", "warning", split, message, [], len(absent)))
    else:
        new = sorted(seen - trained)
        if new and trained:
            names = [f"{rules.classes[i]} ({i})" for i in new]
            message = f"{len(new)} classes occur in {split} but not in training: {some_of(names, 8)}"
            found.append(Finding("untrained-class", "warning", split, message, [], len(new)))
    ignored = [path for path, value in tally.faults["one-value"].some if _is_ignored(rules, int(value))]
    if ignored and len(seen) > 0:
        message = f"Masks without any label, such as {some_of([os.path.basename(path) for path in ignored])}"
        found.append(Finding("unlabeled-mask", "note", split, message, ignored, len(ignored)))
    return found


def _is_ignored(rules: Rules, value: int) -> bool:
    return rules.ids([value])[value] == rules.ignore_index


def leaks(sources: Sequence[Source], tallies: Sequence[Tally]) -> list[Finding]:
    """Pictures that two splits share: the same file, or the same pixels under another name."""
    found = []
    for (first, one), (second, two) in combinations(zip(sources, tallies, strict=True), 2):
        if first.split == second.split:
            continue
        split = f"{first.split} and {second.split}"
        # what validation and test share was at least not trained on
        severity: Severity = "warning" if first.split == "train" else "note"
        files = {_real(image) for image, _ in first.pairs} & {_real(image) for image, _ in second.pairs}
        pairs = min(len(first.pairs), len(second.pairs))
        if files:
            names = sorted(map(os.path.basename, files))
            whole = " (all of them)" if len(files) == pairs else ""
            message = (
                f"In {split} alike: {several(len(files), 'image')}{whole}: {some_of(names)}. What is measured on them "
                "says nothing about new images"
            )
            found.append(Finding("leak-file", severity, split, message, sorted(files)[:12], len(files)))
        shared = [
            (one.digests[digest][0], two.digests[digest][0])
            for digest in one.digests.keys() & two.digests.keys()
            if not {_real(p) for p in one.digests[digest]} & {_real(p) for p in two.digests[digest]}
        ]
        if shared:
            names = [f"{_tail(a)} = {_tail(b)}" for a, b in sorted(shared)]
            message = (
                f"In {split} alike, as copies with the same pixels: {several(len(shared), 'image')}: {some_of(names)}"
            )
            paths = [path for pair in sorted(shared) for path in pair]
            found.append(Finding("leak-content", severity, split, message, paths[:12], len(shared)))
    return found


def classes_seen(tally: Tally, rules: Rules) -> set[int]:
    """The class ids of a split's masks."""
    return {new for new in rules.ids(tally.pixels).values() if new != rules.ignore_index}


def per_class(tally: Tally, rules: Rules) -> list[Mapping[str, object]]:
    """One row per class: id, name, pixels, share of the labeled pixels, masks that have it, share of the masks."""
    ids = rules.ids(tally.pixels)
    classes = rules.classes
    if classes is None:
        kept = sorted(value for value in tally.pixels if value != rules.void)
        rows = [(value, f"value {value}", [value]) for value in kept[:256]]
    else:
        rows = [(i, name, [value for value, new in ids.items() if new == i]) for i, name in enumerate(classes)]
    labeled = tally.area if tally.raw else sum(tally.pixels[value] for _, _, values in rows for value in values)
    return [
        {
            "id": number,
            "name": name,
            "pixels": (pixels := sum(tally.pixels[value] for value in values)),
            "share": pixels / labeled if labeled else 0.0,
            "images": (images := max((tally.images[value] for value in values), default=0)),
            "image_share": images / tally.masks if tally.masks else 0.0,
        }
        for number, name, values in rows
    ]


def ignored_row(tally: Tally, rules: Rules) -> Mapping[str, object] | None:
    """Pixels that become unlabeled, their share of all pixels, masks that have some; None where there are none."""
    values = [] if tally.raw else rules.ignored(tally.pixels)
    pixels = sum(tally.pixels[value] for value in values)
    if not pixels:
        return None
    images = max(tally.images[value] for value in values)
    return {
        "values": values,
        "pixels": pixels,
        "share": pixels / sum(tally.pixels.values()),
        "images": images,
        "image_share": images / tally.masks if tally.masks else 0.0,
    }


def _real(path: str) -> str:
    return os.path.realpath(path)


def _tail(path: str) -> str:
    return "/".join(path.split(os.sep)[-2:])


def _short(paths: Sequence[str]) -> list[str]:
    return [_tail(path) for path in dict.fromkeys(paths)]
