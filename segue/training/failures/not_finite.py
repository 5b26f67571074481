"""The first place of a step where a value is no number, found by doing the step again with hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import MethodType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

#: Does the forward pass: the total loss, and the values by name.
Losses: TypeAlias = Callable[[], tuple[Tensor, Mapping[str, Tensor]]]


def first_not_finite(model: nn.Module, losses: Losses, inputs: Any = None, scale: float = 1.0) -> str:
    """Do a step again, and say where NaN or Inf comes from, in one sentence; empty where all is finite.

    Args:
        model: the segmentor, in the mode of training; its gradients are left alone.
        losses: the forward pass.
        inputs: the images of the batch, looked at first.
        scale: fp16's loss scale.
    """
    for name, tensor in _tensors(inputs, "inputs"):
        if not_finite(tensor):
            return f"the batch's own values are not finite: {name} has {counted(tensor)}"
    weights = [f"{name} ({counted(value)})" for name, value in _kept(model) if not_finite(value)]
    with ExitStack() as stack:
        seen = stack.enter_context(watched(model))
        stack.enter_context(alone(model))
        total, values = losses()
        found = _forward(seen, total, values)
        if not found:
            trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
            given = torch.autograd.grad(total.sum() * scale, list(trained.values()), allow_unused=True)
            found = _backward(seen, dict(zip(trained, given, strict=True)))
    if weights:
        some = ", ".join(weights[:3]) + (f" and {len(weights) - 3} more" if len(weights) > 3 else "")
        return f"the weights are not finite before the step: {some}" + (f"; {found}" if found else "")
    return found


#: normalizations that write what they saw when they train
NORMS = (nn.modules.batchnorm._BatchNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)


class Seen:
    """What the hooks of one step have noted."""

    def __init__(self) -> None:
        self.forward = ""  # the first output
        self.backward = ""  # the first gradient of an output


@contextmanager
def watched(model: nn.Module) -> Iterator[Seen]:
    """Look at the output of every module, in the order in which they end, and at the gradients that come back."""
    seen, handles = Seen(), []

    def look(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        for _, tensor in _tensors(output, ""):
            if not seen.forward and not_finite(tensor):
                came = [part for _, part in _tensors(inputs, "") if not_finite(part)]
                whence = "and so is its input" if came else "its input is finite"
                seen.forward = f"{_named(name, module)}: {counted(tensor)}; {whence}{_settings(module)}"
            if tensor.requires_grad and tensor.is_floating_point():
                tensor.register_hook(partial(come_back, name, module))  # type: ignore[no-untyped-call]

    def come_back(name: str, module: nn.Module, gradient: Tensor) -> None:
        if not seen.backward and not_finite(gradient):
            seen.backward = f"{_named(name, module)}: {counted(gradient)}"

    for name, module in model.named_modules():
        handles.append(module.register_forward_hook(partial(look, name)))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def alone(model: nn.Module) -> Iterator[None]:
    """Let synchronized normalizations use this process's part of the batch: the other processes do not take part."""
    synced = [module for module in model.modules() if isinstance(module, nn.SyncBatchNorm)]
    for module in synced:
        module.forward = MethodType(nn.modules.batchnorm._BatchNorm.forward, module)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in synced:
            del module.forward


def not_finite(tensor: Tensor) -> bool:
    """Whether a tensor has NaN or Inf."""
    return (tensor.is_floating_point() or tensor.is_complex()) and not bool(torch.isfinite(tensor.detach()).all())


def counted(tensor: Tensor) -> str:
    """How many values are what: ``3 of 40 values NaN, 1 Inf``."""
    nan, inf = int(torch.isnan(tensor).sum()), int(torch.isinf(tensor).sum())
    parts = [f"{n} {word}" for n, word in ((nan, "NaN"), (inf, "Inf")) if n]
    return f"{' and '.join(parts)} of {tensor.numel()} values" if parts else "finite"


def all_finite(tensors: list[Tensor]) -> Tensor:
    """Whether all of them are finite, as a boolean on their device: one pass."""
    tensors = [tensor for tensor in tensors if tensor.numel() and not tensor.is_sparse]
    if not tensors:
        return torch.ones((), dtype=torch.bool)
    fine = torch.isfinite(nn.utils.get_total_norm(tensors, 1.0))  # a sum may overflow where no value does
    return fine if bool(fine) else torch.tensor(not any(not_finite(tensor) for tensor in tensors))


def _forward(seen: Seen, total: Tensor, values: Mapping[str, Tensor]) -> str:
    if seen.forward:
        return f"the first layer whose output is not finite is {seen.forward}"
    bad = [name for name, value in values.items() if name != "loss" and not_finite(value)]
    if bad or not_finite(total):
        named = ", ".join(bad) or "the sum of the losses"
        return f"every layer's output is finite, and {named} is not: the fault is in how the loss is computed"
    return ""


def _backward(seen: Seen, gradients: Mapping[str, Tensor | None]) -> str:
    bad = [f"{name} ({counted(g)})" for name, g in gradients.items() if g is not None and not_finite(g)]
    if not seen.backward and not bad:
        return ""
    text = "the loss is finite, its gradient is not"
    if seen.backward:
        text += f": going backwards, the first is that of the output of {seen.backward}"
    if bad:
        text += f"; parameters: {', '.join(bad[:3])}" + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    return text


def _kept(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, and the buffers that a step only reads: those of a training normalization it has written itself."""
    yield from model.named_parameters()
    for at, module in model.named_modules():
        if not (module.training and isinstance(module, NORMS)):
            yield from module.named_buffers(at, recurse=False)


def _named(name: str, module: nn.Module) -> str:
    return f"{name or 'the model'} ({type(module).__name__})"


def _settings(module: nn.Module) -> str:
    """The arguments of a module that are not finite, such as a weight of a class."""
    bad = []
    for name, value in vars(module).items():
        numbers = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(number, float) and number - number != 0 for number in numbers):
            bad.append(f"its {name} is {value}")
    return f"; {', '.join(bad)}" if bad else ""


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """The tensors in lists, tuples and dicts, with where each is."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _tensors(part, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for at, part in enumerate(value):
            yield from _tensors(part, f"{name}.{at}")
