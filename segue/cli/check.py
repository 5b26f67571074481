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
    from segue.cli._scene import shard_of

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
    parser.add_argument("--model", metavar="NAME", help="with --apply, of a folder: write a config that trains it")
    parser.add_argument("--workers", type=int, help="files read at once (default: one per core)")
    parser.add_argument("--num-classes", type=int, help="classes of a folder (default: as its names and values say)")
    parser.add_argument("--images", help="folder of images below a folder, if it is not recognized")
    parser.add_argument("--masks", help="folder of masks below a folder, if it is not recognized")
    parser.add_argument(
        "--mask-format",
        nargs="+",
        metavar=("NAME", "KEY=VALUE"),
        help="format of a folder's masks and its options: mat variable=groundTruth.Segmentation",
    )
    parser.add_argument("--image-suffix", metavar="END", help="what the images of a folder end with: .jpg")
    parser.add_argument("--mask-suffix", metavar="END", help="what the masks of a folder end with: _mask.png")
    parser.add_argument("--split", nargs="+", default=[], metavar="FILE", help="lists of names, below a folder")
    parser.add_argument(
        "--shard", type=shard_of, metavar="I/N", help="look at the I-th of N shares of the files, from 1, and no more"
    )
    parser.add_argument("--shares", metavar="FOLDER", help="where shares are kept; the last to end judges all")
    add_config_options(parser)


def _format(words: list[str] | None) -> str | dict[str, object] | None:
    """A name, or a name with options, whose values are numbers or texts."""
    from segue.errors import InputError

    if not words:
        return None
    options: dict[str, object] = {"type": words[0]}
    for word in words[1:]:
        key, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"--mask-format {words[0]}: its options are KEY=VALUE, got {word!r}")
        try:
            options[key] = float(value)
        except ValueError:
            options[key] = value
    return words[0] if len(words) == 1 else options


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
        mask_format=_format(args.mask_format),
        image_suffix=args.image_suffix,
        mask_suffix=args.mask_suffix,
        splits=args.split,
        shard=args.shard,
        shares=args.shares,
        model=args.model,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
    )
    return 1 if report.errors else 0
