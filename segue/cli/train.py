"""Train the model of a config, or a model on a folder of images and masks.

Of a folder the label doctor's findings become a config, whose values and reasons are printed and saved; see
docs/folder.md. Everything is written to the work directory: last.ckpt and the checkpoints that default_hooks ask for,
scalars.jsonl, config.py. Ctrl-C stops after the running step and saves; --resume continues, after Ctrl-C as after a
crash.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.training import Machine

HELP = "train the model of a config, or on a folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options

    parser.add_argument("config", help="config file, the name of a recipe, or a folder with images and masks")
    parser.add_argument("--model", metavar="NAME", help="of a folder: method and backbone (default: segformer_mit-b0)")
    parser.add_argument("--time", metavar="T", help="of a folder: how long to train, such as 30m or 1h30m")
    parser.add_argument("--work-dir", help="folder to write to (default: the config's, or work_dirs/CONFIG)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        metavar="CHECKPOINT",
        help="continue the work directory's last.ckpt, or a given one; mmengine's .pth, too",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), help="of a step (default: the config's)")
    parser.add_argument("--compile", action="store_true", help="torch.compile of the model's parts, in training")
    parser.add_argument("--channels-last", action="store_true", help="memory layout that some GPUs compute faster in")
    parser.add_argument(
        "--checkpointing",
        action="store_true",
        help="compute blocks of the backbone twice, for less memory",
    )
    parser.add_argument(
        "--cache-features",
        nargs="?",
        const=True,
        metavar="FOLDER",
        help="compute what a frozen backbone makes of an image once, and keep it (default: in the work directory)",
    )
    parser.add_argument(
        "--effective-batch",
        type=int,
        nargs="?",
        const=0,
        metavar="N",
        help="images of a step of the optimizer, by accumulation and more iterations (N: those of auto_scale_lr)",
    )
    parser.add_argument("--log", metavar="NAME,NAME", help="also to tensorboard, csv, wandb, mlflow, clearml, aim ...")
    parser.add_argument("--seed", type=int, help="of everything random (default: the config's randomness)")
    parser.add_argument("--fold", metavar="I/K", help="validate on the I-th of K folds of the training images, from 1")
    parser.add_argument("--folds", type=int, metavar="K", help="train all K folds, one after the other, and their mean")
    parser.add_argument("--seeds", metavar="N", help="train N times, from seed 0 on, or a list, 0,1,2; and their mean")
    parser.add_argument(
        "--deterministic",
        action="store_true",
        help="the same numbers in every run on the same machine; torch warns of operations that cannot",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show data, batch, memory and time, draw the first batches, and stop"
    )
    parser.add_argument("--no-report", action="store_true", help="no report.html of the last validation")
    add_machine_options(parser)
    add_download_options(parser)
    add_config_options(parser)


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Where to run."""
    parser.add_argument("--accelerator", default="auto", help="cpu, gpu, mps (default: what there is)")
    count = parser.add_mutually_exclusive_group()
    count.add_argument("--devices", default="auto", help="how many, or which: 2, or 0,3 (default: all)")
    count.add_argument("--nproc-per-node", "--nproc_per_node", type=int, metavar="N", help="processes: --devices N")
    parser.add_argument("--num-nodes", type=int, default=1, help="machines that take part")
    parser.add_argument("--strategy", default="auto", help="ddp, fsdp ... (default: Lightning's choice)")
    parser.add_argument(
        "--launcher",
        choices=("none", "pytorch", "slurm"),
        help="who starts the processes: Segue, torchrun, srun (default: whose environment is found)",
    )
    parser.add_argument("--local-rank", "--local_rank", type=int, help=argparse.SUPPRESS)


def machine_of(args: argparse.Namespace) -> Machine:
    """The options above as one object."""
    from segue.training import Machine
    from segue.training.launch import set_local_rank

    set_local_rank(args.local_rank)
    devices = args.devices if args.nproc_per_node is None else args.nproc_per_node
    return Machine(args.accelerator, devices, args.num_nodes, args.strategy, args.launcher)


def run(args: argparse.Namespace) -> int:
    """Train, and say where the result is."""
    from segue.api import train
    from segue.system.shown import visible
    from segue.training.compute.flags import compute_options

    flags = compute_options(
        args.precision,
        amp=args.amp,
        compiled=args.compile,
        channels_last=args.channels_last,
        checkpointing=args.checkpointing,
        accelerator=args.accelerator,
    )
    flags += [f"feature_cache={_plain(args.cache_features)}"] if args.cache_features else []
    flags += ["randomness.deterministic=True"] if args.deterministic else []
    result = train(
        args.config,
        model=args.model,
        time=args.time,
        work_dir=args.work_dir,
        resume=args.resume,
        seed=args.seed,
        fold=args.fold,
        folds=args.folds,
        seeds=args.seeds,
        amp=args.amp,
        log=args.log,
        machine=machine_of(args),
        cfg_options=[*args.cfg_options, *flags],
        effective_batch=args.effective_batch,
        trust=args.trust_config,
        dry_run=args.dry_run,
        report=not args.no_report,
    )
    if result.checkpoint and result.first:
        print(f"Trained weights: {visible(result.checkpoint)}")
    return 0


def _plain(folder: str | bool) -> str | bool:
    """A folder that the language of options leaves as it is."""
    from segue.errors import InputError

    if isinstance(folder, str) and any(sign in folder for sign in " ,()[]{}'\""):
        raise InputError(
            f"--cache-features {folder!r}: has a space, comma or bracket; write feature_cache=... in the config"
        )
    return folder
