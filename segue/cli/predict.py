"""Segment images: writes NAME.png (class ids) and NAME_overlay.png for each; CLASS/NAME.png where classes may overlap.

segue predict CONFIG CHECKPOINT IMAGE|FOLDER... --out DIR
segue predict CONFIG CHECKPOINT 'photos/**/*.jpg' --save labels,confidence,polygons-geojson,montage
segue predict CONFIG CHECKPOINT VIDEO|CAMERA|ADDRESS --frames 500     (a camera is its index: 0)
segue predict RECIPE published IMAGE|FOLDER... --out DIR       (with the weights that are published for it)
segue predict WEIGHTS.safetensors IMAGE|FOLDER... --out DIR    (weights that Segue wrote hold their config)
segue predict CONFIG CHECKPOINT CHECKPOINT ... IMAGE|FOLDER...  (the mean of their probabilities)
segue predict CONFIG CHECKPOINT SCENE.tif --tile 1024 --out SEEN.tif   (rasters of any size: docs/scenes.md)
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


HELP = "segment images, folders of images, videos"
SAVED = ("labels", "overlay")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options
    from segue.cli._crf import add_crf_options
    from segue.cli._scene import add_scene_options

    parser.add_argument("model", help="config file or recipe, then a checkpoint; or a weights file that Segue wrote")
    words = "checkpoint, or several to be averaged; then images, folders, patterns, videos"
    parser.add_argument("paths", nargs="+", metavar="CHECKPOINT|IMAGE", help=words)
    parser.add_argument("--recursive", action="store_true", help="of a folder, take the images below it, too")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder to write to (predictions)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default: cpu)")
    parser.add_argument("--batch-size", type=int, default=1, help="images of one padded size that go through together")
    parser.add_argument("--frames", type=int, metavar="N", help="most frames of each video, camera or stream")
    parser.add_argument("--tta", action="store_true", help="average over the views of the config's tta_pipeline")
    add_saving_options(parser)
    add_crf_options(parser)
    add_way_options(parser)
    add_scene_options(parser)
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Predict, and say what was found."""
    from rich.console import Console

    from segue.api import predict
    from segue.cli._crf import crf_of
    from segue.cli._scene import is_scene, refuse_scene_options, run_scene
    from segue.errors import InputError, SomeFailedError, refuse
    from segue.inference.ensemble import leading
    from segue.inference.load import is_weights
    from segue.inference.sources import Video, list_sources
    from segue.system.shown import escape

    checkpoint, paths = None, args.paths
    if not is_weights(args.model):
        checkpoint = list(leading(args.paths))
        paths = args.paths[len(checkpoint) :]
        if not paths:
            raise InputError("name the images or folders after the checkpoint")
    crf_of(args)  # complains before anything is read
    if args.frames is not None and args.frames < 1:
        raise InputError(f"--frames {args.frames}: it is a number of frames, 1 or more")
    sources, left_out = list_sources(paths, recursive=args.recursive)
    if is_scene(args):
        return run_scene(args, checkpoint, sources)
    refuse_scene_options(args)
    if not any(isinstance(one, Video) for one in sources):
        refuse({"--frames": args.frames}, "only for videos, cameras and streams; there is none")
    console = Console()
    console.print(found_words(sources, left_out), highlight=False)
    failure = None
    try:
        results = predict(
            args.model,
            checkpoint,
            sources,
            args.out,
            device=args.device,
            batch_size=args.batch_size,
            frames=args.frames,
            tta=args.tta,
            crf=crf_of(args),
            save=args.save or SAVED,
            legend=args.legend,
            background=args.draw_background,
            least_area=1 if args.least_area is None else args.least_area,
            precision=args.precision,
            compiled=args.compile,
            engine=args.engine,
            windows=args.windows,
            cfg_options=args.cfg_options,
            trust=args.trust_config,
        )
    except SomeFailedError as error:
        failure, results = error, error.results
    show(results, console)
    what = f"results ({', '.join(args.save)})" if args.save else "maps and overlays"
    console.print(f"{len(results)} {what} in {escape(str(args.out))}", highlight=False, soft_wrap=True)
    if failure is not None:
        raise failure
    return 0


def found_words(sources: Sequence[Any], left_out: int) -> str:
    """How many images, and how many videos, there are."""
    images = sum(isinstance(one, Path) for one in sources)
    videos = len(sources) - images
    words = [f"{images} image{'s' if images != 1 else ''}"] if images or not videos else []
    words += [f"{videos} video{'s' if videos != 1 else ''}"] if videos else []
    more = f"; {left_out} in folders below are left out, --recursive takes them" if left_out else ""
    return f"{' and '.join(words)} found{more}"


def add_saving_options(parser: argparse.ArgumentParser) -> None:
    """What is written, and how."""
    parser.add_argument(
        "--save",
        type=_kinds,
        default=[],
        metavar="KIND,KIND",
        help="labels, color, overlay, probabilities, probabilities-uint8, confidence, entropy, share, polygons-coco, "
        f"polygons-labelme, polygons-geojson, montage (default: {','.join(SAVED)})",
    )
    parser.add_argument("--legend", action="store_true", help="overlays have the names of their classes below")
    parser.add_argument("--draw-background", action="store_true", help="overlays tint a class named background, too")
    parser.add_argument("--least-area", type=int, metavar="PIXELS", help="leave out smaller polygons (1)")


def _kinds(text: str) -> list[str]:
    """``labels,overlay`` as a list."""
    kinds = [kind.strip() for kind in text.split(",") if kind.strip()]
    if not kinds:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing; say what, as in {','.join(SAVED)}")
    return kinds


def add_way_options(parser: argparse.ArgumentParser) -> None:
    """How the network is run."""
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32", help="of the network (fp32)")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network; the first image takes long")
    parser.add_argument(
        "--engine", choices=("torch", "onnxruntime", "openvino", "tensorrt"), default="torch", help="what computes"
    )
    parser.add_argument(
        "--windows",
        choices=("constant", "gaussian"),
        default="constant",
        help="how the pixels of sliding windows count: alike, as in the reference, or less towards the edges",
    )


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
