"""One HTML page that sums up a training: numbers, classes, curves, samples, how to go on.

The page is one file: styles and pictures are inside, nothing is fetched. All text is escaped by the template.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np
from PIL import Image

from segue.errors import InputError
from segue.report.draw import Color, Picture


@dataclass
class Number:
    """A headline: ``value`` as it is printed, and what it is."""

    value: str
    label: str


@dataclass
class ClassRow:
    """One class of the table: percentages of intersection over union and accuracy, share of the labeled pixels."""

    name: str
    color: Color
    iou: float
    accuracy: float
    share: float


@dataclass
class Curve:
    """Points (step, value) under a title; ``smooth`` draws a running mean over the faint raw line."""

    title: str
    points: Sequence[tuple[float, float]]
    smooth: bool = True
    percent: bool = False


@dataclass
class Shot:
    """One sample: pictures of equal size with a caption each; the first is the image."""

    name: str
    pictures: Sequence[tuple[str, Picture]]


@dataclass
class Command:
    """A command line and what it is for."""

    line: str
    purpose: str


@dataclass
class Summary:
    """Everything on the page."""

    title: str
    lead: str
    numbers: Sequence[Number] = ()
    classes: Sequence[ClassRow] = ()
    curves: Sequence[Curve] = ()
    shots: Sequence[Shot] = ()
    commands: Sequence[Command] = ()
    config: str = ""
    config_name: str = ""
    facts: Sequence[tuple[str, str]] = field(default_factory=list)


def data_uri(picture: Picture) -> str:
    """A picture as text for ``src=``: JPEG at full color resolution, so that outlines stay crisp."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=88, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About ``count`` round numbers (1, 2 or 5 times a power of ten apart) that lie within low..high."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class Chart:
    """A curve in the pixels of its SVG."""

    title: str
    width: int
    height: int
    raw: str
    line: str
    dots: list[tuple[float, float]]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    last: str


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))


def chart(curve: Curve, width: int = 520, height: int = 168) -> Chart:
    """Lay a curve out; values that are not finite are left out.

    The y axis starts at 0 for a loss, and its top is the 98th percentile, so that one early spike does not flatten it.
    """
    points = [(float(x), float(y)) for x, y in curve.points if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return Chart(curve.title, width, height, "", "", [], [], [], "")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_low, x_high = min(0.0, min(xs)), max(xs)
    low, high = min(0.0, min(ys)), float(np.percentile(ys, 98)) * 1.06 if curve.smooth else max(ys) * 1.06
    if curve.percent:
        low, high = 0.0, 100.0
    high = high if high > low else low + 1
    left, right, top, bottom = 42, 14, 10, 26

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low) if x_high > x_low else 0.5
        up = min(max((y - low) / (high - low), 0.0), 1.0)
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    placed = [place(x, y) for x, y in points]
    line = placed
    if curve.smooth and len(points) > 8:
        reach = max(1, len(points) // 24)
        means = [float(np.mean(ys[max(0, i - reach) : i + reach + 1])) for i in range(len(ys))]
        line = [place(x, y) for x, y in zip(xs, means, strict=True)]
    return Chart(
        curve.title,
        width,
        height,
        _path(placed) if line is not placed else "",
        _path(line),
        placed if len(points) <= 12 else [],
        [(place(t, low)[0], f"{t:g}") for t in nice_ticks(x_low, x_high, 5)],
        [(place(x_low, t)[1], f"{t:g}") for t in nice_ticks(low, high)],
        f"{ys[-1]:.1f} %" if curve.percent else f"{ys[-1]:.3g}",
    )


def template(name: str) -> jinja2.Template:
    """A page of this room; what is put into it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    environment.filters["percent"] = lambda value: "-" if value is None or not math.isfinite(value) else f"{value:.1f}"
    return environment.get_template(name)


def render(summary: Summary) -> str:
    """The page as HTML text."""
    charts = [chart(curve) for curve in summary.curves]
    return template("summary.html").render(page=summary, charts=charts)


def write_page(path: Path, summary: Summary) -> Path:
    """Write the page and return its path."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(summary), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path
