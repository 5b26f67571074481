"""One optimizer step: Segue and mmseg 1.2.2 in one run, in turns, with the same weights and batch.

    python benchmarks/training.py --reference MMSEG_VENV/bin/python
    python benchmarks/training.py --reference MMSEG_VENV/bin/python --only OCRNet --rounds 5
    python benchmarks/training.py --reference MMSEG_VENV/bin/python --isa avx2

A step is what lies between a batch of pixels in memory and changed weights: preprocessing, losses, gradients, the check
that they are finite (Segue), the optimizer. Each side runs in a process of its own, Segue as its training does it:
``bf16`` is ``--amp``, and the reference's rows have mixed precision where they say so. The weights are those of one
side, so the first losses have to agree. The MiB are what a process held at most above what it held with its model
loaded. The reference's virtual environment needs mmsegmentation 1.2.2, mmengine 0.10.7 and mmcv or mmcv-lite 2.1.0.
``--isa avx2`` has both sides use AVX2 only. A table is printed, and written to benchmarks/results/ with the date.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sides import Side, processor, serve, without_operators

HERE = Path(__file__).parent
OCRNET = "ocrnet_hr18s_4xb2-160k_cityscapes-512x1024"
SEGFORMER = "segformer_mit-b0_8xb2-160k_ade20k-512x512"
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}


@dataclass(frozen=True)
class Case:
    """A row: ``precision`` of Segue's step and of the reference's, what else Segue's does (``channels-last``: kernels
    and maps lie channel by channel; ``checkpointing``: blocks are computed again in the backward pass), the least ratio
    of times, the largest of memory.
    """

    title: str
    config: str
    batch: int
    size: tuple[int, int]
    classes: int
    precision: tuple[str, str] = ("fp32", "fp32")
    flags: tuple[str, ...] = ()
    speed: float | None = None
    memory: float | None = None


CITY = ((512, 1024), 19)
CASES = (
    Case("OCRNet-HR18s 2x512x1024", OCRNET, 2, *CITY),
    Case("OCRNet-HR18s, checkpointing", OCRNET, 2, *CITY, flags=("checkpointing",), memory=0.6),
    Case("OCRNet-HR18s, channels last", OCRNET, 2, *CITY, flags=("channels-last",), speed=1.15),
    Case("OCRNet-HR18s, both", OCRNET, 2, *CITY, flags=("channels-last", "checkpointing"), speed=1.15, memory=0.6),
    Case("OCRNet-HR18s, bf16, channels last", OCRNET, 2, *CITY, ("bf16", "fp32"), ("channels-last",), speed=3.0),
    Case("OCRNet-HR18s, bf16 both", OCRNET, 2, *CITY, ("bf16", "bf16"), ("channels-last",)),
    Case("SegFormer-B0 4x512x512, 150 classes", SEGFORMER, 4, (512, 512), 150, memory=0.4),
    Case("SegFormer-B0, checkpointing", SEGFORMER, 4, (512, 512), 150, flags=("checkpointing",), memory=0.4),
)


def pixels(case: Case) -> tuple[list[Any], list[Any]]:
    """Images (3, H, W) uint8 and labels (1, H, W) in regions, with some that are ignored."""
    import torch

    images, labels = [], []
    height, width = case.size
    for number in range(case.batch):
        draw = torch.Generator().manual_seed(number)
        regions = torch.randint(0, case.classes, (1, 1, height // 32, width // 32), generator=draw)
        label = torch.nn.functional.interpolate(regions.float(), size=case.size)[0].long()
        label[:, : height // 16] = 255
        noise = torch.randint(0, 40, (3, height, width), generator=draw)
        images.append((label * 37 % 200 + noise).clamp(max=255).to(torch.uint8))
        labels.append(label)
    return images, labels


def segue_side(case: Case, data: Path) -> tuple[Callable[[], float], Any]:
    sys.path.insert(0, str(HERE.parent))
    import torch

    from segue.config.builder.build import build_model
    from segue.recipes.open import read_config
    from segue.training.compute.ways import apply_ways, filtered
    from segue.training.failures.not_finite import all_finite
    from segue.training.optimizers import build_optimizer, read_optim_wrapper
    from segue.training.step import losses_of
    from segue.types import SegSample

    size = f"model.data_preprocessor.size={case.size}"
    options = ["model.pretrained=None", "model.backbone.init_cfg=None", size]
    cfg = read_config(case.config, options)
    torch.manual_seed(0)
    model: Any = build_model(cfg).train()
    torch.save({"state_dict": model.state_dict()}, data / "weights.pth")
    apply_ways(
        model,
        {"channels_last": "channels-last" in case.flags, "activation_checkpointing": "checkpointing" in case.flags},
    )
    optimizer = build_optimizer(model, read_optim_wrapper(cfg["optim_wrapper"]))
    images, labels = pixels(case)
    samples = [SegSample({"ori_shape": case.size, "img_shape": case.size}) for _ in images]
    for sample, label in zip(samples, labels, strict=True):
        sample.gt_sem_seg = label[0]
    mixed = case.precision[0] == "bf16"

    def step() -> float:
        torch.manual_seed(1)
        with filtered({}):
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                total, _, _ = losses_of(model, {"inputs": images, "data_samples": samples})
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
        assert all_finite([p.grad for p in model.parameters() if p.grad is not None])
        optimizer.step()
        return total.item()

    return step, model


def reference_side(case: Case, data: Path) -> tuple[Callable[[], float], Any]:
    import warnings

    without_operators()
    warnings.simplefilter("ignore")
    import mmseg
    import torch
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper
    from mmengine.structures import PixelData
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample
    from mmseg.utils import register_all_modules

    register_all_modules()
    configs = Path(mmseg.__file__).parent / ".mim" / "configs"
    cfg = Config.fromfile(str(next(configs.rglob(f"{case.config}.py"))))
    cfg.model.pretrained = None
    cfg.model.backbone.init_cfg = None
    cfg.model.data_preprocessor.size = case.size
    model = MODELS.build(json.loads(json.dumps(cfg.model.to_dict()).replace("SyncBN", "BN"))).train()
    model.load_state_dict(torch.load(data / "weights.pth")["state_dict"])
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper.to_dict())
    images, labels = pixels(case)
    samples = []
    for label in labels:
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        sample.set_metainfo({"ori_shape": case.size, "img_shape": case.size, "pad_shape": case.size})
        samples.append(sample)
    mixed = case.precision[1] == "bf16"  # as its AmpOptimWrapper computes on a GPU

    def step() -> float:
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            batch = model.data_preprocessor({"inputs": images, "data_samples": samples}, True)
            total, _ = model.parse_losses(model._run_forward(batch, mode="loss"))
        wrapper.update_params(total)
        return float(total.item())

    return step, model


def started(python: str, side: str, number: int, args: argparse.Namespace, data: Path) -> Side:
    """A process that does the steps of one side of a case."""
    command = [python, __file__, "--side", side, "--case", str(number), "--data", str(data)]
    env = {**os.environ, **(AVX2 if args.isa == "avx2" else {})}
    return Side([*command, *(["--tiny"] if args.tiny else [])], env)


def shrunk(case: Case) -> Case:
    """A trial of the script itself."""
    small = (case.size[0] // 4, case.size[1] // 4)
    return Case(case.title, case.config, case.batch, small, case.classes, case.precision, case.flags)


def measure(number: int, args: argparse.Namespace) -> dict[str, Any]:
    case = CASES[number]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ours = started(sys.executable, "segue", number, args, data)  # writes the weights
        theirs = started(args.reference, "mmseg", number, args, data)
        for turn in range(-args.warm_up, args.rounds):
            for side in (ours, theirs) if turn % 2 == 0 else (theirs, ours):
                side.run(turn >= 0)
        ours.close()
        theirs.close()
    return {
        "case": case.title,
        "speed_target": case.speed,
        "memory_target": case.memory,
        "mmseg_s": statistics.median(theirs.walls),
        "segue_s": statistics.median(ours.walls),
        "ratio": statistics.median(t / o for t, o in zip(theirs.walls, ours.walls, strict=True)),
        "ratio_cpu": statistics.median(theirs.cpus) / statistics.median(ours.cpus),
        "mmseg_mib": theirs.mib,
        "segue_mib": ours.mib,
        "first_loss": [side.said[0]["loss"] for side in (theirs, ours)],
        "torch": [theirs.torch, ours.torch],
    }


def show(results: list[dict[str, Any]], args: argparse.Namespace) -> str:
    """The table, printed, as Markdown."""
    heads = ["step", "mmseg s", "Segue s", "ratio", "ratio (CPU time)", "target", "mmseg MiB", "Segue MiB", "share"]
    heads += ["target", "first losses"]
    rows = [
        [
            one["case"],
            f"{one['mmseg_s']:.2f}",
            f"{one['segue_s']:.2f}",
            f"{one['ratio']:.2f}",
            f"{one['ratio_cpu']:.2f}",
            "" if one["speed_target"] is None else f">= {one['speed_target']}",
            f"{one['mmseg_mib']:.0f}",
            f"{one['segue_mib']:.0f}",
            f"{one['segue_mib'] / one['mmseg_mib']:.2f}",
            "" if one["memory_target"] is None else f"<= {one['memory_target']}",
            "{:.5f}, {:.5f}".format(*one["first_loss"]),
        ]
        for one in results
    ]
    theirs, ours = results[0]["torch"]
    notes = (
        f"{datetime.date.today().isoformat()}, {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"instructions {args.isa}, Python {platform.python_version()}; torch {ours}, mmseg's {theirs}; medians of "
        f"{args.rounds} rounds in turns. Ratios are of each round; MiB are above the loaded model."
    )
    lines = ["| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows]]
    text = "\n".join(["# One optimizer step against mmseg 1.2.2", "", *lines, "", notes]) + "\n"
    print(text)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", help="the Python of a virtual environment with mmseg 1.2.2")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=1, help="rounds that do not count")
    parser.add_argument("--isa", choices=["native", "avx2"], default="native", help="instructions of both sides")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try the script; nothing is written")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the table")
    parser.add_argument("--side", help=argparse.SUPPRESS)  # of the processes that this script starts
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        case = shrunk(CASES[args.case]) if args.tiny else CASES[args.case]
        step, _ = reference_side(case, args.data) if args.side == "mmseg" else segue_side(case, args.data)
        serve(step, lambda loss: {"loss": loss})
        return
    if not args.reference:
        parser.error("--reference is needed")
    results = []
    for number, case in enumerate(CASES):
        if args.only in case.title:
            print(f"{case.title} ...", file=sys.stderr, flush=True)
            results.append(measure(number, args))
    if not results:
        parser.error(f"no row's name contains {args.only!r}: {', '.join(case.title for case in CASES)}")
    text = show(results, args)
    if not args.tiny:
        args.results.mkdir(parents=True, exist_ok=True)
        isa = "" if args.isa == "native" else f"-{args.isa}"
        path = args.results / f"training{isa}-{datetime.date.today().isoformat()}"
        path.with_suffix(".md").write_text(text, encoding="utf-8")
        path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
