"""The options of ``segue predict`` for scenes, which are more than what memory holds, and for many machines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: rasters that may be written of a scene; labels always are
SAVED = ("labels", "probabilities", "confidence")
_WHEN = "only for scenes, which --tile or an --out that ends with .tif or .vrt asks for"


def add_scene_options(parser: argparse.ArgumentParser) -> None:
    """Declare them; without any, all of them are None, False or empty."""
    group = parser.add_argument_group("scenes", "rasters of any size, by tiles; docs/scenes.md")
    group.add_argument("--tile", type=int, metavar="PIXELS", help="side of what the network sees at once (1024)")
    group.add_argument("--overlap", type=int, metavar="PIXELS", help="of neighbouring tiles (128, at most an eighth)")
    group.add_argument("--blend", choices=("gaussian", "mean", "centre"), help="how tiles that overlap are joined")
    group.add_argument("--bands", type=int, nargs="+", metavar="BAND", help="of the file, from 1: red, green, blue ...")
    group.add_argument(
        "--range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="values that an 8-bit model sees black and white",
    )
    group.add_argument("--block", type=int, metavar="STRIDES", help="side of the unit of work, in strides of tiles")
    group.add_argument("--vector", type=Path, metavar="FILE", help="outlines of the labels: .geojson or .gpkg")
    group.add_argument("--simplify", type=float, metavar="PIXELS", help="farthest that outlines may move (0)")
    group.add_argument(
        "--shard", type=shard_of, metavar="I/N", help="compute the I-th of N shares, from 1, and no more"
    )
    group.add_argument("--ray", metavar="ADDRESS", help="compute on a Ray cluster: auto, HOST:PORT, local")
    group.add_argument("--keep-blocks", action="store_true", help="leave the blocks beside the GeoTIFF made of them")


def is_scene(args: argparse.Namespace) -> bool:
    """Whether that is what the options ask for."""
    return args.tile is not None or args.out.suffix.lower() in (".tif", ".tiff", ".vrt")


def refuse_scene_options(args: argparse.Namespace) -> None:
    """Refuse them where pictures are predicted as a whole.

    Raises:
        InputError: one was given.
    """
    from segue.errors import refuse

    refuse(_given(args), _WHEN)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "--overlap": args.overlap,
        "--blend": args.blend,
        "--bands": args.bands,
        "--range": args.range,
        "--block": args.block,
        "--vector": args.vector,
        "--simplify": args.simplify,
        "--shard": args.shard,
        "--ray": args.ray,
        "--keep-blocks": args.keep_blocks,
    }


def run_scene(args: argparse.Namespace, checkpoint: Sequence[str] | None, scenes: Sequence[Any]) -> int:
    """Predict scenes, and say what was written."""
    from rich.console import Console

    from segue.api import predict_scene
    from segue.cli._crf import crf_of
    from segue.errors import InputError, refuse
    from segue.system.shown import escape

    drawn = {"--legend": args.legend, "--draw-background": args.draw_background, "--frames": args.frames}
    refuse(drawn, "not for scenes; omit it")
    other = [kind for kind in args.save if kind not in SAVED]
    if other:
        raise InputError(f"--save {','.join(other)}: of a scene there are {', '.join(SAVED)}")
    if not all(isinstance(scene, Path) for scene in scenes):
        raise InputError("a scene is a file, not a video, a camera or a stream")
    if args.vector is not None and args.shard is not None:
        raise InputError("--vector: outlines are drawn by the last call, without --shard")
    if args.vector is None:
        refuse({"--simplify": args.simplify, "--least-area": args.least_area}, "only with --vector")
    tile = 1024 if args.tile is None else args.tile
    overlap = min(128, tile // 8) if args.overlap is None else args.overlap
    console = Console()
    result = predict_scene(
        args.model,
        checkpoint,
        scenes,
        args.out,
        tile=tile,
        overlap=overlap,
        blend=args.blend or "gaussian",
        bands=args.bands,
        value_range=args.range,
        save=[name for name in args.save if name != "labels"],
        batch_size=args.batch_size,
        block=args.block,
        tta=args.tta,
        crf=crf_of(args),
        vector=args.vector,
        simplify=args.simplify or 0.0,
        least_area=args.least_area or 0,
        shard=args.shard,
        ray=args.ray,
        keep=args.keep_blocks,
        device=args.device,
        precision=args.precision,
        compiled=args.compile,
        engine=args.engine,
        windows=args.windows,
        cfg_options=args.cfg_options,
        trust=args.trust_config,
        console=console,
    )
    rate = f", {result.read_bytes / 1e6 / result.seconds:.1f} MB/s" if result.seconds else ""
    console.print(f"{result.computed} of {result.blocks} blocks computed{rate}", highlight=False)
    for file in result.files[:20]:
        console.print(f"labels in {escape(file)}", highlight=False, soft_wrap=True)
    if result.missing or args.shard is not None:
        text = f"{result.missing} blocks are missing; " if result.missing else "all blocks are there; "
        console.print(f"{text}the same command without --shard does what is left and joins them", soft_wrap=True)
    if args.vector is not None:
        console.print(f"{result.regions} outlines in {escape(args.vector)}", highlight=False, soft_wrap=True)
    return 0


def shard_of(text: str) -> tuple[int, int]:
    """``2/8`` as (2, 8)."""
    first, slash, count = text.partition("/")
    if not slash or not first.isdigit() or not count.isdigit() or not 1 <= int(first) <= int(count):
        raise argparse.ArgumentTypeError(f"{text!r}: I/N is expected, I from 1 to N: 1/4")
    return int(first), int(count)
