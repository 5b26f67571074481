"""Train the model of a config.

Everything is written to the work directory: last.ckpt and the checkpoints that default_hooks ask for, scalars.jsonl,
config.py. Ctrl-C stops after the running step and saves; --resume continues, after Ctrl-C as after a crash.
"""

from __future__ import annotations

import argparse

HELP = "train the model of a config"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options

    parser.add_argument("config", help="config file, or the name of a recipe")
    parser.add_argument("--work-dir", help="folder to write to (default: the config's, or work_dirs/CONFIG)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="CHECKPOINT",
        help="continue the work directory's last.ckpt, or a given one",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    parser.add_argument("--seed", type=int, help="of everything random (default: the config's randomness)")
    add_machine_options(parser)
    add_config_options(parser)


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Where to run."""
    parser.add_argument("--accelerator", default="auto", help="cpu, gpu, mps (default: what there is)")
    parser.add_argument("--devices", default="auto", help="how many, or which: 2, or 0,3 (default: all)")
    parser.add_argument("--num-nodes", type=int, default=1, help="machines that take part")
    parser.add_argument("--strategy", default="auto", help="ddp, fsdp ... (default: Lightning's choice)")


def run(args: argparse.Namespace) -> int:
    """Train, and say where the result is."""
    from segue.api import read_config, train
    from segue.train import Machine

    config = read_config(args.config, args.cfg_options, trust=args.trust_config)
    machine = Machine(args.accelerator, args.devices, args.num_nodes, args.strategy)
    result = train(config, work_dir=args.work_dir, resume=args.resume, seed=args.seed, amp=args.amp, machine=machine)
    if result.checkpoint:
        print(f"Trained weights: {result.checkpoint}")
    return 0
