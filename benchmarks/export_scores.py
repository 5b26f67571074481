"""Score a checkpoint and each of its exports on the config's test data: the figures ought to be the same.

    python benchmarks/export_scores.py CONFIG CHECKPOINT --size H W --calibrate IMAGES --labels MASKS --out TABLE.md

Each file is written and certified as ``segue export`` does and scored as ``segue test`` does. The status is 1 where the
mIoU of a float32 file is more than 0.01 from the checkpoint's, or that of an int8 file more than 0.5 below it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

import segue
from segue.export.make import Exported, Options
from segue.inference.exported import export
from segue.inference.int8 import export_int8
from segue.inference.predictor import Predictor

#: name: target, file, options; int8 where there are none
FORMS: dict[str, tuple[str, str, Options | None]] = {
    "ONNX, float32": ("onnx", "a.onnx", Options()),
    "ONNX, float16": ("onnx", "b.onnx", Options(half=True)),
    "OpenVINO, float32": ("openvino", "c.xml", Options()),
    "OpenVINO, weights in float16": ("openvino", "d.xml", Options(half=True)),
    "torch.export": ("torch", "e.pt2", Options()),
    "ONNX Runtime, int8": ("onnx", "f.onnx", None),
    "OpenVINO, int8": ("openvino", "g.xml", None),
}
LIMITS = {"float32": 0.01, "int8": 0.5}


def main() -> int:
    """Export, score, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--size", nargs=2, type=int, required=True, metavar=("H", "W"), help="of the network's input")
    parser.add_argument("--images", type=Path, help="folder to compare logits on, besides generated images")
    parser.add_argument("--calibrate", type=Path, required=True, help="folder of images for int8")
    parser.add_argument("--labels", type=Path, required=True, help="folder of their label maps")
    parser.add_argument("--out", type=Path, required=True, help="the table, Markdown")
    args = parser.parse_args()
    torch.set_num_threads(1)

    def made(target: str, file: Path, options: Options | None) -> Exported:
        model: Predictor = segue.load(args.config, args.checkpoint)
        size = (args.size[0], args.size[1])
        if options is None:
            return export_int8(model, target, file, calibrate=[args.calibrate], labels=args.labels, size=size)
        images = [] if args.images is None else [args.images]
        return export(model, target, file, images=images, size=size, options=options)

    with tempfile.TemporaryDirectory() as folder:
        return scored(args.config, args.checkpoint, args.out, Path(folder), made)


def scored(
    config: Path, checkpoint: Path, out: Path, folder: Path, made: Callable[[str, Path, Options | None], Exported]
) -> int:
    """Score the checkpoint and the files; the status."""
    right = segue.evaluate(config, checkpoint)["mIoU"]
    lines = ["| model | certificate | mIoU | difference |", "|---|---|---|---|", f"| checkpoint | | {right:.2f} | |"]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    status = 0
    for name, (target, file, options) in FORMS.items():
        one = made(target, folder / file, options)
        own = segue.evaluate(config, one.file, trust=target == "torch")["mIoU"] if one.good else float("nan")
        precision = one.certificate["precision"]
        far = right - own if precision == "int8" else abs(right - own)
        status |= not far <= LIMITS.get(precision, 0.5)  # of float16 the certificate's limit holds, on logits
        lines.append(f"| {name} | {said(one)} | {own:.2f} | {own - right:+.2f} |")
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(lines[-1], flush=True)
    return int(status)


def said(one: Exported) -> str:
    """What its certificate found."""
    if not one.good:
        return f"refused: {'; '.join(one.certificate['reasons'])[:200]}".replace("|", "/")
    if "int8" in one.certificate:
        found = one.certificate["int8"]
        before, after = found["mIoU"]
        kept = len(found["kept_in_float"])
        return f"{before:.2f} to {after:.2f} on {found['images']} images; {kept} of {found['layers']} layers in float"
    far = max(case.largest or 0.0 for case in one.comparisons)
    least = min(case.agreement for case in one.comparisons)
    return f"logits differ by {far:.1e} at most (limit {one.comparisons[0].tolerance:.2g}), {least:.2%} of labels agree"


if __name__ == "__main__":
    raise SystemExit(main())
