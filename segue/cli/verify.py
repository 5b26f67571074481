"""Check that an exported file is the model that its certificate says, on this machine and under its runtime.

segue verify model.onnx                       (on the gold image that it carries; without the checkpoint)
segue verify model.onnx --runtime openvino
segue verify model.onnx CONFIG CHECKPOINT --images photos/    (beside the model, on images)
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "check that an exported file is the model it says, here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options
    from segue.export.targets import RUNTIMES

    parser.add_argument("file", type=Path, help="an exported file: .onnx, .xml or .pt2 (with --trust-config)")
    parser.add_argument("model", nargs="?", help="the model to compare with: config file, recipe or weights file")
    parser.add_argument("checkpoint", nargs="?", help="its weights")
    parser.add_argument("--images", nargs="+", default=[], help="images or folders to run both on")
    parser.add_argument("--runtime", choices=RUNTIMES, help="what runs the file (default: as its suffix says)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--standalone", action="store_true", help="also write a script that runs the file without Segue"
    )
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Check, and print what was found; the status is 1 if something is wrong."""
    from segue.errors import refuse
    from segue.export.certificate import certificate_of
    from segue.export.session import open_session
    from segue.export.standalone import write_script
    from segue.inference.exported import verify
    from segue.inference.load import load

    predictor = None
    if args.model is None:
        given = {"CHECKPOINT": args.checkpoint, "--cfg-options": args.cfg_options}
        refuse(given, "only where the model is named after the file")
    else:
        predictor = load(args.model, args.checkpoint, cfg_options=args.cfg_options, trust=args.trust_config)
    verdict, _ = verify(args.file, args.runtime, predictor, args.images, trust=args.trust_config)
    if args.standalone:
        session = open_session(args.file, args.runtime, trust=args.trust_config)
        write_script(args.file, certificate_of(args.file, session.notes))
    if args.json:
        print(json.dumps(verdict.facts(), indent=1))
        return 0 if verdict.good else 1
    from rich.console import Console
    from rich.table import Table

    from segue.system.shown import escape

    table = Table("check", "result", "found", box=None, pad_edge=False, title=escape(str(args.file)))
    for what, right, found in verdict.checks:
        table.add_row(escape(what), "[green]ok[/]" if right else "[bold red]failed[/]", escape(found))
    console = Console(soft_wrap=True)
    console.print(table)
    if verdict.divergence is not None:
        far = verdict.divergence
        console.print(f"first layer that differs: {escape(far.layer)}, after {escape(far.after)}", highlight=False)
    return 0 if verdict.good else 1
