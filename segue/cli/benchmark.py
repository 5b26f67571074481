"""Measure how fast a model predicts: latency, throughput, memory, and parameters and operations by module.

segue benchmark RECIPE|CONFIG [CHECKPOINT] [--size 512x1024] [--batch-size 4] [--precision bf16] [--json F]
segue benchmark WEIGHTS.safetensors

Measured from pixels in memory to labels. Beside them stand the numbers that are published with a recipe.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.inference.benchmark import Benchmark

HELP = "measure a model's speed, memory, parameters and operations"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options

    parser.add_argument("model", help="config file, recipe, or weights file that Segue wrote")
    parser.add_argument("checkpoint", nargs="?", help="weights; without them they are random, which is as fast")
    parser.add_argument("--size", metavar="HxW", help="of the images, 512x1024 (default: the training crop)")
    parser.add_argument("--batch-size", type=int, default=1, help="images at once (1)")
    parser.add_argument("--runs", type=int, default=20, help="passes that are measured (20)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default: cpu)")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32", help="of the network (fp32)")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network")
    parser.add_argument(
        "--engine", choices=("torch", "onnxruntime", "openvino", "tensorrt"), default="torch", help="what computes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write."""
    import json

    from segue.errors import InputError
    from segue.inference.benchmark import benchmark

    found = benchmark(
        args.model,
        args.checkpoint,
        device=args.device,
        size=None if args.size is None else size_of(args.size),
        batch_size=args.batch_size,
        runs=args.runs,
        precision=args.precision,
        compiled=args.compile,
        engine=args.engine,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
    )
    show(found)
    if args.json is not None:
        try:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(json.dumps(found.as_dict(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{args.json}: cannot be written: {error.strerror or error}") from error
    return 0


def size_of(text: str) -> tuple[int, int]:
    """``512x1024`` to (512, 1024)."""
    from segue.errors import InputError

    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise InputError(f"--size {text!r}: it is HEIGHTxWIDTH in pixels, 512x1024")
    return int(height), int(width)


def show(found: Benchmark) -> None:
    """Print what was measured, then the modules."""
    from rich.console import Console
    from rich.table import Table

    from segue.system.shown import escape

    console = Console()
    facts = Table(box=None, pad_edge=False, show_header=False)
    height, width = found.size
    how = [found.engine, found.precision, *(["compiled"] if found.compiled else []), f"{found.threads} threads"]
    rows = [
        ("model", found.model),
        ("images", f"{found.batch_size} of {height} x {width}, {found.runs} passes"),
        ("runs on", f"{found.device}: {', '.join(how)}"),
        ("latency", f"{found.median_ms:.1f} ms (median), {found.p90_ms:.1f} ms (90 %)"),
        ("throughput", f"{found.images_per_s:.2f} images/s"),
        ("peak memory", "-" if found.memory is None else f"{found.memory / 2**20:.0f} MiB of {found.memory_of}"),
        ("parameters", "-" if found.parameters is None else f"{found.parameters / 1e6:.2f} M"),
        ("operations", "not counted" if found.flops is None else f"{found.flops / 1e9:.1f} G per image"),
        *((f"published {key}", str(value)) for key, value in found.published.items() if value),
    ]
    for name, value in rows:
        facts.add_row(name, escape(value))
    console.print(facts)
    if not found.parts:
        return
    table = Table("module", box=None, pad_edge=False, header_style="bold")
    for title in ("parameters", "operations", "share"):
        table.add_column(title, justify="right")
    for part in found.parts:
        share = f"{part.flops / found.flops:.1%}" if found.flops else "-"
        name = "  " * part.name.count(".") + part.name
        table.add_row(escape(name), f"{part.parameters / 1e6:.2f} M", f"{part.flops / 1e9:.2f} G", share)
    console.print(table)
