"""Bring a model of a hub to a folder of your own: config, weights, certificate, model card; every file is checked.

segue pull hf://organization/name@revision --out FOLDER
segue predict FOLDER photo.jpg
"""

from __future__ import annotations

import argparse

HELP = "bring a model of a hub to a folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_download_options

    parser.add_argument("name", help="hf://organization/name, or hf://organization/name@revision")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="a new folder")
    add_download_options(parser)


def run(args: argparse.Namespace) -> int:
    """Pull, and say what is there."""
    from segue.api import pull
    from segue.system.shown import visible

    folder = pull(args.name, args.out)
    for path in sorted(folder.iterdir()):
        print(visible(str(path)))
    return 0
