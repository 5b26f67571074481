"""Prints a resolved config: as source, or leaf by leaf with the file and line that wrote each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from segue.config.config import Config
from segue.config.dump import FORMATS, literal
from segue.config.marks import Origin, shorten
from segue.system.shown import visible

if TYPE_CHECKING:
    from segue.config.v0 import Entry

PYTHON = "(python)"  # shown where a value was set by a program


def rows(cfg: Config) -> list[tuple[str, Any, Origin | None]]:
    """Every leaf as (dotted key, value, origin), in the order of the config."""
    return [(".".join(map(str, path)), value, origin) for path, value, origin in cfg.leaves()]


def show(cfg: Config, *, extension: str = ".py", console: Console | None = None) -> None:
    """Print the config in a format; in color on a terminal, as bare text elsewhere."""
    console = console or Console(soft_wrap=True, highlight=False)
    text = cfg.pretty_text if extension == ".py" else FORMATS[extension](cfg.tree)
    if console.is_terminal:
        lexer = {".py": "python", ".yaml": "yaml", ".json": "json"}[extension]
        console.print(
            Syntax(visible(text).rstrip("\n"), lexer, theme="ansi_dark", background_color="default", word_wrap=True)
        )
    else:
        console.file.write(visible(text))


def show_entries(entries: Sequence[Entry], console: Console | None = None) -> None:
    """Print what became of each key of a 0.x config, and how many were used, translated and ignored."""
    console = console or Console(soft_wrap=True, highlight=False)
    width = max((len(entry.key) for entry in entries), default=0)
    colors = {"used": "green", "translated": "cyan", "ignored": "yellow"}
    for entry in entries:
        line = Text(f"{entry.fate:10} ", style=colors[entry.fate])
        line.append(visible(f"{entry.key:{width}}  {entry.note}"), style="default")
        line.append(f"  # {entry.where}" if entry.where else "", style="dim")
        console.print(line)
    counts = ", ".join(f"{sum(e.fate == fate for e in entries)} {fate}" for fate in colors)
    console.print(f"{len(entries)} keys: {counts}")


def show_origins(cfg: Config, console: Console | None = None) -> None:
    """Print ``key = value  # file:line`` for each leaf.

    On a terminal the origins stand in a column of their own and long values are cut; elsewhere nothing is cut and each
    line can be searched for.
    """
    console = console or Console(soft_wrap=True, highlight=False)
    entries = [
        (visible(key), visible(literal(value)), visible(_place(origin, cfg.filename)))
        for key, value, origin in rows(cfg)
    ]
    if not console.is_terminal:
        for key, value, place in entries:
            console.file.write(f"{key} = {value}  # {place}\n")
        return
    place_width = min(max((len(place) for *_, place in entries), default=0), console.width // 2)
    room = max(console.width - place_width - 2, 20)
    for key, value, place in entries:
        head, _, tail = key.rpartition(".")
        line = Text.assemble((head + "." if head else "", "dim"), (tail, "bold cyan"), (" = ", "dim"), value)
        line.truncate(room, overflow="ellipsis", pad=True)
        line.append("  ")
        line.append(place, "yellow" if place.startswith("--") else "green" if _own(place, cfg.filename) else "dim")
        console.print(line, no_wrap=True, crop=False)


def _place(origin: Origin | None, filename: str | None) -> str:
    """An origin relative to the folder of the config where it lies near it."""
    if origin is None:
        return PYTHON
    if filename is None or not os.path.isabs(origin.file):
        return str(origin)
    near = os.path.relpath(origin.file, os.path.dirname(os.path.abspath(filename)))
    name = min((near, shorten(origin.file)), key=len)
    return f"{name}:{origin.line}" if origin.line else name


def _own(place: str, filename: str | None) -> bool:
    """Whether an origin is the shown file itself."""
    return filename is not None and os.path.basename(filename) == place.partition(":")[0]


def origins_json(cfg: Config) -> str:
    """The leaves as JSON: a list of objects with key, value, file and line."""
    entries = [
        {"key": key, "value": value, "file": origin.file if origin else None, "line": origin.line if origin else None}
        for key, value, origin in rows(cfg)
    ]
    return json.dumps(entries, default=str, ensure_ascii=False, indent=2) + "\n"
