"""Measure a checkpoint on the test split of a config (test_dataloader, test_evaluator)."""

from __future__ import annotations

import argparse

HELP = "measure a checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options
    from segue.cli.train import add_machine_options

    parser.add_argument("config", help="config file, or the name of a recipe")
    parser.add_argument("checkpoint", help="weights: a path, URL or alias")
    parser.add_argument("--work-dir", help="folder for the metrics as JSON")
    parser.add_argument("--out", help="folder for the predicted label maps")
    parser.add_argument("--tta", action="store_true", help="average over the views of the config's tta_pipeline")
    add_machine_options(parser)
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate; the table is printed on the way."""
    from segue.api import evaluate
    from segue.cli.train import machine_of

    evaluate(
        args.config,
        args.checkpoint,
        work_dir=args.work_dir,
        out=args.out,
        tta=args.tta,
        machine=machine_of(args),
        cfg_options=args.cfg_options,
        trust=args.trust_config,
    )
    return 0
