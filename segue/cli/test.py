"""Measure a checkpoint, or the mean of several, on the test split of a config (test_dataloader, test_evaluator)."""

from __future__ import annotations

import argparse

HELP = "measure a checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options
    from segue.cli._crf import add_crf_options
    from segue.cli._scene import shard_of
    from segue.cli.train import add_machine_options

    parser.add_argument("config", help="config file, or the name of a recipe")
    parser.add_argument(
        "checkpoint", nargs="+", help="weights: a path, URL or alias; of several the probabilities are averaged"
    )
    parser.add_argument("--work-dir", help="folder for the metrics as JSON")
    parser.add_argument("--out", help="folder for the predicted label maps")
    parser.add_argument("--tta", action="store_true", help="average over the views of the config's tta_pipeline")
    add_crf_options(parser)
    parser.add_argument(
        "--shard", type=shard_of, metavar="I/N", help="measure the I-th of N shares of the images, from 1"
    )
    parser.add_argument("--show-dir", help="folder for pictures of what is predicted")
    parser.add_argument("--show", action="store_true", help="show each picture in a window")
    parser.add_argument("--wait-time", type=float, help="seconds for which --show shows each (default: 2)")
    parser.add_argument(
        "--no-report",
        action="store_true",
        help="no test_report.html in the work folder (--work-dir, else that of the checkpoint's training)",
    )
    add_machine_options(parser)
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate; the table is printed on the way."""
    from segue.api import evaluate
    from segue.cli._crf import crf_of
    from segue.cli.train import machine_of
    from segue.errors import refuse

    refuse({"--wait-time": None if args.show else args.wait_time}, "only with --show")
    evaluate(
        args.config,
        args.checkpoint,
        work_dir=args.work_dir,
        out=args.out,
        tta=args.tta,
        crf=crf_of(args),
        shard=args.shard,
        show_dir=args.show_dir,
        show=args.show,
        wait_time=2.0 if args.wait_time is None else args.wait_time,
        machine=machine_of(args),
        cfg_options=args.cfg_options,
        trust=args.trust_config,
        report=not args.no_report,
    )
    return 0
