"""What a class must be to stand at a place of a config, and the packages whose classes may, by import path.

The table of docs/security.md says the same; a test compares them. Nothing is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What a place of a config takes.

    Attributes:
        title: for messages.
        fits: whether a class is one.
        packages: installed packages whose classes may stand there.
    """

    title: str
    fits: Callable[[type], bool]
    packages: tuple[str, ...] = ()


def _derives(*bases: str) -> Callable[[type], bool]:
    """Whether a class has a base of one of some names, ``module.Class``; that module need not be imported."""

    def fits(cls: type) -> bool:
        return any(f"{base.__module__}.{base.__qualname__}" in bases for base in cls.__mro__)

    return fits


def _offers(*methods: str) -> Callable[[type], bool]:
    """Whether instances of a class have some methods of their own."""

    def fits(cls: type) -> bool:
        return all(any(name in vars(base) for base in cls.__mro__) for name in methods)

    return fits


def _any(*tests: Callable[[type], bool]) -> Callable[[type], bool]:
    return lambda cls: any(test(cls) for test in tests)


def _dataset(cls: type) -> bool:
    return _derives("torch.utils.data.dataset.Dataset")(cls) or (
        _offers("__getitem__", "__len__")(cls) and not _module(cls)
    )


_module = _derives("torch.nn.modules.module.Module")
_NETS = ("torch.nn", "torchvision.models", "torchvision.ops", "timm")
_NET = Kind("a torch.nn.Module", _module, _NETS)

#: The places of a config: the rooms of components, and the parts of training.
KINDS: dict[str, Kind] = {
    "models": _NET,
    "backbones": _NET,
    "necks": _NET,
    "heads": _NET,
    "losses": Kind("a torch.nn.Module, or a pixel sampler with `sample`", _any(_module, _offers("sample")), _NETS),
    "datasets": Kind("a torch.utils.data.Dataset, or a class with `__getitem__` and `__len__`", _dataset),
    "transforms": Kind(
        "a class with `__call__` or `transform`",
        _any(_offers("__call__"), _offers("transform")),
        ("albumentations",),
    ),
    "metrics": Kind(
        "a metric, with `update` and `compute` or mmengine's `process` and `compute_metrics`",
        _any(_offers("update", "compute"), _offers("process", "compute_metrics")),
    ),
    "hooks": Kind(
        "a Lightning callback, or a class with mmengine's hook points",
        _any(
            _derives("lightning.pytorch.callbacks.callback.Callback"),
            _offers("before_train_iter"),
            _offers("after_train_iter"),
        ),
        ("lightning.pytorch.callbacks",),
    ),
    "samplers": Kind("a sampler, with `__iter__` and `__len__`", _offers("__iter__", "__len__")),
    "loops": Kind("a loop of training, with `run`", _offers("run")),
    "optimizers": Kind("a torch.optim.Optimizer", _derives("torch.optim.optimizer.Optimizer"), ("torch.optim",)),
    "constructors": Kind("an optimizer constructor, with `__call__`", _offers("__call__")),
    "vis_backends": Kind(
        "a visualizer backend, with `add_scalars`", _any(_offers("add_scalars"), _offers("add_scalar"))
    ),
    "functions": Kind("a function that the project registers, or a class with `__call__`", _offers("__call__")),
    "parts": Kind("a class", lambda cls: True),
}
#: All packages of the table.
PACKAGES: tuple[str, ...] = tuple(dict.fromkeys(package for kind in KINDS.values() for package in kind.packages))
