"""Do a training step that failed once more, from the file that the run wrote (replay_iter_N.safetensors).

Says the losses and the first layer whose output, or whose gradient, is not finite. --cfg-options tries what mends it:
segue replay runs/a/replay_iter_812.safetensors --cfg-options model.decode_head.loss_decode.class_weight=None
"""

from __future__ import annotations

import argparse

HELP = "do a training step that failed again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options

    parser.add_argument("file", help="replay_iter_N.safetensors of a work folder")
    parser.add_argument("--config", help="the run's config, where it names your own classes (default: the file's)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Do it, and print what was found."""
    from segue.system.shown import visible
    from segue.training.failures.replay import replay

    replay(
        args.file,
        config=args.config,
        device=args.device,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
        say=lambda text: print(visible(text)),
    )
    return 0
