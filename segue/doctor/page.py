"""The report as one HTML page, with pictures of what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segue.datasets.palette import Palette, generate_palette
from segue.doctor.apply import lines_of
from segue.doctor.doctor import Report
from segue.doctor.findings import Finding
from segue.doctor.rules import Rules
from segue.errors import DataError, InputError
from segue.images.read import Array, read_image
from segue.masks.decode import read_mask
from segue.masks.labels import label_counts
from segue.masks.stacks import StackFiles
from segue.report.draw import Picture, colorize, overlay
from segue.report.overlaps import overlay_masks
from segue.report.page import template

#: Of the longer side of a picture on the page, in pixels.
SIDE = 420
#: Pixels that a finding is about; a color that no palette of ours has.
MARK = (255, 0, 200)
_PICTURES = 3
_SAMPLES = 6


@dataclass
class Shown:
    """A finding with its pictures: (caption, picture) pairs in rows."""

    finding: Finding
    rows: Sequence[Sequence[tuple[str, Picture]]]


@dataclass
class Split:
    """A split's table and samples; ``classes`` are rows of name, color, pixels, share, masks, share of the masks."""

    name: str
    pairs: int
    classes: Sequence[dict[str, object]]
    hidden: int
    samples: Sequence[tuple[str, Picture]]
    ignored: Mapping[str, object] | None = None


def write_page(path: str | Path, report: Report) -> Path:
    """Write the page and return its path."""
    path = Path(path)
    text = template("check.html").render(
        report=report,
        shown=[Shown(finding, list(_rows(report, finding))) for finding in report.findings],
        splits=[_split(report, index) for index in range(len(report.sources))],
        lines=lines_of(report) if report.fixes or report.cfg is None else [],
        warnings=sum(finding.severity == "warning" for finding in report.findings),
        pairs=sum(len(source.pairs) for source in report.sources),
        mark=MARK,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


def _split(report: Report, index: int) -> Split:
    source, tally = report.sources[index], report.tallies[index]
    rows = report.classes(index)
    palette = palette_of(report.mended[index], source.palette, len(rows))
    largest = max((float(str(row["share"])) for row in rows), default=0) or 1
    drawn = [
        {**row, "color": palette[i], "width": 100 * float(str(row["share"])) / largest} for i, row in enumerate(rows)
    ]
    hidden = 0
    if len(drawn) > 40:
        drawn = sorted(drawn, key=lambda row: -int(str(row["pixels"])))
        hidden, drawn = len(drawn) - 40, drawn[:40]
    samples = []
    step = max(1, len(tally.shown) // _SAMPLES)
    for image, mask in tally.shown[::step][:_SAMPLES]:
        if source.stacks:
            picture = _overlapping(image, source.stacks[image], len(palette), palette)
        else:
            picture = _overlaid(image, mask, report.mended[index], palette)
        if picture is not None:
            samples.append((Path(image).name, picture))
    return Split(source.split, len(source.pairs), drawn, hidden, samples, report.ignored(index))


def palette_of(rules: Rules, palette: Sequence[Sequence[int]], count: int) -> Palette:
    """A color per class, or per value where classes are unknown."""
    if rules.classes and len(palette) == len(rules.classes):
        return [list(color) for color in palette]
    return generate_palette(rules.classes or [f"class_{i}" for i in range(count)])


def _overlaid(image: str, mask: str, rules: Rules, palette: Palette) -> Picture | None:
    """The image tinted by class, as the proposed settings read the mask; None where that cannot be drawn."""
    try:
        picture = _small(read_image(image)[..., ::-1])
        labels = read_mask(mask)
    except DataError:
        return None
    values = list(label_counts(labels))
    ids = rules.ids(values)
    if rules.classes is None:
        known = sorted(value for value in values if value != rules.void)[: len(palette)]
        ids = {value: known.index(value) if value in known else -1 for value in values}
    drawn = np.full(labels.shape, 255, np.int32)
    for value in values:
        if 0 <= ids[value] < len(palette) and ids[value] != rules.ignore_index:
            drawn[labels == value] = ids[value]
    drawn = _small(drawn, picture.shape[:2])
    return overlay(picture, drawn, palette, 0.55, outline=1)


def _overlapping(image: str, files: StackFiles, count: int, palette: Palette) -> Picture | None:
    """The image tinted by the classes of each pixel; None where that cannot be drawn."""
    try:
        picture = read_image(image)[..., ::-1]
        stack = files.read(count, picture.shape[:2])
    except DataError:
        return None
    picture = _small(picture)
    masks = _small((stack == 1).astype(np.uint8), picture.shape[:2]).reshape(*picture.shape[:2], -1)
    return overlay_masks(picture, masks.transpose(2, 0, 1), palette, 0.55, outline=1)


def _rows(report: Report, finding: Finding) -> Iterator[list[tuple[str, Picture]]]:
    """Pictures of a finding's first files."""
    images = _partners(report, set(finding.files[: 2 * _PICTURES]))
    if finding.kind in ("leak-content", "duplicate"):
        for first, second in list(zip(finding.files[::2], finding.files[1::2], strict=False))[:_PICTURES]:
            yield _drawable([first, second])
        return
    for path in finding.files[:_PICTURES]:
        row = _drawable([images[path]] if path in images else [])
        if finding.kind in ("color-mask", "duplicate-mask", "duplicate-image", "missing-mask", "leak-file"):
            row += _drawable([path])
        elif finding.kind not in ("corrupt-image", "corrupt-mask"):
            row += _marked(path, finding.marked)
        if row:
            yield row


def _partners(report: Report, masks: Collection[str]) -> dict[str, str]:
    """{mask: its image}."""
    return {mask: image for source in report.sources for image, mask in source.pairs if mask and mask in masks}


def _drawable(paths: Sequence[str]) -> list[tuple[str, Picture]]:
    found = []
    for path in paths:
        try:
            found.append(("/".join(Path(path).parts[-2:]), _small(read_image(path)[..., ::-1])))
        except DataError:
            continue
    return found


def _marked(path: str, values: Collection[int]) -> list[tuple[str, Picture]]:
    """The mask in the colors of its values; pixels of the finding's values in their own color."""
    try:
        mask = read_mask(path)
    except DataError:
        return []
    there = sorted(label_counts(mask))
    wanted = [value for value in there if value in values]
    ids: Array = np.searchsorted(np.asarray(there), mask)
    grays = np.linspace(40, 200, max(2, len(there))).astype(int)
    palette = [[int(gray)] * 3 for gray in grays]  # so that the marked color stands out
    for i, value in enumerate(there):
        if value in wanted:
            palette[i] = list(MARK)
    pixels = int(np.isin(mask, wanted).sum()) if wanted else 0
    name = "/".join(Path(path).parts[-2:])
    caption = f"{name}: {pixels:,} pixels of {', '.join(map(str, wanted[:4]))}{' ...' * (len(wanted) > 4)}"
    return [(caption if wanted else name, colorize(_small(ids.astype(np.int32)), palette, -1))]


def _small(picture: Array, size: tuple[int, int] | None = None) -> Array:
    """At most `SIDE` pixels long, or of a size (H, W); labels keep their values."""
    height, width = picture.shape[:2]
    if size is None:
        factor = min(1.0, SIDE / max(height, width))
        size = max(1, round(height * factor)), max(1, round(width * factor))
    way = cv2.INTER_AREA if picture.dtype == np.uint8 and picture.ndim == 3 else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(picture), size[::-1], interpolation=way)
