"""Exported files beside the model in PyTorch, in one run, in turns, on one processor.

    python benchmarks/exports.py
    python benchmarks/exports.py --only SegFormer --size 64 64 --rounds 1      (a trial of the script itself)

Each model gets random weights and one image. Its logits have a deviation of 0.3: random networks enlarge rounding as
trained ones do not, and files are certified before they are timed. int8 is timed whatever it loses, for with random
weights that says nothing.
Measured is one call, from the network's input in memory to logits in memory: the model's `encode_decode` in
evaluation mode, and a session's `run`. Ways take turns, so that what else the machine does falls on all of them.
Results are written after each model, and those of the same day and size stay, so that a run that was stopped is
completed with --only.
A table is printed, and written to benchmarks/results/ with the date.
Needs the extra `export`, and nncf for int8.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import torch

from segue.config.builder.build import build_model
from segue.errors import SegueError
from segue.export.graph import Graph
from segue.export.make import Options, model_logits
from segue.export.session import open_session
from segue.inference.exported import export, generated_cases
from segue.inference.int8 import export_int8
from segue.inference.load import class_names
from segue.inference.predictor import Predictor
from segue.recipes.open import read_config

HERE = Path(__file__).parent
MODELS = {
    "OCRNet-HR18": "ocrnet_hr18_4xb2-160k_cityscapes-512x1024",
    "PSPNet-R50-d8": "pspnet_r50-d8_4xb2-40k_cityscapes-512x1024",
    "SegFormer-B0": "segformer_mit-b0_8xb2-160k_ade20k-512x512",
    "PIDNet-S": "pidnet-s_2xb6-120k_1024x1024-cityscapes",
    "STDC1": "stdc1_4xb12-80k_cityscapes-512x1024",
}
WAYS = ("eager", "ONNX Runtime", "OpenVINO", "OpenVINO int8", "ONNX Runtime int8")


def main() -> None:
    """Export, time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="part of a model's name")
    parser.add_argument("--size", nargs=2, type=int, default=(512, 512), metavar=("H", "W"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder")
    args = parser.parse_args()
    size = (args.size[0], args.size[1])
    args.out.mkdir(parents=True, exist_ok=True)
    name = args.out / f"exports-{datetime.date.today()}-{size[0]}x{size[1]}"
    written = name.with_suffix(".json")
    rows: dict[str, dict[str, list[float] | str]] = json.loads(written.read_text()) if written.is_file() else {}
    for title, recipe in MODELS.items():
        if args.only in title:
            rows[title] = timed(recipe, size, args.rounds)
            print(title, {way: found if isinstance(found, str) else f"{statistics.median(found):.3f} s"
                          for way, found in rows[title].items()}, flush=True)  # fmt: skip
            name.with_suffix(".md").write_text(table(rows, size, args.rounds), encoding="utf-8")
            written.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(rows, size, args.rounds))


def timed(recipe: str, size: tuple[int, int], rounds: int) -> dict[str, list[float] | str]:
    """Seconds of each way's calls, or why it has none."""
    cfg = read_config(recipe)
    torch.manual_seed(0)
    model: Any = build_model(cfg).eval()
    classes, palette = class_names(cfg, model.num_classes)
    predictor = Predictor(model, cfg, classes, palette or [[0, 0, 0]] * len(classes))
    case = generated_cases(predictor, size)[0]
    last: torch.nn.Conv2d = model.head.conv_seg
    with torch.no_grad():
        last.weight.mul_(0.3 / float(model_logits(Graph(model), case.inputs).std()))
    found: dict[str, list[float] | str] = {}
    calls: dict[str, Callable[[], Any]] = {"eager": lambda: model_logits(Graph(model).eval(), case.inputs)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = folder / "picture.png"
        cv2.imwrite(str(picture), case.images[0].permute(1, 2, 0).numpy())
        options = Options(static=True)
        for way in WAYS[1:]:
            target = "openvino" if "OpenVINO" in way else "onnx"
            file = folder / f"{way.replace(' ', '_')}{'.xml' if target == 'openvino' else '.onnx'}"
            try:
                if "int8" in way:
                    predictor.steps = [step for step in predictor.steps if "Resize" not in type(step).__name__]
                    made = export_int8(
                        predictor, target, file, calibrate=[picture], most=100, size=size, options=options
                    )
                else:
                    made = export(predictor, target, file, size=size, options=options)
            except SegueError as error:
                found[way] = str(error)
                continue
            if not made.good:
                found[way] = "; ".join(made.certificate["reasons"])
                continue
            session = open_session(made.file)
            images = case.inputs.numpy()
            calls[way] = lambda session=session, images=images: session.run(images)
        for call in calls.values():
            call()
        times: dict[str, list[float]] = {way: [] for way in calls}
        for _ in range(rounds):
            for way, call in calls.items():
                start = time.perf_counter()
                call()
                times[way].append(time.perf_counter() - start)
    return {**times, **found}


def table(rows: dict[str, dict[str, list[float] | str]], size: tuple[int, int], rounds: int) -> str:
    """Milliseconds, and how many times as fast as eager PyTorch."""
    import onnxruntime
    import openvino

    version = openvino.__version__.partition("-")[0]
    lines = [
        f"Exports, {datetime.date.today()}: {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} "
        f"threads of torch {torch.__version__}; onnxruntime {onnxruntime.__version__}, openvino {version}. One image "
        f"of {size[0]} x {size[1]}, median of {rounds} calls in turns; load of the machine at the end: "
        f"{os.getloadavg()[0]:.1f}.",
        "",
        "| model | " + " | ".join(WAYS) + " |",
        "|---|" + "---|" * len(WAYS),
    ]
    for title, ways in rows.items():
        eager = statistics.median(ways["eager"])  # type: ignore[type-var]
        cells = []
        for way in WAYS:
            own = ways.get(way, "")
            if isinstance(own, str):
                cells.append(own or "-")
            else:
                middle = statistics.median(own)
                cells.append(f"{1000 * middle:.0f} ms" + ("" if way == "eager" else f" ({eager / middle:.2f}x)"))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
