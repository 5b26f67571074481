"""Masks that are color pictures, and the settings that read them."""

from __future__ import annotations

from collections.abc import Sequence

from segue.doctor.findings import Finding, Fix, several
from segue.doctor.rules import Rules
from segue.doctor.sources import Source
from segue.doctor.tally import Tally

_MOST_COLORS = 48


def judge_colors(tally: Tally, split: str) -> list[Finding]:
    """Masks that are color pictures."""
    faults = tally.faults["color-mask"]
    if not faults.count:
        return []
    top = tally.colors.most_common(5)
    shown = ", ".join(f"{color} ({count:,} pixels)" for color, count in top)
    many = len(tally.colors) > _MOST_COLORS
    message = (
        f"Color pictures (RGB), such as {faults.files[0]}: {several(faults.count, 'mask')} with {shown}. Labels are "
        "class ids in one channel: "
        + (
            "these have so many colors that they are overlays, JPEG or smoothed; export the labels themselves."
            if many
            else "say which color is which class, and mask_format='rgb'."
        )
    )
    return [Finding("color-mask", "error", split, message, faults.files, faults.count)]


def color_fixes(source: Source, tally: Tally, rules: Rules, keys: Sequence[str]) -> list[Fix]:
    """Settings that read color masks: the dataset's own palette if it has the colors, else a class for each color."""
    colors = [color for color, _ in tally.colors.most_common()]
    if not colors or len(colors) > _MOST_COLORS:
        return []
    by_color = _setting(keys, "mask_format", "rgb")
    if set(colors) <= {tuple(color) for color in source.palette}:
        return [by_color]
    if source.kind != "FolderDataset" or rules.classes is not None:
        return []
    colors.sort()
    names = ["_".join(map(str, ("color", *color))) for color in colors]
    return [by_color, _setting(keys, "classes", names), _setting(keys, "palette", [list(color) for color in colors])]


def _setting(keys: Sequence[str], name: str, value: object) -> Fix:
    return Fix(tuple(f"{key}.{name}" for key in keys) or (name,), value)
