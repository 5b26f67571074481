"""Models in real time on a CPU: parameters, operations, and time by engine, in turns in one process.

    taskset -c 0 python benchmarks/real_time.py --rounds 15
    taskset -c 0 python benchmarks/real_time.py --engines torch --only mobilenet-v4-s pidnet-s

Weights are random, with statistics of batch normalization that fit them; accuracy is not measured. A pass goes from
pixels in memory to labels. Every round runs each model in each engine once, so that a busy machine slows all of them.
Counted is the processor's time, which others on the machine change least; on one core that nobody else uses it is the
latency. Times are medians of the rounds, ratios medians of each round's ratio to PIDNet-S in the same engine. Exported
files are compared with their models on small images before. A table is printed, and written to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sides import processor

import segue
from segue.checkpoints import save_weights
from segue.config.builder.build import build_model
from segue.inference.segment import label_maps
from segue.inference.way import going
from segue.models.complexity import parts
from segue.recipes import compose
from segue.types import SegSample

HERE = Path(__file__).parent
MODELS = {
    "efficientvit-b0": "efficientvit-b0_4xb4-80k_cityscapes-1024x1024",
    "mobilenet-v4-s": "mobilenet-v4-s_4xb4-80k_cityscapes-1024x1024",
    "efficientvit-b1": "efficientvit-b1_4xb4-80k_cityscapes-1024x1024",
    "mobilenet-v4-m": "mobilenet-v4-m_4xb4-80k_cityscapes-1024x1024",
    "ddrnet-23-slim": "ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024",
    "stdc1": "stdc1_in1k-pre_4xb12-80k_cityscapes-512x1024",
    "pidnet-s": "pidnet-s_2xb6-120k_1024x1024-cityscapes",
    "segformer-b0": "segformer_mit-b0_8xb1-160k_cityscapes-1024x1024",
}
BESIDE = "pidnet-s"
OPTIONS = ("model.test_cfg.mode=whole", "crop_size=(128, 192)")  # which exports are compared at


def settled(name: str, folder: str) -> Path:
    """A file of random weights, and of the statistics that some random images give."""
    torch.manual_seed(0)
    model: Any = build_model(compose(MODELS[name])).train()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # the mean of all images
    with torch.no_grad():
        for _ in range(2):
            model.decode_head(model.extract_feat(torch.randn(2, 3, 128, 192)))
    return save_weights(Path(folder) / f"{name}.safetensors", model.state_dict())


def prepared(name: str, weights: Path, engine: str, size: tuple[int, int]) -> tuple[Callable[[], float], Any]:
    """A function that runs one pass and gives its seconds of the processor, and the model."""
    predictor = segue.load(MODELS[name], weights, engine=engine, cfg_options=OPTIONS)
    image = torch.randint(0, 256, (3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    batch = {"inputs": [image], "data_samples": [SegSample({"ori_shape": size, "img_shape": size})]}

    def run() -> float:
        begin = time.process_time()
        with torch.inference_mode(), going(predictor.way):
            label_maps(predictor.model, batch)
        return time.process_time() - begin

    return run, predictor.model


def predicting(model: torch.nn.Module) -> int:
    """Parameters without those of auxiliary heads, which only train."""
    return sum(p.numel() for key, p in model.named_parameters() if not key.startswith("auxiliary_head."))


def main() -> None:
    """Measure, print, write."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--engines", nargs="+", default=["torch", "onnxruntime", "openvino"])
    asked.add_argument("--only", nargs="+", choices=list(MODELS), default=list(MODELS))
    asked.add_argument("--rounds", type=int, default=15)
    asked.add_argument("--size", type=int, nargs=2, default=(512, 1024), metavar=("H", "W"))
    asked.add_argument("--out", type=Path, default=HERE / "results")
    args = asked.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    size = (args.size[0], args.size[1])
    facts: dict[str, tuple[float, float]] = {}
    runs: dict[tuple[str, str], Callable[[], float]] = {}
    folder = tempfile.mkdtemp()
    for name in args.only:
        weights = settled(name, folder)
        for engine in args.engines:
            runs[name, engine], model = prepared(name, weights, engine, size)
            if engine == "torch":
                operations = sum(one.flops for one in parts(model, size, 3) if "." not in one.name)
                facts[name] = predicting(model) / 1e6, operations / 1e9
            print(f"{name} {engine}: {runs[name, engine]():.3f} s at first", flush=True)
    gc.collect()
    times: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    for _ in range(args.rounds):
        for key, run in runs.items():
            times[key].append(run())
    titles = ["model", "parameters", "operations"]
    titles += [f"{engine} ms{more}" for engine in args.engines for more in ("", f" / {BESIDE}")]
    rows = [" | ".join(titles), " | ".join("---" for _ in titles)]
    for name in args.only:
        count, operations = facts.get(name, (float("nan"), float("nan")))
        cells = [name, f"{count:.2f} M", f"{operations:.1f} G"]
        for engine in args.engines:
            cells.append(f"{1e3 * statistics.median(times[name, engine]):.0f}")
            beside = times.get((BESIDE, engine))
            ratios = [a / b for a, b in zip(times[name, engine], beside or [], strict=bool(beside))]
            cells.append(f"{statistics.median(ratios):.2f}" if ratios else "-")
        rows.append(" | ".join(cells))
    table = "\n".join(f"| {row} |" for row in rows)
    day = datetime.date.today().isoformat()
    cores = f"{torch.get_num_threads()} of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    said = (
        f"{day}, {processor()}, {cores}, torch {torch.__version__}; one image of {size[0]} x {size[1]}, float32, "
        f"random weights; medians of {args.rounds} rounds in turns, time of the processor from pixels in memory to "
        "labels. Operations count products and sums alike."
    )
    print(table, "\n\n", said, sep="")
    args.out.mkdir(parents=True, exist_ok=True)
    text = f"# Models in real time on a CPU\n\n{table}\n\n{said}\n"
    (args.out / f"real_time-{day}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
