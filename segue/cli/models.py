"""List recipes: their names, data, schedules and published numbers.

A pattern lists (`segue models 'ocrnet*' --data cityscapes`); a whole name shows everything about one, with its
parameters, operations, and the licences of the weights that it starts from. Any name goes to `segue train NAME`, also
one that is not listed: another dataset, crop, number of GPUs or schedule.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.recipes.catalogue import Entry

SHOWN = (
    *("name", "algorithm", "backbone", "data", "test_data", "crop", "schedule", "parameters", "flops", "metrics"),
    *("weights", "licence", "paper", "link", "deviation", "not_measured"),
)
HELP = "list recipes, or show one with its size, paper, published numbers and weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", nargs="?", default="*", help="a pattern such as 'ocrnet*', or a whole name")
    parser.add_argument("--data", help="only recipes trained or tested on a dataset: cityscapes, ade20k ...")
    parser.add_argument(
        "--commercial",
        action="store_true",
        help="only those whose weights are known to be free for commerce",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print a list, or one recipe."""
    from segue.api import models
    from segue.errors import ConfigError, refuse
    from segue.recipes import is_recipe_name

    if is_recipe_name(args.name):
        given = {"--data": args.data, "--commercial": args.commercial}
        refuse(given, "only for a pattern; a whole name says its data and licences itself")
        return show(args.name, args.json)
    every = models(args.name, args.data)
    found = models(args.name, args.data, commercial=True) if args.commercial else every
    if not every and not set(args.name) & set("*?["):
        from segue.recipes import compose

        compose(args.name)  # says which part of the name is wrong
    if not every:
        from segue.recipes.catalogue import near_recipe

        near = near_recipe(args.name.strip("*"))
        raise ConfigError(f"no recipe's name matches {args.name!r}; 'segue models' lists them all{near}")
    if args.json:
        print(json.dumps([entry.as_dict() for entry in found], indent=1))
        return 0
    if found:
        table(found)
    if args.commercial:
        left_out = len(every) - len(found)
        print(f"left out: {left_out} whose weights' licences forbid commercial use or are not known here")
        print("The licences are of weights; data sets have terms of their own. This is no legal advice.")
    return 0


def table(entries: list[Entry]) -> None:
    """Print one line per recipe; its name is in the first column."""
    from rich.console import Console
    from rich.table import Table

    rows = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "data", "crop", "schedule", "mIoU", "weights"):
        rows.add_column(title, justify="right" if title == "mIoU" else "left", no_wrap=True)
    for entry in entries:
        score = entry.metrics.get("mIoU", entry.metrics.get("mDice"))
        data = entry.data if entry.test_data is None else f"{entry.data} > {entry.test_data}"
        rows.add_row(entry.name, data, *_setup(entry), _number(score), "yes" if entry.weights else "-")
    Console(width=max(Console().width, 160)).print(rows)  # names are to be copied whole
    print(f"{len(entries)} recipe" + ("s" if len(entries) != 1 else ""))


def show(name: str, as_json: bool) -> int:
    """Print everything about one recipe."""
    from segue.errors import SegueError
    from segue.recipes.catalogue import entry
    from segue.recipes.licences import licence_words, sources
    from segue.recipes.size import model_size

    found = entry(name)
    facts: dict[str, Any] = found.as_dict()
    files = sources(name)
    facts["licence"] = licence_words(files)
    facts["starts_from"] = {source: vars(licence) for source, licence in files.items()}
    try:
        size = model_size(name)
    except (SegueError, NotImplementedError, RuntimeError) as error:
        facts.update(parameters=None, flops=None, not_measured=str(error).partition("\n")[0])
    else:
        facts.update(parameters=size.parameters, flops=size.flops)
    if as_json:
        print(json.dumps(facts, indent=1))
        return 0
    crop, schedule = _setup(found)
    facts.update(crop=crop, schedule=schedule, metrics=", ".join(f"{k} {_number(v)}" for k, v in found.metrics.items()))
    if facts["parameters"]:
        facts["parameters"] = f"{facts['parameters'] / 1e6:.2f} M"
        facts["flops"] = f"{facts['flops'] / 1e9:.1f} G for one image of {crop} (products and sums counted alike)"
    for key in SHOWN:
        if facts.get(key):
            print(f"{'the reference' if key == 'deviation' else key.replace('_', ' '):14} {facts[key]}")
    return 0


def _setup(entry: Entry) -> tuple[str, str]:
    """The crop and the schedule in words."""
    gpus = f"{entry.gpus} x {entry.batch}" if entry.gpus else f"? x {entry.batch}"
    words = [f"{entry.iters // 1000}k", gpus, *entry.flags]
    return f"{entry.crop[0]}x{entry.crop[1]}", ", ".join(words)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
