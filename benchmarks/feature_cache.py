"""Processor time of a step that trains a head on a frozen encoder, with and without its features kept on disk.

    python benchmarks/feature_cache.py --arch dinov2-s --side 224 --images 24 --passes 3

Both sides train the same linear head on the same generated images, without flips, with a batch of 2; weights of the
encoder are random, which costs as much as trained ones. The first pass over the images computes and writes, the later
ones read. A step is all that the process does from one to the next, reading and decoding included. Of the steps of a
pass the least processor time counts, in one thread: other work on a machine only adds to it. The losses of both sides
are compared. A table is printed, and written to benchmarks/results/ with the date.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
import platform
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BATCH = 2


def folder_of_images(folder: Path, count: int, side: int) -> None:
    """Noise and its brightness in four classes."""
    import cv2
    import numpy as np

    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        rng = np.random.default_rng(i)
        labels = np.kron(rng.integers(0, 4, (4, 4)), np.ones((side // 4, side // 4))).astype(np.uint8)
        image = labels[..., None] * 60 + rng.integers(0, 40, (*labels.shape, 3))
        cv2.imwrite(str(folder / "masks" / f"{i}.png"), labels)
        cv2.imwrite(str(folder / "images" / f"{i}.jpg"), image.astype(np.uint8))


def config(folder: Path, arch: str, width: int, side: int, steps: int, kept: str | None) -> dict[str, Any]:
    """A frozen encoder, BN and a linear head."""
    pipeline = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]
    dataset = {"type": "FolderDataset", "data_root": str(folder), "classes": list("abcd"), "pipeline": pipeline}
    mean = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "bgr_to_rgb": True}
    return {
        "model": {
            "type": "EncoderDecoder",
            "data_preprocessor": {"type": "SegDataPreProcessor", "size": (side, side), **mean},
            "backbone": {"type": "DinoVisionTransformer", "arch": arch, "img_size": 518, "freeze": True},
            "decode_head": {
                "type": "BNHead",
                "in_channels": [width],
                "in_index": [0],
                "input_transform": "resize_concat",
                "channels": width,
                "num_classes": 4,
            },
        },
        "train_dataloader": {
            "batch_size": BATCH,
            "num_workers": 0,
            "sampler": {"type": "DefaultSampler", "shuffle": True},
            "dataset": dataset,
        },
        "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": steps},
        "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 1e-3}},
        "default_hooks": {"logger": {"type": "LoggerHook", "interval": 1}},
        "randomness": {"seed": 0},
        **({"feature_cache": kept} if kept else {}),
    }


def run(cfg: dict[str, Any], folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of processor time, and the loss, of each step."""
    from lightning.pytorch import Callback
    from rich.console import Console

    from segue.config import Config
    from segue.training.trainer import Machine, train

    class Clock(Callback):
        """The processor time after each step."""

        def __init__(self) -> None:
            self.times: list[float] = []

        def on_train_batch_end(self, *_: Any) -> None:
            self.times.append(time.process_time())

    clock = Clock()
    given = {"console": Console(file=io.StringIO()), "callbacks": [clock], "report": False}
    train(Config(cfg), work_dir=folder, machine=Machine(accelerator="cpu", devices=1), **given)
    losses = [json.loads(line)["loss"] for line in (folder / "scalars.jsonl").read_text().splitlines()]
    return [b - a for a, b in pairwise(clock.times)], losses


def main() -> None:
    """Measure, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="dinov2-s")
    parser.add_argument(
        "--side", type=int, default=224, help="of the images, in pixels; a multiple of 4 and of patches"
    )
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--passes", type=int, default=3)
    args = parser.parse_args()
    sys.path.insert(0, str(HERE.parent))
    import torch

    from segue.backbones.dino_vision_transformer import ARCHS

    torch.set_num_threads(1)
    width, length = ARCHS[args.arch].embed_dim, args.images // BATCH
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder_of_images(folder / "data", args.images, args.side)
        both = {}
        for side, kept in (("computed", None), ("kept", str(folder / "kept"))):
            cfg = config(folder / "data", args.arch, width, args.side, args.passes * length, kept)
            both[side] = run(cfg, folder / side)
        stored = sum(file.stat().st_size for file in (folder / "kept").rglob("*.bin"))
    far = max(abs(a - b) / a for a, b in zip(both["computed"][1], both["kept"][1], strict=True))
    lines = [
        f"Training a linear head on a frozen {args.arch}, {args.side} x {args.side} pixels, batch {BATCH}, "
        f"{args.images} images; {platform.machine()}, torch {torch.__version__}, one thread. "
        f"Features: {stored / args.images / 1e6:.2f} MB an image. Largest difference of a loss: {far:.1e} of it.",
        "",
        "| processor time of a step | first pass | later passes |",
        "|---|---|---|",
    ]
    least = {}
    for side, (times, _) in both.items():
        parts = times[: length - 1], times[length - 1 :]
        least[side] = [min(part) for part in parts]
        lines.append(f"| features {side} | {' | '.join(f'{value * 1e3:.0f} ms' for value in least[side])} |")
    ratio = [a / b for a, b in zip(least["computed"], least["kept"], strict=True)]
    lines.append(f"| steps in the same time | {' | '.join(f'{value:.2f} x' for value in ratio)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    name = f"feature_cache-{args.arch}-{args.side}-{datetime.date.today()}.md"
    (HERE / "results" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
