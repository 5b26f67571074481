"""Generate the town and turn its polygons into masks: python make_data.py [ROOT]."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import track

from segue.convert.masks import convert_polygons
from segue.convert.town import write_town


def main() -> None:
    parser = argparse.ArgumentParser(description="Write images, polygons, splits and masks of a generated town.")
    parser.add_argument("root", type=Path, nargs="?", default=Path("data/town"))
    parser.add_argument("--train", type=int, default=40, help="number of training tiles")
    parser.add_argument("--val", type=int, default=8, help="number of held-out tiles")
    parser.add_argument("--size", type=int, default=640, help="pixels along each side of a tile")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tiles = write_town(args.root, args.train, args.val, args.size, args.seed)
    for _ in track(tiles, "drawing tiles", total=args.train + args.val):
        pass
    convert_polygons(args.root)


if __name__ == "__main__":
    main()
