"""Where 3 x 3 convolutions take less time by minimal filtering than directly: a table of channels and sizes.

    python benchmarks/winograd.py
    python benchmarks/winograd.py --training

The rule of `segue.layers.winograd.is_worth` comes from it, and that of `segue.layers.winograd_training`
from ``--training``, which takes both gradients of two maps, too. Medians in turns, on this machine's processor.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent))

from segue.layers import winograd, winograd_training
from segue.layers.winograd_training import filtering

CHANNELS = ((64, 64), (128, 128), (128, 256), (256, 256), (512, 128), (512, 256), (512, 512), (720, 512), (2048, 512))
SIZES = ((16, 1), (32, 1), (64, 1), (64, 2), (97, 4), (128, 1))


def ratio(inputs: int, outputs: int, size: int, dilation: int, rounds: int = 5) -> float:
    """Time of the direct convolution of one map of ``size`` x ``size``, divided by that of minimal filtering."""
    x = torch.randn(1, inputs, size, size).relu().contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(outputs, inputs, 3, 3) / (3 * inputs**0.5), torch.randn(outputs)
    filters, weight = winograd.transformed(weight), weight.contiguous(memory_format=torch.channels_last)
    ratios = []
    for _ in range(rounds):
        start = time.perf_counter()
        F.conv2d(x, weight, bias, 1, dilation, dilation)
        middle = time.perf_counter()
        winograd.convolved(x, filters, bias, dilation)
        ratios.append((middle - start) / (time.perf_counter() - middle))
    return statistics.median(ratios)


def training_ratio(inputs: int, outputs: int, size: int, dilation: int, rounds: int = 3) -> float:
    """The same of the convolution of two maps and the gradients of both, laid out as they usually are."""
    x = torch.randn(2, inputs, size, size).relu().requires_grad_()
    weight = (torch.randn(outputs, inputs, 3, 3) / (3 * inputs**0.5)).requires_grad_()
    gradient = torch.randn(2, outputs, size, size)
    ratios = []
    for _ in range(rounds):
        times = []
        for way in (nullcontext(), filtering()):
            start = time.perf_counter()
            with way:
                torch.autograd.grad(F.conv2d(x, weight, None, 1, dilation, dilation), (x, weight), gradient)
            times.append(time.perf_counter() - start)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios)


def main() -> None:
    training = sys.argv[1:] == ["--training"]
    measure = training_ratio if training else ratio
    if training:  # all are measured
        winograd_training.WORTH = (0, 2**30)
        winograd.WORTH_CHANNELS = winograd.WORTH_TILES = 0
    print("| channels | " + " | ".join(f"{size}, dilation {dilation}" for size, dilation in SIZES) + " |")
    print("| --- " * (len(SIZES) + 1) + "|")
    for inputs, outputs in CHANNELS:
        with nullcontext() if training else torch.inference_mode():
            row = [f"{measure(inputs, outputs, size, dilation):.2f}" for size, dilation in SIZES]
        print(f"| {inputs} to {outputs} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
