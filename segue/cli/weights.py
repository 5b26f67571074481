"""``segue weights``: look into a checkpoint without running it; rewrite it as safetensors."""

from __future__ import annotations

import argparse
import json

HELP = "inspect a checkpoint, or convert it to safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``inspect`` and ``convert``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    inspect = actions.add_parser("inspect", help="format, tensors, classes and training progress of a checkpoint")
    inspect.add_argument("file", help="path, URL or alias of a checkpoint")
    inspect.add_argument("--json", action="store_true", help="print JSON instead of a table")
    convert = actions.add_parser("convert", help="write the weights and their notes as safetensors")
    convert.add_argument("file", help="path, URL or alias of a checkpoint")
    convert.add_argument("out", help="the file to write, OUT.safetensors")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; errors are the caller's to print."""
    from segue.checkpoints import fetch, read, save_weights

    checkpoint = read(fetch(args.file))
    if args.action == "convert":
        path = save_weights(args.out, checkpoint.state_dict, checkpoint.meta)
        print(f"{path}: {len(checkpoint.state_dict)} tensors")
    elif args.json:
        print(json.dumps(checkpoint.summary(), indent=1))
    else:
        show(args.file, checkpoint.summary())
    return 0


def show(name: str, facts: dict) -> None:
    """Print the facts as a table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", escape(name), box=None, pad_edge=False)
    for key, value in facts.items():
        if isinstance(value, list):
            value = "\n".join(value) if key == "keys" else f"{len(value)}: {', '.join(value)}"
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        table.add_row(key.replace("_", " "), "-" if value is None else escape(str(shown)))
    Console().print(table)
