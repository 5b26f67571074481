"""Decode images and label maps once, into a few large files from which training reads what a crop needs.

Run it again after a change of the data or an interruption: it packs what is missing. The pack needs the size of the
decoded pixels on disk: 25 GB for Cityscapes' 2975 images for training. See docs/speed.md.
"""

from __future__ import annotations

import argparse

HELP = "decode images once, for faster training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options

    parser.add_argument("target", help="config file, or a folder with images and masks")
    parser.add_argument("out", help="folder of the pack")
    parser.add_argument("--splits", nargs="+", choices=("train", "val", "test"), help="of a config (default: train)")
    parser.add_argument("--workers", type=int, help="processes (default: one per core)")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Pack, and print the settings that use the pack."""
    from segue.api import pack

    pack(
        args.target,
        args.out,
        splits=args.splits,
        workers=args.workers,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
    )
    return 0
