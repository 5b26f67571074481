"""Which differences of a training step's numbers are no more than another order of sums makes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from segue.types import Targets

#: What another order of sums moves in a layer's output, relative to its largest value. The logits then move by 5e-6 of
#: theirs, as they do between processors.
ROUNDING = 1e-6
DRAWS = 64  # of such movements; the last ones are needed only where a decision is seldom taken otherwise
LARGEST_DECISION = 1e-2  # no deviation above it is excused by rounding


def relative(value: float, golden: float, floor: float = 1e-12) -> float:
    """Relative difference of two numbers; infinite where one is not finite."""
    if not (math.isfinite(value) and math.isfinite(golden)):
        return 0.0 if repr(value) == repr(golden) else math.inf
    return abs(value - golden) / max(abs(golden), floor)


def training_step(model: nn.Module, x: Tensor, targets: Targets) -> dict[str, dict[str, float]]:
    """``loss``: losses and accuracies by name; ``grad``: the norm of the gradients by the first two parts of a name.

    The model's buffers stay as they are.
    """
    kept = [buffer.clone() for buffer in model.buffers()]
    model.zero_grad()
    torch.manual_seed(0)  # as when the numbers were recorded, for models that draw points
    losses = model.loss(x, targets)  # type: ignore[operator]
    sum(value for key, value in losses.items() if "loss" in key).backward()  # type: ignore[union-attr]
    with torch.no_grad():
        for buffer, before in zip(model.buffers(), kept, strict=True):
            buffer.copy_(before)
    squares: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            prefix = ".".join(name.split(".")[:2])
            squares[prefix] = squares.get(prefix, 0.0) + float(parameter.grad.double().pow(2).sum())
    norms = {prefix: math.sqrt(square) for prefix, square in squares.items()}
    return {"loss": {key: value.item() for key, value in losses.items()}, "grad": norms}


def explained(
    model: nn.Module,
    x: Tensor,
    targets: Targets,
    far: dict[tuple[str, str], float],
    floor: dict[str, float],
    tolerance: dict[str, float],
) -> set[tuple[str, str]]:
    """Which deviations (by kind and name) are within a tolerance of what rounding does to the same model's number.

    Losses and gradients are smooth but for decisions: a ReLU's at zero, a maximum among equals, a chosen point. Where
    two processors decide alike, they agree to 4e-6; where one activation is as good as zero, they may not, and
    neither is wrong. Draws come in pairs of opposite movements, so that what is undecided falls on both sides.
    """
    own, known = training_step(model, x, targets), set()
    for draw in range(DRAWS):
        with rounded_otherwise(model, seed=draw // 2, sign=1 - 2 * (draw % 2)):
            other = training_step(model, x, targets)
        for kind, name in far.keys() - known:
            numbers = (step[kind].get(name, 0.0) for step in (other, own))
            if relative(*numbers, floor[kind]) + tolerance[kind] >= far[kind, name]:
                known.add((kind, name))
        if len(known) == len(far):
            break
    return known


@contextlib.contextmanager
def rounded_otherwise(model: nn.Module, seed: int, sign: int) -> Iterator[None]:
    """Move each output of a convolution or linear layer at random, by up to ``ROUNDING`` of the largest one."""
    generator = torch.Generator().manual_seed(seed)

    def move(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        noise = 2 * torch.rand(output.shape, generator=generator) - 1
        return output + sign * ROUNDING * output.detach().abs().max() * noise

    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
    hooks = [layer.register_forward_hook(move) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
