"""``segue convert``: other annotation formats to images and masks."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "annotations of other formats to masks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one sub-verb for each format."""
    formats = parser.add_subparsers(dest="format", required=True, metavar="FORMAT")
    polygons = formats.add_parser("polygons", help="buildings/ and roads/ JSON files with x,y,x,y,... strings")
    polygons.add_argument("root", type=Path, help="folder with images/, buildings/ and roads/")
    polygons.add_argument("--out", type=Path, help="folder for the masks (default: ROOT/masks)")


def run(args: argparse.Namespace) -> int:
    """Convert and say where the masks are."""
    from segue.convert.polygons import convert_folder

    out = args.out or args.root / "masks"
    count = convert_folder(args.root, out)
    print(f"{count} masks in {out} (0 background, 1 building, 2 road)")
    return 0
