"""A card as one HTML page: everything is in the file, nothing is fetched, and all text is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from segue.errors import DataError
from segue.report import chart
from segue.report.card import charts
from segue.report.card.paired import Comparison
from segue.report.chart import Panel, Series
from segue.report.logs.read import Log, read_log
from segue.report.logs.show import best, less_is_better, means, write_text
from segue.report.page import template

_CLASSES = 200  # rows of a table


@dataclass(frozen=True)
class Number:
    """A headline, what it is, and its interval."""

    value: str
    label: str
    range: str = ""


@dataclass
class Page:
    """What the template shows."""

    title: str
    lead: str
    numbers: list[Number] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    intervals: bool = False
    images: int = 0
    confusion: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None
    worst: list[dict[str, Any]] = field(default_factory=list)
    legend: bool = False
    suspects: list[dict[str, Any]] = field(default_factory=list)
    suspected: int = 0
    config: str = ""
    config_name: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)


def write_card(path: Path, card: Mapping[str, Any], log: Log | None = None) -> Path:
    """The page of one run.

    Args:
        path: of the page.
        card: as `segue.report.card.results` makes it, with ``title``, ``lead``, ``metrics``, ``facts`` and ``config``.
        log: for the curves.

    Raises:
        DataError: it cannot be written, or the card is damaged.
    """
    try:
        page = page_of(card, log)
        text = template("card.html").render(page=page, style=chart.STYLE + key_colors())
    except (KeyError, TypeError, ValueError, IndexError, jinja2.UndefinedError) as error:
        raise DataError(f"{path}: the report's data is damaged ({error}); segue test writes a new one") from error
    return write_text(path, text)


def write_comparison(path: Path, runs: Sequence[tuple[str, Mapping[str, Any], Log | None]],
                     found: Sequence[Comparison]) -> Path:  # fmt: skip
    """The page of several runs, each against the first."""
    logs = [_named(log, name) for name, _, log in runs if log is not None]
    names = [name for name, *_ in runs]
    first = runs[0][1]
    tables = []
    for index, row in enumerate(first.get("classes") or ()):
        ious = [card["classes"][index]["iou"] for _, card, _ in runs]
        tables.append({"name": row["class"], "color": row["color"], "ious": ious, "best": _best(ious)})
    summary = []
    for key in dict.fromkeys(key for _, card, _ in runs for key in card.get("summary") or ()):
        values = [(card.get("summary") or {}).get(key) for _, card, _ in runs]
        summary.append({"name": key, "values": values, "best": _best(values)})
    text = template("comparison.html").render(
        names=names,
        found=found,
        classes=tables[:_CLASSES],
        summary=summary,
        charts=curves(logs),
        style=chart.STYLE + key_colors(),
    )
    return write_text(path, text)


def _best(values: Sequence[float | None]) -> int | None:
    known = [(value, -index) for index, value in enumerate(values) if value is not None]
    return -max(known)[1] if len(known) > 1 else None


def _named(log: Log, name: str) -> Log:
    return Log(name, log.files, log.kind, log.train, log.val, log.said)


def key_colors() -> str:
    """Colors of legends in pages."""
    return " ".join(f".k{i}{{background:rgb({r},{g},{b})}}" for i, (r, g, b) in enumerate(chart.COLORS))


def page_of(card: Mapping[str, Any], log: Log | None) -> Page:
    """Lay a card out."""
    page = Page(str(card.get("title") or "A report"), str(card.get("lead") or ""))
    page.said = [str(line) for line in card.get("said") or ()]
    page.images = len(card.get("images") or ())
    page.numbers = _numbers(card)
    page.charts = curves([log] if log is not None else [])
    _classes(page, card)
    _calibration(page, card.get("calibration"))
    page.worst = [
        {
            "name": shot["name"],
            "miou": 100 * shot["miou"],
            "pictures": [(side, _picture(shot[side])) for side in ("image", "label", "prediction")],
        }
        for shot in card.get("worst") or ()
    ]
    page.legend = 0 < len(page.rows) <= 40
    names = [row["name"] for row in page.rows]
    page.suspects = [
        {**one, "picture": _picture(one["picture"]), "given": names[one["given"]], "proposed": names[one["proposed"]]}
        for one in card.get("suspects") or ()
        if one.get("picture") and max(one["given"], one["proposed"]) < len(names)
    ]
    page.suspected = int(card.get("suspected") or 0)
    page.config, page.config_name = str(card.get("config") or ""), str(card.get("config_name") or "config")
    page.facts = [(str(label), str(value)) for label, value in card.get("facts") or ()]
    return page


def _picture(text: str) -> str:
    """A picture as we have written it; a report from elsewhere cannot make the page fetch anything."""
    if not text.startswith("data:image/jpeg;base64,"):
        raise ValueError("a picture that is none")
    return text


def _numbers(card: Mapping[str, Any]) -> list[Number]:
    bounds = card.get("intervals") or {}
    found = []
    for key, label in (
        ("mIoU", "mIoU, all pixels together"),
        ("mIoU per image", "mIoU, mean over images"),
        ("boundary mIoU", "boundary mIoU"),
    ):
        value = (card.get("summary") or {}).get(key)
        if value is not None:
            low_high = bounds.get(key)
            shown = f"95 %: {low_high[0]:.1f} .. {low_high[1]:.1f}" if low_high and None not in low_high else ""
            found.append(Number(f"{value:.1f} %", label, shown))
    if not found:
        plain = {k: v for k, v in (card.get("metrics") or {}).items() if "/" not in k and v is not None}
        found = [Number(f"{value:.4g}", name) for name, value in list(plain.items())[:6]]
    if card.get("calibration"):
        found.append(Number(f"{card['calibration']['before']['ece']:.1f} %", "expected calibration error"))
    return found


def curves(logs: Sequence[Log]) -> list[dict[str, Any]]:
    """Charts of the logs, of one run or several: losses, rates, metrics."""
    keys = list(dict.fromkeys(name for log in logs for name in (*log.train, *log.val)))
    wanted = [("Loss", "loss"), ("Learning rate", "lr")]
    wanted += [(name, name) for name in dict.fromkeys(name for log in logs for name in means(log)) if name != "loss"]
    found = []
    for title, key in wanted:
        if key not in keys:
            continue
        series, names = [], []
        for index, log in enumerate(logs):
            trained, measured = log.train.get(key, {}), log.val.get(key, {})
            smoothed = chart.smooth(trained) if key != "lr" else trained
            if smoothed != trained:
                series.append(Series(log.name, trained, index, faint=True))
            if trained:
                series.append(Series(log.name, smoothed, index))
            names.append((log.name if len(logs) > 1 else "training", index % len(chart.COLORS)))
            if measured and key != "lr":
                other = index if len(logs) > 1 or not trained else 1
                series.append(Series(f"{log.name} validation", measured, other))
                names += [("validation", 1)] if len(logs) == 1 and trained else []
        every = [v for one in series for v in one.points.values() if math.isfinite(v)]
        percent = key not in ("loss", "lr") and not less_is_better(key) and bool(every)
        percent = percent and min(every) >= 0 and 1 < max(every) <= 100
        last = ""
        if len(logs) == 1 and key in logs[0].val and (top := best(key, logs[0].val[key])):
            last = f"best {top[1]:.4g} at {top[0]}"
        elif len(logs) == 1 and key != "lr" and every:
            last = f"{every[-1]:.4g}"
        svg = chart.svg(Panel(title, series, percent))
        found.append({"title": title, "svg": svg, "last": last, "names": names})
    return found


def _classes(page: Page, card: Mapping[str, Any]) -> None:
    entries = list(card.get("classes") or ())
    total = sum(entry["pixels"] for entry in entries) or 1
    page.intervals = any(entry.get("interval") for entry in entries)
    for entry in entries:
        low, high = entry.get("interval") or (None, None)
        row = {key: entry[key] for key in ("color", "iou", "boundary", "recall", "precision")}
        row["color"] = [int(part) for part in entry["color"]]
        page.rows.append({**row, "name": entry["class"], "low": low, "high": high,
                          "share": 100 * entry["pixels"] / total})  # fmt: skip
    table = card.get("confusion")
    if table and len(entries) > 1:
        names = [str(entry["class"]) for entry in entries]
        if len(table) != len(names) or any(len(row) != len(names) for row in table):
            raise ValueError("a confusion matrix of another size")
        page.confusion = {"svg": charts.matrix(names, table), "rows": charts.mistakes(names, table)}


def _calibration(page: Page, found: Mapping[str, Any] | None) -> None:
    if not found:
        return
    scale = found["temperature"]
    tendency = "less sure" if scale > 1 else "surer"
    page.calibration = {
        "diagrams": [
            {"title": title, "ece": found[key]["ece"], "svg": charts.diagram(found[key])}
            for title, key in (("As it is", "before"), (f"Divided by a temperature of {scale:.2f}", "after"))
        ],
        "text": f"The temperature makes the model {tendency}; it is fitted on the images whose name has an even CRC-32 "
        f"({found['fitted']:,} pixels), and both diagrams are of the other images ({found['measured']:,} pixels).",
    }


def log_of(folder: Path) -> Log | None:
    """The log beside a card, if there is one that can be read."""
    try:
        return read_log(folder)
    except DataError:
        return None


def names_of(runs: Iterable[str | Path]) -> list[str]:
    """What tells paths apart: as many of their last parts as it takes."""
    parts = [Path(run).resolve().parts for run in runs]
    for count in range(1, max(map(len, parts), default=1) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(part[-1:])} ({index})" for index, part in enumerate(parts, 1)]
