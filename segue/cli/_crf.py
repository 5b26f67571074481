"""The options of a CRF, for the verbs that predict."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.inference.crf import CRF


def add_crf_options(parser: argparse.ArgumentParser) -> None:
    """The options of the CRF."""
    parser.add_argument("--crf", action="store_true", help="refine with a fully connected CRF, which follows edges")
    parser.add_argument(
        "--crf-options",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="sxy=3 srgb=9 compat=1.5 smooth_sxy=1 smooth_compat=0 iterations=5 normalize=true method=auto",
    )


def crf_of(args: argparse.Namespace) -> CRF | None:
    """What those options ask for."""
    from segue.errors import refuse
    from segue.inference.crf import crf_from

    if args.crf:
        return crf_from(args.crf_options)
    refuse({"--crf-options": args.crf_options}, "only with --crf")
    return None
