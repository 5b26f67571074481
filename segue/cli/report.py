"""Make the page of a run's report again, or compare several runs on the images that they have in common.

segue report runs/first
segue report runs/first runs/second --out compared.html
segue report runs/three_seeds

The folder of several seeds or folds (segue train --seeds, --folds) stands for its runs; their mean is said, and folds,
which were measured on different images, are not compared.

A run is a work folder with report.json (segue train) or test_report.json (segue test), the newer of both, or such a
file. The first run is what the others are compared with; docs/reports.md says how.
"""

from __future__ import annotations

import argparse

HELP = "the page of a run again, or several runs compared"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="work folder, or its report.json")
    parser.add_argument(
        "--out", metavar="FILE", help="the page (default: beside the report.json; of several runs compared.html)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page; of several runs say what it shows."""
    from pathlib import Path

    from rich.console import Console

    from segue.errors import refuse
    from segue.report.card import paired, results
    from segue.report.card.page import log_of, names_of, write_card, write_comparison
    from segue.report.series_table import compared_runs, read_tables
    from segue.system.shown import visible

    console = Console(soft_wrap=True)
    for table in [table for path in args.runs for table in read_tables(path)]:
        console.print(table.shown())
        console.print(visible(table.sentence), highlight=False, markup=False)
    runs = [run for path in args.runs for run in compared_runs(path)]
    if not runs:
        refuse({"--out": args.out}, "a page shows runs, and none of these has ended")
        return 0
    found = [results.read(path) for path in runs]
    logs = [log_of(path.parent) for path, _ in found]
    if len(found) == 1:
        path, card = found[0]
        page = write_card(Path(args.out) if args.out else path.with_suffix(".html"), card, logs[0])
    else:
        names = names_of(runs)
        cards = [card for _, card in found]
        compared = paired.compare(list(zip(names, cards, strict=True)))
        for one in compared:
            console.print(visible(one.sentence), highlight=False, markup=False)
        rows = list(zip(names, cards, logs, strict=True))
        page = write_comparison(Path(args.out or "compared.html"), rows, compared)
    console.print(visible(f"The page: {page}"), highlight=False, markup=False)
    return 0
