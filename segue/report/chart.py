"""Curves drawn by a few lines of our own: as SVG (in a page, or a file of its own) and as pixels.

A panel holds several series over one axis. Values that are not finite break a line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segue.report.draw import INK, PAPER, QUIET, Picture
from segue.report.page import nice_ticks

#: red, green, blue of the series, in order; told apart with any colour vision, on white and on near black
COLORS = ((11, 107, 171), (213, 94, 0), (0, 145, 105), (190, 90, 150), (150, 110, 0), (90, 90, 200), (120, 120, 120))
_MOST = 600  # points of a line; more of them are drawn as the range of each column
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 26


@dataclass(frozen=True)
class Series:
    """A named line, step -> value; ``faint`` draws it pale, behind others, and out of the legend."""

    name: str
    points: Mapping[int, float]
    color: int = 0
    faint: bool = False


@dataclass(frozen=True)
class Panel:
    """Series under a title. ``percent``: from 0 to 100; ``log``: decades; else from 0, cut at the 98th percentile, so
    that one early spike does not flatten the rest.
    """

    title: str
    series: Sequence[Series]
    percent: bool = False
    log: bool = False


@dataclass(frozen=True)
class Placed:
    """A panel in pixels: the segments of each line, and (place, text) of ticks."""

    panel: Panel
    width: int
    height: int
    lines: list[list[list[tuple[float, float]]]]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def place(panel: Panel, width: int = 520, height: int = 190) -> Placed:
    """Lay a panel out; one without a finite value has neither lines nor ticks."""
    every = [(s, v) for one in panel.series for s, v in one.points.items() if math.isfinite(v)]
    every = [(s, v) for s, v in every if not panel.log or v > 0]
    if not every:
        return Placed(panel, width, height, [[] for _ in panel.series], [], [])
    x_low, x_high = 0, max(s for s, _ in every)
    low, high = _range(panel, [v for _, v in every])
    scale = math.log10 if panel.log else float
    bottom, top = scale(low), scale(high)

    def pixel(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low) if x_high > x_low else 0.5
        up = min(max((scale(y) - bottom) / (top - bottom), 0.0), 1.0)
        return _LEFT + across * (width - _LEFT - _RIGHT), height - _BOTTOM - up * (height - _TOP - _BOTTOM)

    lines = []
    for one in panel.series:
        segments: list[list[tuple[float, float]]] = [[]]
        for x, y in _thinned(one.points):
            if math.isfinite(y) and (y > 0 or not panel.log):
                segments[-1].append(pixel(x, y))
            elif segments[-1]:
                segments.append([])
        lines.append([segment for segment in segments if segment])
    ticks = _decades(low, high) if panel.log else nice_ticks(low, high)
    x_ticks = [(pixel(t, high)[0], f"{t:,g}" if t < 1e5 else f"{t / 1000:,g}k") for t in nice_ticks(x_low, x_high, 5)]
    return Placed(panel, width, height, lines, x_ticks, [(pixel(x_low, t)[1], f"{t:g}") for t in ticks])


def _range(panel: Panel, values: Sequence[float]) -> tuple[float, float]:
    if panel.percent:
        return 0.0, 100.0
    if panel.log:
        low, high = min(values), max(values)
        return (low, high) if high > low else (low / 2, high * 2)
    low, high = min(0.0, min(values)), float(np.percentile(values, 98)) * 1.06
    if low < 0:
        high = max(high, max(values) / 1.02)
    return low, high if high > low else low + 1


def _decades(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [10.0**p for p in powers if low <= 10.0**p <= high]
    return found if len(found) > 1 else nice_ticks(low, high, 3)


def _thinned(points: Mapping[int, float]) -> list[tuple[float, float]]:
    """All points, or the smallest and largest of each of some hundred columns."""
    pairs = list(points.items())
    if len(pairs) <= _MOST:
        return [(float(x), y) for x, y in pairs]
    found: list[tuple[float, float]] = []
    step = math.ceil(2 * len(pairs) / _MOST)
    for start in range(0, len(pairs), step):
        some = pairs[start : start + step]
        finite = [pair for pair in some if math.isfinite(pair[1])]
        if len(finite) < len(some):
            found.append((some[0][0], math.nan))
        if finite:
            ends = sorted({min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])})
            found += [(float(x), y) for x, y in ends]
    return found


def smooth(points: Mapping[int, float], share: float = 1 / 24) -> dict[int, float]:
    """A running mean over this share of the points; of few points, the points."""
    pairs = list(points.items())
    values = np.array([v for _, v in pairs], float)
    reach = round(len(pairs) * share)
    if reach < 1 or len(pairs) <= 8:
        return dict(points)
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    low = np.maximum(np.arange(len(pairs)) - reach, 0)
    high = np.minimum(np.arange(len(pairs)) + reach + 1, len(pairs))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums[high] - sums[low]) / (counts[high] - counts[low])
    return {step: float(m) if k else math.nan for (step, _), m, k in zip(pairs, means, known, strict=True)}


def svg(panel: Panel, width: int = 520, height: int = 190) -> str:
    """An ``<svg>`` element for a page; colors are the page's classes ``s0`` ... (`STYLE`)."""
    placed = place(panel, width, height)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(panel.title)}">{_inside(placed)}</svg>'


def _inside(placed: Placed) -> str:
    end = placed.width - _RIGHT
    parts = []
    for y, text in placed.y_ticks:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{end}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for x, text in placed.x_ticks:
        parts.append(f'<text x="{x:.1f}" y="{placed.height - 8}" text-anchor="middle">{text}</text>')
    if not placed.y_ticks:
        parts.append(f'<text x="{placed.width / 2}" y="{placed.height / 2}" text-anchor="middle">no values</text>')
    for one, segments in zip(placed.panel.series, placed.lines, strict=True):
        kind = f"line s{one.color % len(COLORS)}" + (" faint" if one.faint else "")
        for segment in segments:
            if len(segment) > 1:
                path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(segment))
                parts.append(f'<path class="{kind}" d="{path}"/>')
        if sum(map(len, segments)) <= 12 and not one.faint:
            parts += [
                f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>' for line in segments for x, y in line
            ]
    return "".join(parts)


def _rgb(color: Sequence[int]) -> str:
    return "rgb({},{},{})".format(*color)


def _style() -> str:
    def of(i: int, color: Sequence[int]) -> str:  # more specific than what a page says of all its lines
        return f"svg .line.s{i}{{stroke:{_rgb(color)}}} svg circle.s{i}{{fill:{_rgb(color)}}}"

    lines = [of(i, color) for i, color in enumerate(COLORS)]
    dark = "@media (prefers-color-scheme: dark) {" + " ".join(of(i, _lighter(c)) for i, c in enumerate(COLORS)) + "}"
    base = "svg path.line{fill:none;stroke-width:2} svg .faint{opacity:.3;stroke-width:1.2}"
    return " ".join([base, *lines, dark])


def _lighter(color: Sequence[int]) -> tuple[int, int, int]:
    red, green, blue = (round(c + (255 - c) * 0.42) for c in color)
    return red, green, blue


#: what a page says once for its charts
STYLE = _style()


def figure(panels: Sequence[Panel], names: Sequence[str] = (), width: int = 720, height: int = 230) -> str:
    """A whole SVG file: panels under each other, each under its title, and a legend of names by color."""
    head, legend = 30, 26 * math.ceil(len(names) / 3) + (12 if names else 0)
    total = legend + len(panels) * (height + head) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" width="{width}" height="{total}" '
        'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12">',
        "<style>svg{background:#fff} text{fill:#5d6772} .grid{stroke:#e2e5e1} .title{fill:#1b2026;font-size:14px} "
        f"{STYLE} @media (prefers-color-scheme: dark) {{svg{{background:#12161a}} text{{fill:#97a2ad}} "
        ".title{fill:#e8ecef} .grid{stroke:#2b333b}}</style>",
    ]
    for index, name in enumerate(names):
        x, y = 16 + index % 3 * (width - 32) / 3, 22 + index // 3 * 26
        parts.append(f'<path class="line s{index % len(COLORS)}" d="M{x} {y - 4} h18"/>')
        parts.append(f'<text x="{x + 24}" y="{y}">{escape(_short(name, 32))}</text>')
    for index, panel in enumerate(panels):
        top = legend + index * (height + head)
        parts.append(f'<text class="title" x="16" y="{top + 20}">{escape(panel.title)}</text>')
        parts.append(f'<g transform="translate(0 {top + head})">{_inside(place(panel, width, height))}</g>')
    return "".join([*parts, "</svg>\n"])


def picture(panels: Sequence[Panel], names: Sequence[str] = (), width: int = 720, height: int = 230) -> Picture:
    """The same in pixels, twice as many, on white: (H, W, 3) uint8."""
    times = 2
    head, legend = 30, 26 * math.ceil(len(names) / 3) + (12 if names else 0)
    sheet = Image.new("RGB", (width * times, (legend + len(panels) * (height + head) + 8) * times), PAPER)
    pen = ImageDraw.Draw(sheet)
    small, large = ImageFont.load_default(size=12 * times), ImageFont.load_default(size=14 * times)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * times, y * times

    for index, name in enumerate(names):
        left, down = 16 + index % 3 * (width - 32) / 3, 18 + index // 3 * 26
        pen.line([at(left, down), at(left + 18, down)], COLORS[index % len(COLORS)], 2 * times)
        pen.text(at(left + 24, down), _short(name, 32), QUIET, small, anchor="lm")
    for index, panel in enumerate(panels):
        top = legend + index * (height + head)
        pen.text(at(16, top + 16), panel.title, INK, large, anchor="lm")
        placed, top = place(panel, width, height), top + head
        for y, text in placed.y_ticks:
            pen.line([at(_LEFT, top + y), at(width - _RIGHT, top + y)], (226, 229, 225), times)
            pen.text(at(_LEFT - 6, top + y), text, QUIET, small, anchor="rm")
        for x, text in placed.x_ticks:
            pen.text(at(x, top + height - 12), text, QUIET, small, anchor="mm")
        for one, segments in zip(panel.series, placed.lines, strict=True):
            color = COLORS[one.color % len(COLORS)]
            color = _lighter(_lighter(color)) if one.faint else color
            for segment in segments:
                pen.line([at(x, top + y) for x, y in segment], color, times if one.faint else 2 * times, "curve")
            if sum(map(len, segments)) <= 12 and not one.faint:
                for x, y in (point for line in segments for point in line):
                    pen.ellipse([*at(x - 3, top + y - 3), *at(x + 3, top + y + 3)], color)
    return np.asarray(sheet)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else "..." + text[3 - length :]
