"""mmseg 0.x's ``tools/pytorch2onnx.py`` and ``tools/deploy_test.py`` under ``segue run``, answered by Segue's export.

The scripts themselves reach into ``mmcv.onnx``, ``mmcv.tensorrt`` and torch's older exporter, which are gone.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from segue.errors import InputError, refuse

OPSET = 18  # the oldest that torch's exporter writes
#: what mmseg's own scripts import, and no script that runs today
MARKS = ("mmcv.onnx", "mmcv.tensorrt")


def answer(script: str | Path) -> Callable[[Sequence[str]], int] | None:
    """What runs instead of a script: of these names, where the file is not there or is mmseg's own; else None."""
    path = Path(script)
    own = {"pytorch2onnx.py": pytorch2onnx, "deploy_test.py": deploy_test}.get(path.name)
    if own is None or not path.is_file():
        return own
    text = path.read_text(encoding="utf-8", errors="replace")
    return own if any(mark in text for mark in MARKS) else None


def pytorch2onnx(arguments: Sequence[str]) -> int:
    """Export to ONNX with the script's options; the status is 1 where the file is not the model."""
    parser = argparse.ArgumentParser(prog="pytorch2onnx.py", description="answered by segue export onnx")
    parser.add_argument("config")
    parser.add_argument("--checkpoint")
    parser.add_argument("--input-img", help="an image to compare file and model on")
    parser.add_argument("--show", action="store_true", help="refused: there is no window")
    parser.add_argument("--verify", action="store_true", help="done in any case")
    parser.add_argument("--output-file", type=Path, default=Path("tmp.onnx"))
    parser.add_argument("--opset-version", type=int, default=11, help=f"at least {OPSET} is written")
    parser.add_argument("--shape", type=int, nargs="+", help="H W of the network's input, or one number for both")
    parser.add_argument("--rescale_shape", type=int, nargs="+", help="H W of the labels; must be --shape")
    parser.add_argument("--cfg-options", nargs="+", default=[])
    parser.add_argument("--dynamic-export", action="store_true", help="leave batch, height and width free")
    args = parser.parse_args(list(arguments))
    from segue.export.graph import threshold_of
    from segue.export.make import Options
    from segue.export.shown import show
    from segue.inference.exported import export
    from segue.inference.load import load

    refuse({"--show": args.show}, "nothing is shown in a window; segue predict FILE IMAGE --out FOLDER draws pictures")
    size, labels = pair("--shape", args.shape), pair("--rescale_shape", args.rescale_shape)
    if labels is not None and labels != size:
        raise InputError(f"--rescale_shape {labels[0]} {labels[1]}: the file gives labels at the size of its input")
    if args.opset_version < OPSET:
        print(f"opset {OPSET} is written in place of {args.opset_version}: torch's exporter writes no older one")
    predictor = load(args.config, args.checkpoint, cfg_options=args.cfg_options)
    threshold = threshold_of(predictor.model) is not None
    options = Options(max(args.opset_version, OPSET), static=not args.dynamic_export, labels_out=not threshold)
    images = [args.input_img] if args.input_img else []
    made = export(predictor, "onnx", args.output_file, images=images, size=size, options=options)
    show(made)
    shape = "logits (B, K, H, W)" if threshold else "labels (B, H, W), where mmseg's script gave (1, B, H, W)"
    print(f"the file takes images (B, C, H, W), normalized and padded, and gives {shape}")
    return 0 if made.good else 1


def deploy_test(arguments: Sequence[str]) -> int:
    """Measure an exported file with the script's options."""
    parser = argparse.ArgumentParser(prog="deploy_test.py", description="answered by segue test CONFIG FILE")
    parser.add_argument("config")
    parser.add_argument("model", help="an exported file")
    parser.add_argument("backend_given", nargs="?", metavar="BACKEND", choices=["onnxruntime", "tensorrt"])
    parser.add_argument("--backend", choices=["onnxruntime", "tensorrt"], default="onnxruntime")
    parser.add_argument("--out", type=Path, help="label maps, as PNG in a folder of this name without .pkl")
    parser.add_argument("--format-only", action="store_true", help="write results for a server, measure nothing")
    parser.add_argument("--eval", nargs="+", help="mIoU, mDice, mFscore; without it, those of the config")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--show-dir")
    parser.add_argument("--options", nargs="+", help="as --cfg-options")
    parser.add_argument("--cfg-options", nargs="+", default=[])
    parser.add_argument("--eval-options", nargs="+", default=[], help="imgfile_prefix=FOLDER, of --format-only")
    parser.add_argument("--opacity", type=float, default=0.5)
    parser.add_argument("--local_rank", type=int, default=0, help="does nothing: files run in one process")
    args = parser.parse_args(list(arguments))
    from segue.export.targets import not_here
    from segue.recipes.open import read_config
    from segue.training import evaluate
    from segue.training.pictured import with_pictures

    if "tensorrt" in (args.backend, args.backend_given):
        raise not_here("tensorrt")
    if not (args.out or args.eval or args.format_only or args.show or args.show_dir):
        raise InputError("deploy_test.py does nothing without --out, --eval, --format-only, --show or --show-dir")
    if args.eval and args.format_only:
        raise InputError("--eval and --format-only: results for a server are written, or measured, not both")
    if args.local_rank:
        return 0
    given = [*measured(args.eval), *formatted(args.format_only, args.eval_options)]
    cfg = read_config(args.config, [*args.cfg_options, *(args.options or []), *given])
    if args.show_dir or args.show:
        cfg["visualizer"] = {**(cfg.get("visualizer") or {"type": "SegLocalVisualizer"}), "alpha": args.opacity}
    out = args.out
    if out is not None and out.suffix in (".pkl", ".pickle"):
        out = out.with_suffix("")
        print(f"--out {args.out}: the label maps are written as PNG into {out}/, not as a pickle")
    evaluate(with_pictures(cfg, args.show_dir, show=args.show, wait_time=2.0), args.model, out=out)
    return 0


def pair(name: str, given: Sequence[int] | None) -> tuple[int, int] | None:
    """(H, W) of one number or two.

    Raises:
        InputError: another count, or less than 1.
    """
    if given is None:
        return None
    if len(given) not in (1, 2) or min(given) < 1:
        raise InputError(f"{name} {' '.join(map(str, given))}: height and width, or one number for both")
    return given[0], given[-1]


def measured(metrics: Sequence[str] | None) -> list[str]:
    """Options of a config that ask for metrics.

    Raises:
        InputError: one is no metric of IoUMetric.
    """
    if metrics is None:
        return []
    known = ("mIoU", "mDice", "mFscore")
    if wrong := [name for name in metrics if name not in known]:
        raise InputError(
            f"--eval {' '.join(wrong)}: there are {', '.join(known)}; others are the config's test_evaluator"
        )
    return [f"test_evaluator.iou_metrics={','.join(metrics) if len(metrics) > 1 else f'[{metrics[0]}]'}"]


def formatted(only: bool, options: Sequence[str]) -> list[str]:
    """Options of a config that ask for results in files.

    Raises:
        InputError: an option other than ``imgfile_prefix``, or one without ``--format-only``.
    """
    folder = "format_results"
    for option in options:
        key, _, value = option.partition("=")
        if key != "imgfile_prefix" or not only:
            raise InputError(f"--eval-options {option}: only imgfile_prefix=FOLDER, with --format-only")
        folder = value
    return ["test_evaluator.format_only=True", f"test_evaluator.output_dir={folder}"] if only else []
