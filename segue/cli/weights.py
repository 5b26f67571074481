"""``segue weights``: look into a checkpoint without running it, rewrite it as safetensors, check it, have it here.

Weights of other projects (torchvision, timm, Swin, ViT, BEiT, MiT, Twins, STDC, CLIP, transformers ...) are recognized
by their keys and renamed.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

HELP = (
    "inspect, convert, verify a checkpoint; part what was trained, merge adapters; fetch weights, list those of recipes"
)
FILE = "path, URL or alias of a checkpoint, or a folder of transformers"
STYLES = {"ok": "green", "failed": "bold red", "not checked": "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    from segue.cli import _catalogue, add_config_options, add_download_options

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    inspect = actions.add_parser("inspect", help="format, tensors, classes and training progress of a checkpoint")
    inspect.add_argument("file", help=FILE)
    inspect.add_argument("--json", action="store_true", help="print JSON instead of a table")
    convert = actions.add_parser(
        "convert", help="write the weights under Segue's names, with config and classes inside"
    )
    convert.add_argument("file", help=FILE)
    convert.add_argument("out", help="the file to write, OUT.safetensors")
    convert.add_argument(
        "--from",
        dest="source",
        metavar="NAME",
        help="whose weights they are: swin, vit, beit, mae, mit, twins, stdc, clip, san, vitjax, hf-segformer ... or "
        "'segue' to keep the names (default: as the keys tell)",
    )
    convert.add_argument(
        "--base",
        metavar="FILE",
        help="the weights that FILE holds differences to (EoMT on DINOv3), or whose decoder it is (PMT); DINOv3's "
        "are where its licence is accepted",
    )
    convert.add_argument("--config", help="config to put inside, with the names of its classes")
    add_config_options(convert)
    verify = actions.add_parser("verify", help="load strictly, compute a fixed input, compare hashes; status 1 if bad")
    verify.add_argument("file", help=FILE)
    verify.add_argument("--config", help="config of the model (default: the one inside the file)")
    verify.add_argument("--against", metavar="ORIGINAL", help="the file that it was converted from")
    verify.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_config_options(verify)
    part = actions.add_parser(
        "part", help="write what was trained (adapters, head) without the frozen weights that it stands on"
    )
    merge = actions.add_parser(
        "merge", help="write whole weights, with adapters (lora) added to the weights beside them"
    )
    for action in (part, merge):
        action.add_argument("file", help=FILE)
        action.add_argument("out", help="the file to write, OUT.safetensors")
        action.add_argument("--config", help="config of the model (default: the one inside the file)")
        add_config_options(action)
    for action in (inspect, convert, verify, part, merge):
        add_download_options(action)
    _catalogue.add_fetch(actions)
    _catalogue.add_list(actions)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; errors are the caller's to print."""
    from segue.cli._catalogue import run_fetch, run_list

    own = {"inspect": run_inspect, "convert": run_convert, "verify": run_verify, "fetch": run_fetch, "list": run_list}
    own |= {"part": run_part, "merge": run_merge}
    return own[args.action](args)


def run_inspect(args: argparse.Namespace) -> int:
    """Print what a file holds."""
    from segue.checkpoints.convert import opened
    from segue.checkpoints.foreign import candidates
    from segue.checkpoints.trained import Base

    _, checkpoint = opened(args.file)
    facts = checkpoint.summary()
    found = [f"{source.name} ({source.title})" for source, _ in candidates(checkpoint.state_dict)]
    if base := Base.of(checkpoint.meta):
        files = ", ".join(start.checkpoint for start in base.starts)
        facts["trained_beside"] = f"{base.tensors} other tensors, fingerprint {base.fingerprint}, of {files}"
    facts["names_of"] = ", or ".join(dict.fromkeys(found)) or None
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        show(args.file, facts)
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Write a file, and say what was kept, renamed and dropped."""
    from segue.checkpoints.convert import convert
    from segue.system.shown import visible

    print(visible(convert(args.file, args.out, name=args.source, base=args.base, notes=notes_of(args))))
    return 0


def notes_of(args: argparse.Namespace) -> dict[str, Any]:
    """What ``--config`` adds to a file: the config, and names and colors of its classes where it knows them."""
    from segue.errors import refuse

    if not args.config:
        refuse(
            {"--cfg-options": args.cfg_options, "--trust-config": args.trust_config},
            "belongs to the config that --config puts inside",
        )
        return {}
    from segue.config.builder.build import build_model
    from segue.inference.load import class_names
    from segue.recipes.open import read_config

    cfg = read_config(args.config, args.cfg_options, trust=args.trust_config)
    classes, palette = class_names(cfg, build_model(cfg).num_classes)  # type: ignore[arg-type]
    notes: dict[str, Any] = {"config": cfg.pretty_text}
    if classes[0] != "class_0":  # what class_names makes up
        notes |= {"classes": classes} | ({"palette": palette} if palette else {})
    return notes


def run_part(args: argparse.Namespace) -> int:
    """Write what was trained, and say what the file holds."""
    from segue.inference.parted import part
    from segue.system.shown import visible

    print(visible(part(args.file, args.out, own_config(args))))
    return 0


def run_merge(args: argparse.Namespace) -> int:
    """Write the whole with adapters merged, and say what the file holds."""
    from segue.inference.parted import merge_file
    from segue.system.shown import visible

    print(visible(merge_file(args.file, args.out, own_config(args))))
    return 0


def own_config(args: argparse.Namespace) -> Any:
    """The config that ``--config`` names; None: that which the file holds."""
    from segue.errors import refuse
    from segue.recipes.open import read_config

    cfg = None
    if args.config:
        cfg = read_config(args.config, args.cfg_options, trust=args.trust_config)
    else:
        refuse(
            {"--cfg-options": args.cfg_options, "--trust-config": args.trust_config},
            "belongs to the config that --config names",
        )
    return cfg


def run_verify(args: argparse.Namespace) -> int:
    """Check a file; the status is 1 if something failed."""
    from rich.console import Console
    from rich.table import Table

    from segue.inference.verify import verify
    from segue.recipes.open import read_config
    from segue.system.shown import escape

    def read(config: Any) -> Any:
        return read_config(config, args.cfg_options, trust=args.trust_config)

    result = verify(args.file, config=args.config, read_config=read, against=args.against)
    if args.json:
        checks = [vars(check) for check in result.checks]
        facts = {"file": str(result.file), "good": result.good, "fingerprint": result.fingerprint, "checks": checks}
        print(json.dumps(facts, indent=1))
        return 0 if result.good else 1
    table = Table("check", "result", "found", box=None, pad_edge=False, title=escape(str(result.file)))
    for check in result.checks:
        table.add_row(check.what, f"[{STYLES[check.status]}]{check.status}[/]", escape(check.found))
    console = Console()
    console.print(table)
    console.print(f"fingerprint of the tensors: {result.fingerprint}", highlight=False)
    return 0 if result.good else 1


def show(name: str, facts: dict[str, Any]) -> None:
    """Print the facts as a table."""
    from rich.console import Console
    from rich.table import Table

    from segue.system.shown import escape

    table = Table("", escape(name), box=None, pad_edge=False)
    for key, value in facts.items():
        if isinstance(value, list):
            value = "\n".join(value) if key == "keys" else f"{len(value)}: {', '.join(value)}"
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
        table.add_row(key.replace("_", " "), "-" if value is None else escape(str(shown)))
    Console().print(table)
