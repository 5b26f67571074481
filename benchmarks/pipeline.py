"""Images per second of the training pipelines of Cityscapes and ADE20K: Segue and mmseg 1.2.2, on one core.

    python benchmarks/pipeline.py --reference MMSEG_VENV/bin/python

Both sides read the same files with the same random numbers in turns, each in its own process with one thread; their
label crops must be equal. The reference's virtual environment needs mmsegmentation 1.2.2, mmengine 0.10.7 and mmcv or
mmcv-lite 2.1.0. A table is printed, and written to benchmarks/results/ with the date.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.util
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from sides import without_operators

HERE = Path(__file__).parent
PIPELINES = {"city": ((2048, 1024), (512, 1024)), "room": ((2048, 512), (512, 512))}
#: (name, files, suffix, target ratio, how Segue reads); the reference reads the same files
CASES = [
    ("Cityscapes-like PNG", "city", ".png", 1.8, "fused"),
    ("Cityscapes-like JPEG", "city", ".jpg", 2.5, "fused"),
    ("Cityscapes-like PNG, packed", "city", ".png", 6.0, "packed"),
    ("ADE20K-like JPEG", "room", ".jpg", 2.0, "fused"),
    ("Cityscapes-like JPEG, packed", "city", ".jpg", None, "packed"),
    ("ADE20K-like JPEG, packed", "room", ".jpg", None, "packed"),
    ("Cityscapes-like JPEG, first epoch", "city", ".jpg", None, "first"),
    ("ADE20K-like JPEG, first epoch", "room", ".jpg", None, "first"),
    ("Cityscapes-like PNG, without the extra fast", "city", ".png", None, "plain"),
    ("Cityscapes-like JPEG, without the extra fast", "city", ".jpg", None, "plain"),
    ("ADE20K-like JPEG, without the extra fast", "room", ".jpg", None, "plain"),
    ("Cityscapes-like PNG, step by step", "city", ".png", None, "whole"),
]


def steps_of(files: str) -> list[dict[str, Any]]:
    scale, crop = PIPELINES[files]
    return [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations"},
        {"type": "RandomResize", "scale": scale, "ratio_range": (0.5, 2.0), "keep_ratio": True},
        {"type": "RandomCrop", "crop_size": crop, "cat_max_ratio": 0.75},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PhotoMetricDistortion"},
        {"type": "PackSegInputs"},
    ]


def info_of(data: Path, files: str, suffix: str, number: int) -> dict[str, Any]:
    return {
        "img_path": str(data / f"{files}{number}{suffix}"),
        "seg_map_path": str(data / f"{files}{number}_labels.png"),
        "reduce_zero_label": files == "room",
        "label_map": None,
        "seg_fields": [],
    }


def reference_pipeline(files: str) -> Any:
    import warnings

    try:
        importlib.import_module("mmcv._ext")
    except ImportError:
        without_operators()
    warnings.simplefilter("ignore")
    import cv2
    from mmengine.dataset import Compose
    from mmseg.utils import register_all_modules

    register_all_modules()
    cv2.setNumThreads(0)
    steps = steps_of(files)
    steps[1]["reduce_zero_label"] = files == "room"
    return Compose(steps)


def segue_pipeline(files: str, how: str) -> Any:
    sys.path.insert(0, str(HERE.parent))
    import cv2

    import segue.images.jpeg
    import segue.images.png
    from segue.training.data import keep_memory
    from segue.transforms.compose import Compose

    keep_memory()  # as in a worker
    if how == "plain":
        segue.images.jpeg.simplejpeg = segue.images.png.isal_zlib = None
    cv2.setNumThreads(0)
    built = []
    for step in steps_of(files):
        arguments = dict(step)
        name = arguments.pop("type")
        if name == "LoadImageFromFile":
            arguments["whole"] = how == "whole"
        stem = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
        built.append(getattr(importlib.import_module(f"segue.transforms.{stem}"), name)(**arguments))
    return Compose(built)


def serve(args: argparse.Namespace) -> None:
    """One side: for each line "first count" on standard input, run these samples, and print what they took."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    extra: dict[str, Any] = {}
    if args.side == "reference":
        pipeline = reference_pipeline(args.files)
    else:
        pipeline = segue_pipeline(args.files, args.how)
        extra = {"num_classes": 150 if args.files == "room" else 19, "void": 255, "ignore_index": 255}
        if args.how == "packed":
            from segue.packs import Pack, PackRoot

            extra["pack"] = PackRoot(Pack(args.data / f"pack_{args.files}{args.suffix[1:]}"), str(args.data))
    print("ready", flush=True)
    for line in sys.stdin:
        first, count = map(int, line.split())
        labels = 0
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(first, first + count):
            np.random.seed(number)
            if args.how == "first" and args.side == "segue":
                pipeline.transforms[1] = type(pipeline.transforms[1])()  # which remembers no label map
            packed = pipeline({**info_of(args.data, args.files, args.suffix, number % args.count), **extra})
            sample = packed["data_samples"]
            truth = sample.gt_sem_seg if args.side == "segue" else sample.gt_sem_seg.data[0]
            labels = zlib.crc32(truth.numpy()[::16, ::16].tobytes(), labels)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "labels": labels}), flush=True)


class Side:
    """A process that runs one side."""

    def __init__(self, python: str, side: str, case: tuple[Any, ...], args: argparse.Namespace, data: Path) -> None:
        _, files, suffix, _, how = case
        command = [python, __file__, "--side", side, "--files", files, "--suffix", suffix, "--how", how]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [*command, "--data", str(data), "--count", str(args.count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads},
        )
        self.walls: list[float] = []
        self.cpus: list[float] = []
        while self._line() != "ready":
            pass

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args}: ended with {self.process.wait()}")
        return line.strip()

    def run(self, first: int, count: int, counted: bool = True) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{first} {count}\n")
        self.process.stdin.flush()
        result = json.loads(self._line())
        if counted:
            self.walls.append(result["wall"] / count * 1e3)
            self.cpus.append(result["cpu"] / count * 1e3)
        self.peak = result["peak"]
        return result["labels"]

    def close(self) -> None:
        self.process.communicate()


def measure(case: tuple[Any, ...], args: argparse.Namespace, data: Path) -> dict[str, Any]:
    ours = Side(sys.executable, "segue", case, args, data)
    theirs = Side(args.reference, "reference", case, args, data)
    for number in range(-1, args.rounds):
        first, count = max(number, 0) * args.samples, args.samples if number >= 0 else args.count
        if ours.run(first, count, number >= 0) != theirs.run(first, count, number >= 0):
            raise SystemExit(f"{case[0]}: the two sides give different labels")
    ours.close()
    theirs.close()

    def median(values: list[float]) -> float:
        return sorted(values)[len(values) // 2]

    return {
        "case": case[0],
        "target": case[3],
        "reference_ms": median(theirs.walls),
        "segue_ms": median(ours.walls),
        "ratio": median([their / our for their, our in zip(theirs.walls, ours.walls, strict=True)]),
        "reference_best_cpu_ms": min(theirs.cpus),
        "segue_best_cpu_ms": min(ours.cpus),
        "ratio_cpu": median([their / our for their, our in zip(theirs.cpus, ours.cpus, strict=True)]),
        "reference_mib": theirs.peak,
        "segue_mib": ours.peak,
    }


def machine(reference: str) -> dict[str, Any]:
    names = ("numpy", "cv2", "PIL", "torch")
    code = f"import json; print(json.dumps({{n: __import__(n).__version__ for n in {names!r}}}))"
    versions = [json.loads(subprocess.check_output([python, "-c", code])) for python in (sys.executable, reference)]
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    extras = [name for name in ("isal", "simplejpeg") if importlib.util.find_spec(name)]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "segue": versions[0],
        "reference": versions[1],
        "extra_fast": extras,
    }


def write_data(data: Path, args: argparse.Namespace) -> None:
    sys.path.insert(0, str(HERE.parent))
    from benchmarks.street_scenes import write_city, write_rooms
    from segue.packs.write import IMAGE, LABELS, PackSource, write_pack

    photographs = sorted(args.photographs.glob("*.[jp][pn]g")) if args.photographs else []
    photographs = photographs[:: max(1, len(photographs) // args.count)]
    write_city(data, args.count, photographs)
    write_rooms(data, args.count, photographs)
    for files, suffix in {(files, suffix) for _, files, suffix, _, how in CASES if how == "packed"}:
        infos = [info_of(data, files, suffix, number) for number in range(args.count)]
        sources = [PackSource(info["img_path"], Path(info["img_path"]).name, IMAGE) for info in infos]
        sources += [PackSource(info["seg_map_path"], Path(info["seg_map_path"]).name, LABELS) for info in infos]
        write_pack(sources, data / f"pack_{files}{suffix[1:]}", workers=1)


def show(results: list[dict[str, Any]], about: dict[str, Any], files: dict[str, str]) -> str:
    from rich.console import Console
    from rich.table import Table

    heads = ["pipeline", "mmseg ms", "Segue ms", "ratio", "ratio (CPU time)", "target", "mmseg MiB", "Segue MiB"]
    rows = [
        [
            result["case"],
            f"{result['reference_ms']:.1f}",
            f"{result['segue_ms']:.1f}",
            f"{result['ratio']:.2f}",
            f"{result['ratio_cpu']:.2f}",
            "" if result["target"] is None else f">= {result['target']}",
            f"{result['reference_mib']:.0f}",
            f"{result['segue_mib']:.0f}",
        ]
        for result in results
    ]
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    notes = [
        f"{about['date']}, {about['processor']}, one of {about['cores']} cores, load {about['load']:.1f}, "
        f"Python {about['python']}",
        f"Segue with {about['segue']}, extra fast: {', '.join(about['extra_fast']) or 'not installed'}",
        f"mmseg 1.2.2 with {about['reference']}",
        f"Files: {', '.join(f'{name} {size}' for name, size in files.items())}; per sample, the median of the rounds",
    ]
    console.print("\n".join(notes), highlight=False)
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(["# Training pipelines: images per second of one core", "", *lines, "", *notes]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", help="the Python of a virtual environment with mmseg 1.2.2")
    parser.add_argument("--photographs", type=Path, help="folder of photographs to make the pictures from")
    parser.add_argument("--count", type=int, default=6, help="pictures of a kind")
    parser.add_argument("--samples", type=int, default=24, help="samples per round and side")
    parser.add_argument("--rounds", type=int, default=9, help="of which each draws other crops")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the table")
    for name in ("--side", "--files", "--suffix", "--how"):  # of the processes that this script starts
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        serve(args)
        return
    if not args.reference:
        parser.error("--reference is needed")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        write_data(data, args)
        results = [measure(case, args, data) for case in CASES if args.only in case[0]]
        kinds = ("city0.png", "city0.jpg", "city0_labels.png", "room1.jpg", "room1_labels.png")
        sizes = {name: f"{(data / name).stat().st_size / 1e3:.0f} kB" for name in kinds}
    about = machine(args.reference)
    text = show(results, about, sizes)
    args.results.mkdir(parents=True, exist_ok=True)
    path = args.results / f"pipeline-{about['date']}"
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps({"machine": about, "results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
