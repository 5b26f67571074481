"""Masks that are color pictures: what they probably are, and the settings that read them."""

from __future__ import annotations

from collections.abc import Sequence

from segue.config.builder.find import find
from segue.doctor.findings import Finding, Fix, fix_at, several
from segue.doctor.rules import Rules
from segue.doctor.sources import Source
from segue.doctor.tally import Tally

_MOST_COLORS = 48
#: Datasets whose masks are also published in colors.
PUBLIC = ("CityscapesDataset", "PotsdamDataset", "PascalVOCDataset", "iSAIDDataset", "LoveDADataset", "ADE20KDataset")


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
    by_color = fix_at(keys, "mask_format", "rgb")
    if set(colors) <= {tuple(color) for color in source.palette}:
        return [by_color]
    if source.kind != "FolderDataset" or rules.classes is not None:
        return []
    known = _public(colors)
    if known is not None:
        names, palette, complete = known
        way = by_color if complete else fix_at(keys, "mask_format", {"type": "rgb", "others": "ignore"})
        return [way, fix_at(keys, "classes", names), fix_at(keys, "palette", palette)]
    colors.sort()
    names = ["_".join(map(str, ("color", *color))) for color in colors]
    return [by_color, fix_at(keys, "classes", names), fix_at(keys, "palette", [list(color) for color in colors])]


def _public(colors: Sequence[tuple[int, int, int]]) -> tuple[list[str], list[list[int]], bool] | None:
    """Names and colors of the public dataset that has all of these, and whether black is one of them and no void."""
    best: tuple[list[str], list[list[int]], bool] | None = None
    for name in PUBLIC:
        info = find("datasets", name).METAINFO  # type: ignore[attr-defined]
        palette = [tuple(color) for color in info["palette"]]
        rest = set(colors) - set(palette)
        if len(set(colors) & set(palette)) < 3 or not rest <= {(0, 0, 0)}:
            continue
        if best is None or len(palette) < len(best[1]):
            best = list(info["classes"]), [list(color) for color in palette], not rest
    return best
