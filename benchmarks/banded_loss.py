"""Loss and gradient by bands against logits of full size: difference, peak memory, time, in settings of all kinds.

    python benchmarks/banded_loss.py

Each measurement is a process of its own, whose peak (resident memory, Linux) is what the step added to it; the time is
the best of three steps. The settings are crops of Cityscapes and ADE20K, and what is around the bound from which bands
are used (`DecodeHead.bands_from`).
"""

from __future__ import annotations

import datetime
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from sides import processor
from torch import Tensor, nn

from segue.layers.decode_head import DecodeHead, HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.losses.dice import DiceLoss
from segue.losses.ohem import OHEMPixelSampler
from segue.losses.ohem_cross_entropy import OhemCrossEntropy
from segue.types import Targets

#: what the head has, from the number of classes
LOSSES: dict[str, Callable[[int], list[nn.Module]]] = {
    "cross-entropy": lambda _: [CrossEntropyLoss()],
    "with class weights": lambda classes: [CrossEntropyLoss(class_weight=[0.5 + i / classes for i in range(classes)])],
    "with sampled pixels": lambda _: [CrossEntropyLoss()],
    "OhemCrossEntropy": lambda _: [OhemCrossEntropy()],
    "with Dice": lambda _: [CrossEntropyLoss(), DiceLoss(use_sigmoid=False)],
}
#: losses, images, classes, height, width
SETTINGS = [
    *((name, 2, 19, 512, 1024) for name in LOSSES),
    *((name, 4, 150, 512, 512) for name in LOSSES),
    ("cross-entropy", 4, 19, 128, 128),
    ("cross-entropy", 4, 19, 256, 256),
]


def measure(how: str, setting: int) -> None:
    """Print loss, the gradient's norm, MiB and seconds of one setting, ``whole`` or in ``bands``."""
    name, images, classes, height, width = SETTINGS[setting]
    losses = LOSSES[name](classes)
    sampler = OHEMPixelSampler(thresh=0.7) if name == "with sampled pixels" else None
    head = DecodeHead(HeadOptions(in_channels=4, channels=4, num_classes=classes, loss_decode=losses, sampler=sampler))  # type: ignore[arg-type]
    head.bands_from = sys.maxsize if how == "whole" else 0
    generator = torch.Generator().manual_seed(0)
    logits: Tensor = torch.randn(images, classes, height // 4, width // 4, generator=generator).requires_grad_()
    targets = Targets(labels=torch.randint(0, classes, (images, height, width), generator=generator))
    targets.labels[:, :9] = 255
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(3):
        logits.grad = None
        start = time.perf_counter()
        found = head.loss_of_logits(logits, targets)
        value = torch.stack([part for name, part in found.items() if "loss" in name]).sum()
        value.backward()
        times.append(time.perf_counter() - start)
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert logits.grad is not None
    print(value.item(), logits.grad.norm().item(), added, min(times))


def main() -> None:
    """Measure all settings, print the table and write it to benchmarks/results/."""
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    lines = [
        "# Losses by bands against logits of full size",
        "",
        "| losses | images x classes x size | loss, relative | gradient norm, relative | MiB | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for index, (name, images, classes, height, width) in enumerate(SETTINGS):
        whole, bands = (
            [float(word) for word in subprocess.check_output([sys.executable, __file__, how, str(index)]).split()]
            for how in ("whole", "bands")
        )
        off = [abs(b / a - 1) for a, b in zip(whole[:2], bands[:2], strict=True)]
        lines.append(
            f"| {name} | {images} x {classes} x {height} x {width} | {off[0]:.1e} | {off[1]:.1e} "
            f"| {whole[2]:.0f} -> {bands[2]:.0f} | {whole[3]:.3f} -> {bands[3]:.3f} |"
        )
        print(lines[-1], flush=True)
    today = datetime.date.today().isoformat()
    lines += ["", f"{today}, {processor()}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, torch "]
    lines[-1] += f"{torch.__version__}; `python benchmarks/banded_loss.py`"
    path = Path(__file__).parent / "results" / f"banded_loss-{today}.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
