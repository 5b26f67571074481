"""``segue demo``: a generated town, a trained OCRNet and a page with what it sees, in a few minutes on a CPU."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "train a small OCRNet on a generated town and show what it sees"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "--out", type=Path, default=Path("segue-demo"), help="folder for all files (default: segue-demo)"
    )
    parser.add_argument("--quick", action="store_true", help="a few steps only: shows that the installation works")


def run(args: argparse.Namespace) -> int:
    """Run the demo; it prints the page's path itself."""
    from segue.demo import run_demo

    run_demo(args.out, quick=args.quick)
    return 0
