"""The memory and time of one training step, measured without leaving a trace in the run."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.training.failures.not_finite import alone
from segue.training.step import losses_of

#: A second step is timed where the first, which also warms up, took no longer than so many seconds.
QUICK = 2.0
_OWN = ("_parameters", "_buffers", "_modules", "training")


@dataclass(frozen=True)
class Measured:
    """One step.

    Attributes:
        seconds: forward and backward pass, without the optimizer.
        activations: bytes kept for the backward pass, weights not counted.
        peak: bytes allocated at most on a GPU; None on the CPU.
        images, pixels: of the batch.
        names: of the values that the log will have.
    """

    seconds: float
    activations: int
    peak: int | None
    images: int
    pixels: int
    names: tuple[str, ...] = ()


def measure(
    model: nn.Module, batch: Any, device: torch.device, forward: Callable[[], AbstractContextManager[Any]]
) -> Measured:
    """Do a step of ``batch``; weights, buffers, gradients, modes and random generators are then as before.

    Args:
        model: the segmentor.
        batch: as the loader gives it.
        device: where it computes.
        forward: makes the context of the forward pass, such as autocast.
    """
    kept, seen = 0, set[int]()
    names: tuple[str, ...] = ()
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        nonlocal kept
        at = tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided else 0
        if at not in seen and at not in weights:
            seen.add(at)
            kept += tensor.numel() * tensor.element_size()
        return tensor

    def step() -> float:
        nonlocal names
        begin = time.perf_counter()
        with forward():
            total, values, _ = losses_of(model, batch)
        names = ("loss", *values)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        torch.autograd.grad(total.sum(), trained, allow_unused=True)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin

    with untouched(model, device), alone(model):
        model.train()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            seconds = step()
        peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
        if seconds < QUICK:
            seconds = step()
    inputs = batch["inputs"]
    sizes = [
        int(np.prod(image.shape[-2:])) for part in inputs for image in (part if isinstance(part, list) else [part])
    ]
    return Measured(seconds, kept, peak, len(inputs), max(sizes), names)


@contextmanager
def untouched(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Put back what a step may change: tensors of the model, what its modules note, modes, random generators."""
    python, legacy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    tensors = [(t, t.detach().to("cpu", copy=True)) for t in (*model.parameters(), *model.buffers())]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    notes = [(module, module.training, _notes(module), set(vars(module))) for module in model.modules()]
    registered = [(module, dict(module._buffers)) for module in model.modules()]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, buffers in registered:
                module._buffers.update(buffers)
            for tensor, value in tensors:
                tensor.copy_(value)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for module, training, noted, names in notes:
            module.training = training
            for name in set(vars(module)) - names:
                del vars(module)[name]
            vars(module).update(noted)
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state(cuda, device)


def _notes(module: nn.Module) -> dict[str, Any]:
    """Copies of what a module keeps as plain attributes: counts, lists, tensors, generators."""
    found = {}
    plain = (bool, int, float, str, list, dict, set, Tensor, np.ndarray, np.random.Generator, random.Random, type(None))
    for name, value in vars(module).items():
        if name not in _OWN and not name.endswith("_hooks") and isinstance(value, plain):
            try:
                found[name] = copy.deepcopy(value)
            except Exception:  # such as a tensor within a graph: left as it is
                continue
    return found
