"""Bring a model to a hub: its config as data, safetensors, a certificate, a model card with what was measured.

segue push runs/first/best_mIoU_iter_40000.safetensors organization/name --licence apache-2.0
segue push WEIGHTS organization/name --config CONFIG --metrics runs/first/metrics.json
segue push WEIGHTS organization/name --out FOLDER             (write the files and look at them first)

The hub is the library huggingface_hub's, or the one that HF_ENDPOINT names; the token is that of HF_TOKEN, or what
`hf auth login` stored. docs/hub.md says more.
"""

from __future__ import annotations

import argparse

HELP = "bring a model to a hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options

    parser.add_argument("model", help="a file of weights, with its config inside or beside --config")
    parser.add_argument("repo", help="organization/name, or hf://organization/name@branch")
    parser.add_argument("--config", help="config file or recipe of the model, where the weights hold none")
    parser.add_argument("--metrics", metavar="FILE", help="metrics.json that segue test wrote (default: what is noted)")
    parser.add_argument("--licence", help="of the weights: apache-2.0, cc-by-nc-4.0 ..., or in words")
    parser.add_argument("--private", action="store_true", help="a new repository is seen by its owners only")
    parser.add_argument("--message", default="", help="of the commit")
    parser.add_argument("--out", metavar="FOLDER", help="write the files there, and bring them nowhere")
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Push, and say where the model is."""
    from segue.api import push
    from segue.errors import InputError, refuse
    from segue.system.shown import visible

    if args.out is not None:
        given = {"--private": args.private, "--message": args.message or None}
        refuse(given, "only for what goes to a hub; --out writes a folder")
    if args.offline and args.out is None:
        raise InputError("--offline: a hub is reached by the network; --out FOLDER writes the files only")
    if args.config is None:
        given = {"--cfg-options": args.cfg_options, "--trust-config": args.trust_config}
        refuse(given, "belongs to the config that --config names")
    done = push(
        args.model,
        args.repo,
        config=args.config,
        metrics=args.metrics,
        licence=args.licence,
        private=args.private,
        message=args.message,
        folder=args.out,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
    )
    if args.licence is None:
        print("no licence is stated in the model card: --licence apache-2.0 states one")
    if not done.certificate["metrics"]:
        print("no metrics are stated in the model card: --metrics DIR/metrics.json states them")
    print(visible(done.name or f"written to {args.out}"))
    return 0
