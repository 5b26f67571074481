"""``compile``, ``channels_last`` and ``activation_checkpointing`` of a config, done to a model in its place.

Keys of weights and the predictions of validations stay as they are: what is changed is how a training step computes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from segue.errors import ConfigError, Problem, nearest
from segue.layers.winograd_training import filtering

PARTS = ("backbone", "neck", "decode_head", "auxiliary_head")
#: of mmengine's ``compile``; which method is compiled is Segue's affair
_IGNORED = ("target", "verbose")


def apply_ways(model: nn.Module, cfg: Mapping[str, Any]) -> list[str]:
    """Do what the config asks for; lines that say so.

    Raises:
        ConfigError: modules that are not there, or unknown arguments of ``torch.compile``.
    """
    said = []
    if cfg.get("channels_last"):
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        said.append("channels_last: kernels of convolutions lie channel by channel, and so do their outputs")
    if given := cfg.get("activation_checkpointing"):
        names = [name for name, module in chosen(model, given) if recompute(module)]
        some = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
        said.append(f"activation_checkpointing: computed again in the backward pass: {len(names)} modules ({some})")
    if given := cfg.get("compile"):
        names = compiled(model, given)
        said.append(f"compile: {', '.join(names)}, in training; the first step takes the time to compile them")
    return said


def filtered(cfg: Mapping[str, Any], *, cuda: bool = False) -> AbstractContextManager[None]:
    """Within, training computes wide convolutions on the processor by minimal filtering, unless ``winograd=False``."""
    left_out = cuda or cfg.get("winograd") is False or cfg.get("compile")
    return nullcontext() if left_out else filtering()


def told_unfiltered(cfg: Mapping[str, Any], precision: str, *, cuda: bool) -> Sequence[str]:
    """A line where ``winograd=True`` is asked for and not done."""
    reasons = {"on a GPU": cuda, "with compile": cfg.get("compile"), f"in {precision}": precision != "32-true"}
    found = [reason for reason, holds in reasons.items() if holds]
    return [f"winograd: is not done {found[0]}"] if cfg.get("winograd") and found else []


def chosen(model: nn.Module, given: Any) -> Iterator[tuple[str, nn.Module]]:
    """The modules to compute again: those that are named, or of one that holds a row of blocks, its blocks. True names
    all parts.

    Raises:
        ConfigError: a name that is no module's.
    """
    known = dict(model.named_modules())
    names = [part for part in PARTS if part in known] if given is True else [given] if isinstance(given, str) else given
    problems = []
    for name in names:
        if name not in known:
            hint = nearest(str(name), [path for path in known if path])
            problems.append(Problem("activation_checkpointing", f"the model has no module {name!r}{hint}"))
    if problems:
        raise ConfigError(problems)
    for name in names:
        blocks = list(_blocks(known[name], name))
        yield from blocks or [(name, known[name])]


def _blocks(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules of which a neighbour has the same class, and that are made of several with weights."""
    children = dict(module.named_children())
    for name, child in children.items():
        alike = sum(type(other) is type(child) for other in children.values())
        weighty = sum(1 for part in child.modules() if list(part.parameters(recurse=False)))
        if alike > 1 and weighty > 1 and not isinstance(child, (nn.Sequential, nn.ModuleList)):
            yield f"{path}.{name}", child
        else:
            yield from _blocks(child, f"{path}.{name}")


def recompute(module: nn.Module) -> bool:
    """Keep of a module what goes in, and compute it again in the backward pass; whether that can be done."""
    if isinstance(module, (nn.ModuleList, nn.ModuleDict)):
        return False  # is never called
    usual = module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        if not (module.training and torch.is_grad_enabled()):
            return usual(*args, **kwargs)
        again: Callable[[], Any] = lambda: (nullcontext(), counted_once(module))  # noqa: E731
        return checkpoint(usual, *args, use_reentrant=False, context_fn=again, **kwargs)

    forward.again = True  # type: ignore[attr-defined] # layers that know a way with less memory take that one
    module.forward = forward
    return True


@contextmanager
def counted_once(module: nn.Module) -> Iterator[None]:
    """Normalizations see a batch twice, and count it once."""
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    before = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
    counts = [None if count is None else count.clone() for *_, count in before]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for (norm, momentum, count), known in zip(before, counts, strict=True):
            norm.momentum = momentum
            if count is not None and known is not None:
                count.copy_(known)


def compiled(model: nn.Module, given: Any) -> list[str]:
    """Compile the parts of a model for training; their names.

    Raises:
        ConfigError: ``torch.compile`` has no such argument or backend.
    """
    options = {k: v for k, v in given.items() if k not in _IGNORED} if isinstance(given, Mapping) else {}
    known = [name for name in inspect.signature(torch.compile).parameters if name not in ("model", "disable")]
    problems = [
        Problem(f"compile.{name}", f"torch.compile has no argument {name!r}{nearest(str(name), known)}")
        for name in options
        if name not in known
    ]
    backend = options.get("backend", "inductor")
    if isinstance(backend, str) and backend not in (every := torch.compiler.list_backends(exclude_tags=())):
        problems.append(Problem("compile.backend", f"there is no {backend!r}{nearest(backend, every)}"))
    if problems:
        raise ConfigError(problems)
    names = [name for name in PARTS if isinstance(getattr(model, name, None), nn.Module)]
    for name in names:
        part = getattr(model, name)
        for module in part if isinstance(part, nn.ModuleList) else [part]:
            _compile(module, options)
    return names


def _compile(module: nn.Module, options: Mapping[str, Any]) -> None:
    usual = module.forward
    quick = torch.compile(usual, **options)

    def forward(*args: Any, **kwargs: Any) -> Any:
        return quick(*args, **kwargs) if module.training else usual(*args, **kwargs)

    module.forward = forward


def told_precision(precision: str, dtype: str | None, amp: bool) -> Sequence[str]:
    """A line where mixed precision is another than the config's."""
    if amp and precision == "bf16-mixed" and dtype not in ("bfloat16", "bf16"):
        return ["mixed precision is bf16 here: fp16 needs a CUDA device"]
    return []
