"""The pictures of a card that are no curves: the confusion matrix, the reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from segue.images.read import Array
from segue.report.card.calibration import BINS
from segue.report.page import data_uri

#: classes up to which the matrix has numbers and names
_NAMED = 24


def shares(confusion: Sequence[Sequence[int]]) -> Array:
    """Percent of each row's pixels (C, C); nan where a class has none."""
    table = np.array(confusion, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = 100 * table / table.sum(axis=1, keepdims=True)
    return found


def mistakes(names: Sequence[str], confusion: Sequence[Sequence[int]], most: int = 12) -> list[dict[str, Any]]:
    """The largest entries beside the diagonal, by share of the label's pixels."""
    table = shares(confusion)
    np.fill_diagonal(table, np.nan)
    order = np.argsort(-np.nan_to_num(table, nan=-1), axis=None)[:most]
    places = [divmod(int(at), len(names)) for at in order]
    return [
        {"label": names[i], "predicted": names[j], "share": float(table[i, j])} for i, j in places if table[i, j] > 0
    ]


def matrix(names: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """As SVG with names and numbers; of many classes a picture with a pixel each."""
    table = shares(confusion)
    count = len(names)
    if count > _NAMED:
        strength = np.nan_to_num(table / 100)[..., None] ** 0.6
        colors = np.array([234, 242, 247]) * (1 - strength) + np.array([11, 107, 171]) * strength
        enlarged = np.repeat(np.repeat(colors.astype(np.uint8), 4, 0), 4, 1)
        return f'<img src="{data_uri(enlarged)}" alt="Confusion matrix of {count} classes">'
    cell, left, top = 34, 118, 22
    width, height = left + count * cell + 4, top + count * cell + 4
    parts = [
        f'<svg viewBox="0 0 {width} {height}" style="max-width:{1.5 * width}px" role="img" aria-label="Confusions">'
    ]
    for i, name in enumerate(names):
        short = name if len(name) < 16 else name[:14] + "…"
        middle = top + i * cell + cell / 2 + 4
        parts.append(f'<text x="{left - 8}" y="{middle}" text-anchor="end">{i} {escape(short)}</text>')
        parts.append(f'<text x="{left + i * cell + cell / 2}" y="{top - 7}" text-anchor="middle">{i}</text>')
        for j in range(count):
            x, y = left + j * cell, top + i * cell
            value = table[i, j]
            size = f'x="{x + 1}" y="{y + 1}" width="{cell - 2}" height="{cell - 2}" rx="4"'
            parts.append(f'<rect class="blank" {size}/>')
            if np.isnan(value):
                continue
            title = f"<title>{escape(name)} taken for {escape(names[j])}: {value:.2f} %</title>"
            parts.append(f'<rect class="cell" {size} opacity="{(value / 100) ** 0.6:.2f}">{title}</rect>')
            if value >= 0.5:
                tone = ' class="on"' if value > 45 else ""
                parts.append(f'<text{tone} x="{x + cell / 2}" y="{middle}" text-anchor="middle">{value:.0f}</text>')
    return "".join([*parts, "</svg>"])


def diagram(found: Mapping[str, Any], width: int = 420, height: int = 260) -> str:
    """A reliability diagram: accuracy by bins of confidence."""
    left, right, top, bottom = 40, 12, 10, 28
    across, up = width - left - right, height - top - bottom
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Reliability diagram">']
    for tick in (0, 25, 50, 75, 100):
        x, y = left + across * tick / 100, top + up * (1 - tick / 100)
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{tick}</text>')
    most = max((share for *_, share in found["bins"]), default=1.0) or 1.0
    for confidence, accuracy, share in found["bins"]:
        index = min(BINS - 1, int(float(confidence) * BINS))
        x, tall = left + across * index / BINS, up * float(accuracy)
        opacity = 0.35 + 0.65 * (float(share) / most) ** 0.5
        parts.append(
            f'<rect class="barfill" x="{x + 1:.1f}" y="{top + up - tall:.1f}" width="{across / BINS - 2:.1f}" '
            f'height="{tall:.1f}" opacity="{opacity:.2f}"><title>{100 * confidence:.1f} % sure, {100 * accuracy:.1f} % '
            f"right, {100 * share:.1f} % of the pixels</title></rect>"
        )
    parts.append(f'<path class="diagonal" d="M{left} {top + up} L{left + across} {top}"/>')
    return "".join([*parts, "</svg>"])
