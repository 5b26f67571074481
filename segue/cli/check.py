"""Look at every image and mask of a config or a folder; say what is wrong, and which config lines mend it.

Nothing is changed. With --apply the proposed lines are written to a new config that inherits from the given one; delete
it to undo. The exit status is 1 where training would fail or learn nonsense.
"""

from __future__ import annotations

import argparse

HELP = "look for mistakes in images and labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options

    parser.add_argument("target", help="config file, or a folder with images and masks")
    parser.add_argument("--json", metavar="FILE", help="write the findings as JSON")
    parser.add_argument("--html", metavar="FILE", help="write a page with pictures")
    parser.add_argument(
        "--apply",
        nargs="?",
        const=True,
        default=False,
        metavar="FILE",
        help="write a config with the proposed lines (default: NAME_checked.py beside it)",
    )
    parser.add_argument("--workers", type=int, help="files read at once (default: one per core)")
    parser.add_argument("--num-classes", type=int, help="classes of a folder (default: as its names and values say)")
    parser.add_argument("--images", help="folder of images below a folder, if it is not recognized")
    parser.add_argument("--masks", help="folder of masks below a folder, if it is not recognized")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Check, print, write."""
    from segue.api import check

    report = check(
        args.target,
        json=args.json,
        html=args.html,
        apply=args.apply,
        workers=args.workers,
        num_classes=args.num_classes,
        images=args.images,
        masks=args.masks,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
    )
    return 1 if report.errors else 0
