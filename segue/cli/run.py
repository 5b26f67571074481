"""Run a script that was written for mmseg: ``mmseg``, ``mmengine`` and ``mmcv`` are importable in it.

The same as ``import segue.compat`` at its top. Installed packages of these names come first, unless --force is given.
"""

from __future__ import annotations

import argparse

HELP = "run a script written for mmseg, unchanged"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the script and what it gets."""
    parser.add_argument("--force", action="store_true", help="use Segue even where mmseg or mmcv is installed")
    parser.add_argument("script", help="a Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what follows is the script's own")


def run(args: argparse.Namespace) -> int:
    """Run the script; its exit status is the command's."""
    from segue.compat.script import run_script

    return run_script(args.script, args.arguments, force=args.force)
