"""``segue logs``: draw the curves of trainings, put them in a table, compare two of them.

segue logs plot runs/first runs/second --keys loss mIoU --out curves.svg
segue logs table work_dirs/*
segue logs compare REFERENCE OTHER --out compare.png

A run is the folder of a training, or a log: Segue's scalars.jsonl, mmengine's vis_data/scalars.json, mmcv 0.x's
TIMESTAMP.log.json. docs/reports.md has the rules.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from segue.report.logs.read import Log

HELP = "draw, tabulate and compare the logs of trainings, also mmengine's and mmcv's"

_COMPARE = """Compare a loss curve of each run with that of the first one, which is the reference.

With a of the reference and b of the other at the steps that both have:
  relative = mean((b - a) / a)     absolute = mean(b - a)
Both keep their signs: a lower loss than the reference's is never too far away, unless --sizes is given, which judges
mean(|b - a| / |a|) and mean(|b - a|). Both kinds are printed.
A run passes if relative <= 0.05 or absolute <= 0.0002. The exit status is 1 if one does not."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    plot = actions.add_parser("plot", help="draw curves, all runs in each picture")
    plot.add_argument("--keys", nargs="+", default=[], metavar="NAME", help="curves (default: loss, metrics, rate)")
    plot.add_argument("--log-scale", action="store_true", help="decades along the y axis")
    plot.add_argument("--out", default="curves.svg", metavar="FILE", help=".svg or .png (default: curves.svg)")
    table = actions.add_parser("table", help="iterations, losses, best metrics of each run")
    table.add_argument("--out", metavar="FILE", help="write it, too: .csv or .json")
    compare = actions.add_parser(
        "compare",
        help="mean errors of loss curves; status 1 where they are too far apart",
        description=_COMPARE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("--key", default="loss", metavar="NAME", help="the curve (default: loss)")
    compare.add_argument("--relative", type=float, default=0.05, metavar="R", help="limit (default: 0.05)")
    compare.add_argument("--absolute", type=float, default=0.0002, metavar="A", help="limit (default: 0.0002)")
    compare.add_argument("--sizes", action="store_true", help="judge sizes of errors, not errors with signs")
    compare.add_argument("--skip", type=int, default=0, metavar="STEP", help="leave out steps up to this one")
    compare.add_argument(
        "--out", default="loss_compare.svg", metavar="FILE", help="picture, .svg or .png (default: loss_compare.svg)"
    )
    for action in (plot, table, compare):
        action.add_argument("runs", nargs="+", metavar="RUN", help="folder of a training, or its log")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from rich.console import Console

    from segue.report.logs.read import read_log
    from segue.system.shown import visible

    console = Console(soft_wrap=True)
    logs = [read_log(path) for path in args.runs]
    for log in logs:
        for line in log.said:
            console.print(visible(f"{log.name}: {line}"), highlight=False, markup=False)
    return {"plot": run_plot, "table": run_table, "compare": run_compare}[args.action](args, logs, console)


def run_plot(args: argparse.Namespace, logs: Sequence[Log], console: Console) -> int:
    """Draw."""
    from segue.report.logs import show

    path = show.write_picture(args.out, show.panels(logs, args.keys, log_scale=args.log_scale), _names(logs))
    _say(console, f"The curves: {path}")
    return 0


def run_table(args: argparse.Namespace, logs: Sequence[Log], console: Console) -> int:
    """Tabulate."""
    from segue.report.logs import show

    show.show_table(logs, console)
    if args.out:
        show.write_table(logs, args.out)
    return 0


def run_compare(args: argparse.Namespace, logs: Sequence[Log], console: Console) -> int:
    """Compare each run with the first."""
    from segue.errors import InputError
    from segue.report.logs import show
    from segue.report.logs.compare import compare

    if len(logs) < 2:
        raise InputError("compare takes a reference and another run, or several others")
    names, failed, drawn = _names(logs), 0, []
    limits = (args.relative, args.absolute, args.sizes)
    for name, other in zip(names[1:], logs[1:], strict=True):
        found = compare(
            logs[0],
            other,
            args.key,
            relative=args.relative,
            absolute=args.absolute,
            sizes=args.sizes,
            skip=args.skip,
        )
        failed += not found.passed
        for line in show.say_difference([names[0], name], args.key, found, limits):
            _say(console, line)
        drawn += show.difference_panels([names[0], name], args.key, found)
    _say(console, f"The picture: {show.write_picture(args.out, drawn, names if len(names) == 2 else [])}")
    return 1 if failed else 0


def _names(logs: Sequence[Log]) -> list[str]:
    """A name for each, with its number where two have one name."""
    plain = [log.name for log in logs]
    return [name if plain.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(plain, 1)]


def _say(console: Console, text: str) -> None:
    from segue.system.shown import visible

    console.print(visible(text), highlight=False, markup=False)
