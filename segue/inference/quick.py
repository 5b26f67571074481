"""The same logits in less time: batch normalization folded into convolutions, and channels last in memory.

What is folded is seen, not guessed: the first prediction is watched, and a normalization belongs to a convolution if it
reads the very tensor that this one made and nothing else does. Weights stay where they are and may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._python_dispatch import TorchDispatchMode

from segue.layers.quick import Folded, quickly

_MODELS: WeakKeyDictionary[nn.Module, Quick] = WeakKeyDictionary()


def predicted(model: nn.Module, inputs: Tensor, run: Callable[[Tensor], Tensor]) -> Tensor:
    """``run(inputs)``, a pass through ``model`` in evaluation without gradients, in the quick way.

    Args:
        model: whose modules run.
        inputs: (B, C, H, W).
        run: to logits.
    """
    if model.training or torch.is_grad_enabled() or torch.compiler.is_compiling():
        return run(inputs)
    quick = _MODELS.setdefault(model, Quick())
    if quick.pairs is None:
        with quick.watching(model):
            return run(inputs)
    with quick.folded(), quickly():
        return run(inputs.contiguous(memory_format=torch.channels_last))


class Quick:
    """The convolutions of a model that a batch normalization follows.

    Attributes:
        pairs: them; None before the model was watched.
    """

    def __init__(self) -> None:
        self.pairs: list[Folded] | None = None
        self._lock = RLock()
        self._users = 0

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Find the pairs in what runs within."""
        seen = _Seen()
        hooks = []
        for module in model.modules():
            if type(module) is nn.Conv2d:
                hooks.append(module.register_forward_hook(seen.made))
            elif isinstance(module, _BatchNorm) and type(module).__module__.startswith("torch."):
                hooks.append(module.register_forward_pre_hook(seen.read))
        try:
            with seen:
                yield
        finally:
            for hook in hooks:
                hook.remove()
        self.pairs = [Folded(conv, norm) for conv, norm in seen.pairs() if _is_plain(conv) and _is_plain(norm)]

    @contextmanager
    def folded(self) -> Iterator[None]:
        """Within, the convolutions normalize and the normalizations do nothing."""
        pairs = self.pairs or []
        with self._lock:
            self._users += 1
            if self._users == 1:
                for pair in pairs:
                    if not pair.norm.training and _is_plain(pair.conv) and _is_plain(pair.norm):
                        pair.refresh()
                        pair.conv.forward, pair.norm.forward = pair, _same  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    for pair in pairs:
                        vars(pair.conv).pop("forward", None)
                        vars(pair.norm).pop("forward", None)


class _Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Which convolution made a tensor, which normalization read it, and how often anything did."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._made: dict[int, tuple[ref[Tensor], nn.Conv2d]] = {}
        self._uses: dict[nn.Conv2d, int] = {}
        self._calls: dict[nn.Module, int] = {}
        self._read: dict[nn.Conv2d, _BatchNorm] = {}

    def made(self, conv: nn.Conv2d, _: Any, output: Tensor) -> None:
        """A convolution returned ``output``."""
        self._made[id(output)] = (ref(output), conv)
        self._uses[conv] = 0
        self._calls[conv] = self._calls.get(conv, 0) + 1

    def read(self, norm: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        """A normalization is given its input."""
        self._calls[norm] = self._calls.get(norm, 0) + 1
        conv = self._conv(inputs[0])
        if conv is not None:
            self._read[conv] = norm

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count the uses of what convolutions made."""
        for value in _tensors((*args, *(kwargs or {}).values())):
            if (conv := self._conv(value)) is not None:
                self._uses[conv] += 1
        return func(*args, **(kwargs or {}))

    def pairs(self) -> list[tuple[nn.Conv2d, _BatchNorm]]:
        """Convolutions that ran once, whose output one normalization, and nothing else, read."""
        return [
            (conv, norm)
            for conv, norm in self._read.items()
            if self._uses[conv] == 1 and self._calls[conv] == 1 and self._calls[norm] == 1
        ]

    def _conv(self, value: Tensor) -> nn.Conv2d | None:
        made = self._made.get(id(value))
        return made[1] if made is not None and made[0]() is value else None


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _is_plain(module: nn.Conv2d | _BatchNorm) -> bool:
    """Whether the module does what its class does, with tensors that can be read here."""
    if vars(module).get("forward") is not None or module._forward_hooks or module._forward_pre_hooks:
        return False
    if isinstance(module, nn.Conv2d) and module.padding_mode != "zeros":
        return False
    if isinstance(module, _BatchNorm) and (module.running_mean is None or module.running_var is None):
        return False
    values = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return all(type(value) in (Tensor, nn.Parameter) and value.device.type != "meta" for value in values)


def _same(x: Tensor) -> Tensor:
    return x
