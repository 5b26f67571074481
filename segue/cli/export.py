"""Write a model as a file of another runtime, run both on images, and keep the file only if it is the model.

segue export onnx CONFIG CHECKPOINT --out model.onnx
segue export onnx RECIPE published --out model.onnx --images photos/
segue export openvino WEIGHTS.safetensors --out model.xml
segue export onnx CONFIG CHECKPOINT --out model.onnx --int8 --calibrate photos/ --labels masks/
segue verify model.onnx                             (later, anywhere, without the checkpoint)
segue predict model.onnx photos/ --out seen/        (exported files are models)

The certificate is written into the file and beside it (model.onnx.json). A file that differs from its model is left as
model.refused.onnx, and the status is 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue.inference.predictor import Predictor

HELP = "write a model for ONNX Runtime, OpenVINO or torch.export, with a certificate"
TARGETS = ("onnx", "openvino", "torch", "tensorrt", "coreml", "executorch", "ncnn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from segue.cli import add_config_options, add_download_options

    parser.add_argument("target", choices=TARGETS, help="what to write; the last four say what to do elsewhere")
    parser.add_argument("model", help="config file or recipe, then a checkpoint; or a weights file that Segue wrote")
    parser.add_argument("checkpoint", nargs="?", help="weights: a path, URL or alias, or 'published'")
    parser.add_argument("--out", type=Path, required=True, help="the file to write: .onnx, .xml or .pt2")
    parser.add_argument(
        "--images", nargs="+", default=[], help="images or folders to compare on, besides generated ones"
    )
    parser.add_argument("--size", nargs=2, type=int, metavar=("H", "W"), help="of the network's input that is traced")
    parser.add_argument("--opset", type=int, default=18, help="version of ONNX's operators (default: 18)")
    parser.add_argument("--fp16", action="store_true", help="float16, but for the operators that leave its range")
    parser.add_argument("--int8", action="store_true", help="int8 where that costs little; needs --calibrate")
    parser.add_argument("--calibrate", nargs="+", default=[], help="images or folders that set the ranges of int8")
    parser.add_argument(
        "--labels",
        type=Path,
        help="folder of label maps, of --images or else --calibrate, for mIoU; read as the config's test dataset is",
    )
    parser.add_argument("--max-loss", type=float, help="points of mIoU (0.5), or percent of pixels (1), lost by --int8")
    parser.add_argument("--static", action="store_true", help="fix batch, height and width")
    parser.add_argument("--uint8-input", action="store_true", help="take (B, H, W, 3) uint8 RGB, normalize inside")
    parser.add_argument("--labels-out", action="store_true", help="give labels (B, H, W), not logits")
    parser.add_argument("--standalone", action="store_true", help="write a script that runs the file without Segue")
    add_download_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Export, and say what was found; the status is 1 if the file is not the model."""
    from segue.errors import InputError, refuse
    from segue.export.make import Options
    from segue.export.shown import show
    from segue.export.standalone import write_script
    from segue.export.targets import ELSEWHERE, not_here
    from segue.inference.exported import export
    from segue.inference.int8 import export_int8

    options = Options(args.opset, args.fp16, args.static, args.uint8_input, args.labels_out)
    if args.target in ELSEWHERE:
        raise not_here(args.target)
    if args.target == "torch":
        refuse(
            {"--fp16": args.fp16, "--int8": args.int8, "--standalone": args.standalone}, "only for onnx and openvino"
        )
    if args.size is not None and min(args.size) < 1:
        raise InputError(f"--size {args.size[0]} {args.size[1]}: height and width are at least 1")
    size = None if args.size is None else (args.size[0], args.size[1])
    if args.int8:
        made = export_int8(
            loaded(args),
            args.target,
            args.out,
            calibrate=args.calibrate,
            images=args.images,
            labels=args.labels,
            most=args.max_loss,
            size=size,
            options=options,
        )
    else:
        given = {"--calibrate": args.calibrate, "--labels": args.labels, "--max-loss": args.max_loss}
        refuse(given, "only with --int8")
        made = export(loaded(args), args.target, args.out, images=args.images, size=size, options=options)
    show(made)
    if args.standalone and made.good:
        print(f"script: {write_script(made.file, made.certificate)}")
    return 0 if made.good else 1


def loaded(args: argparse.Namespace) -> Predictor:
    """The model."""
    from segue.inference.load import load

    return load(args.model, args.checkpoint, cfg_options=args.cfg_options, trust=args.trust_config)
