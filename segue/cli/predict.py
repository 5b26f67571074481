"""Segment images: writes NAME.png (class ids) and NAME_overlay.png for each; CLASS/NAME.png where classes may overlap.

segue predict CONFIG CHECKPOINT IMAGE|FOLDER... --out DIR
segue predict RECIPE published IMAGE|FOLDER... --out DIR       (with the weights that are published for it)
segue predict WEIGHTS.safetensors IMAGE|FOLDER... --out DIR    (weights that Segue wrote hold their config)
segue predict CONFIG CHECKPOINT SCENE.tif --tile 1024 --out SEEN.tif   (rasters of any size: docs/scenes.md)
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from segue.inference.crf import CRF

HELP = "segment images or folders of images"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options
    from segue.cli._scene import add_scene_options

    parser.add_argument("model", help="config file or recipe, then a checkpoint; or a weights file that Segue wrote")
    parser.add_argument("paths", nargs="+", metavar="CHECKPOINT|IMAGE", help="checkpoint, then images and folders")
    parser.add_argument("--recursive", action="store_true", help="of a folder, take the images below it, too")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder to write to (predictions)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default: cpu)")
    parser.add_argument("--batch-size", type=int, default=1, help="images of one size that go through together")
    parser.add_argument("--tta", action="store_true", help="average over the views of the config's tta_pipeline")
    add_crf_options(parser)
    add_scene_options(parser)
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Predict, and say what was found."""
    from rich.console import Console

    from segue.api import predict
    from segue.cli._scene import is_scene, refuse_scene_options, run_scene
    from segue.errors import InputError, SomeFailedError
    from segue.inference.inputs import list_images
    from segue.inference.load import is_weights
    from segue.system.shown import escape

    checkpoint, paths = None, args.paths
    if not is_weights(args.model):
        checkpoint, *paths = args.paths
        if not paths:
            raise InputError("name the images or folders after the checkpoint")
    crf_of(args)  # complains before anything is read
    images, left_out = list_images(paths, recursive=args.recursive)
    if is_scene(args):
        return run_scene(args, checkpoint, images)
    refuse_scene_options(args)
    console = Console()
    more = f"; {left_out} in folders below are left out, --recursive takes them" if left_out else ""
    console.print(f"{len(images)} image{'s' if len(images) != 1 else ''} found{more}", highlight=False)
    failure = None
    try:
        results = predict(
            args.model,
            checkpoint,
            images,
            args.out,
            device=args.device,
            batch_size=args.batch_size,
            tta=args.tta,
            crf=crf_of(args),
            cfg_options=args.cfg_options,
            trust=args.trust_config,
        )
    except SomeFailedError as error:
        failure, results = error, error.results
    show(results, console)
    console.print(f"{len(results)} maps and overlays in {escape(str(args.out))}", highlight=False, soft_wrap=True)
    if failure is not None:
        raise failure
    return 0


def add_crf_options(parser: argparse.ArgumentParser) -> None:
    """The options of the CRF."""
    parser.add_argument("--crf", action="store_true", help="refine with a fully connected CRF, which follows edges")
    parser.add_argument(
        "--crf-options",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="sxy=80 srgb=13 compat=10 smooth_sxy=3 smooth_compat=3 iterations=5 normalize=true method=auto",
    )


def crf_of(args: argparse.Namespace) -> CRF | None:
    """What those options ask for."""
    from segue.errors import refuse
    from segue.inference.crf import crf_from

    if args.crf:
        return crf_from(args.crf_options)
    refuse({"--crf-options": args.crf_options}, "only with --crf")
    return None


def show(results: Sequence[Any], console: Console) -> None:
    """What covers each image, of the first twenty."""
    from rich.table import Table

    from segue.system.shown import escape

    table = Table("image", "covered by", box=None, pad_edge=False)
    for result in results[:20]:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in list(result.shares().items())[:5])
        table.add_row(escape(result.path.name if result.path else ""), escape(shares))
    console.print(table)
    if len(results) > 20:
        console.print(f"... and {len(results) - 20} more")
