"""Measure folders of label maps, wherever they come from, against the truth: no model is needed.

segue score predictions/ labels/ --classes cityscapes --truth-suffix _gtFine_labelTrainIds.png
segue score predictions/ labels/ --classes road car sky --out scores.json classes.csv

Files belong together by their names. What a prediction says that is no class counts as wrong, and so does a truth
without a prediction; docs/score.md has the rules.
"""

from __future__ import annotations

import argparse

HELP = "measure folders of label maps against the truth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("predictions", help="folder of predicted label maps, or one file")
    parser.add_argument("truth", help="folder of true label maps, or one file")
    parser.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="names of the classes; or a text file of names, a dataset such as cityscapes, or a number (default: as "
        "classes.txt and its like beside the truth say, else the values of the truth)",
    )
    parser.add_argument("--palette", nargs="+", metavar="R,G,B", help="color of each class, for label maps in colors")
    parser.add_argument("--ignore-index", type=int, default=255, help="value of a truth that does not count (255)")
    parser.add_argument("--ignore-color", metavar="R,G,B", help="color of a truth that does not count")
    parser.add_argument(
        "--label-map", nargs="+", metavar="VALUE=CLASS", help="class ids of values on both sides: 0=0 255=1"
    )
    parser.add_argument(
        "--reduce-zero-label",
        choices=("truth", "both"),
        help="0 is no class and does not count, and ids start at 1: in the truth only, or in the predictions too",
    )
    parser.add_argument("--prediction-suffix", metavar="END", help="what the predictions end with: _pred.png")
    parser.add_argument("--truth-suffix", metavar="END", help="what the truths end with: _labelTrainIds.png")
    parser.add_argument(
        "--boundary",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="how near to a border boundary IoU looks, of the image's diagonal (0.02)",
    )
    parser.add_argument("--bootstrap", type=int, default=1000, metavar="N", help="resamples of images; 0: none (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")
    parser.add_argument("--beta", type=float, default=1.0, help="weight of recall in the F-score")
    parser.add_argument("--out", nargs="+", default=[], metavar="FILE", help=".json: everything; .csv: the table")
    parser.add_argument("--confusion", metavar="FILE", help="write the confusion matrix as CSV")
    parser.add_argument("--images", metavar="FILE", help="write the numbers of each image as CSV")


def run(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    from segue.api import score

    score(
        args.predictions,
        args.truth,
        classes=args.classes,
        palette=None if args.palette is None else [_color(text) for text in args.palette],
        ignore_index=args.ignore_index,
        ignore_color=None if args.ignore_color is None else _color(args.ignore_color),
        label_map=None if args.label_map is None else dict(_entry(text) for text in args.label_map),
        reduce_zero_label=args.reduce_zero_label,
        prediction_suffix=args.prediction_suffix,
        truth_suffix=args.truth_suffix,
        boundary=args.boundary,
        bootstrap=args.bootstrap,
        seed=args.seed,
        beta=args.beta,
        out=args.out,
        confusion=args.confusion,
        images=args.images,
    )
    return 0


def _color(text: str) -> tuple[int, int, int]:
    from segue.errors import InputError

    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) <= 255 for part in parts):
        raise InputError(f"a color is R,G,B with numbers of 0 to 255, got {text!r}")
    red, green, blue = (int(part) for part in parts)
    return red, green, blue


def _entry(text: str) -> tuple[int, int]:
    from segue.errors import InputError

    value, _, target = text.partition("=")
    try:
        return int(value), int(target)
    except ValueError:
        raise InputError(f"--label-map takes VALUE=CLASS with integers, got {text!r}") from None
