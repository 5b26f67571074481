"""Segue's components with the names and arguments of mmseg, and user classes as Segue's builder wants them."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Sequence
from typing import Any

from torch import nn

from segue.compat.mmengine.modules import Initialized
from segue.compat.overrides import Guarded
from segue.config.builder.find import UnknownNameError, find
from segue.config.builder.plan import Planner, make
from segue.config.builder.register import registered
from segue.config.builder.signature import signature
from segue.config.trust import RefusedNameError, Rights, admit, bare
from segue.errors import ConfigError
from segue.reference.places import ADAPTED, modules
from segue.reference.shown import REGISTERED


def component(name: str, rooms: Sequence[str]) -> Any:
    """The class of that name for user code, from the rooms or from compat; None where there is none."""
    if not rooms:
        return None
    if name in ADAPTED:
        return getattr(importlib.import_module(f"segue.compat.{ADAPTED[name]}"), name)
    if "models" in rooms or "layers" in rooms:
        layers = importlib.import_module("segue.compat.mmcv.layers")
        if name in layers.BY_NAME:
            return layers.BY_NAME[name]
    for room in rooms:
        if room == "layers":
            continue
        try:
            found = find(room, name)
        except UnknownNameError:
            continue
        return found if name in registered else adapted(found, room)
    return None


def shown(name: str, registry: str) -> Any:
    """What mmseg and mmengine register themselves: hooks, backends, schedulers, loops, samplers ..."""
    for module in REGISTERED.get(registry, ()):
        place = modules().get(module, {}).get(name)
        if place is not None:
            found = getattr(importlib.import_module(f"segue.compat.{place}"), name)
            return found if inspect.isclass(found) or registry == "function" else None
    return None


def imported(path: str, place: str) -> Any:
    """The class of an import path, None where there is none; scripts may name what a config may.

    Raises:
        RefusedNameError: it may not be named.
    """
    module, _, name = path.rpartition(".")
    if not module:
        return None
    try:
        if bare(path) != path:  # of mmseg and its kin, as segue.compat has it
            found = getattr(importlib.import_module(module), name, None)
            return found if str(getattr(found, "__module__", "")).startswith("segue.") else None
        return admit(path, place, Rights.NAMED)
    except RefusedNameError:
        raise
    except (ImportError, UnknownNameError):
        return None


@functools.cache
def adapted(target: Any, room: str) -> Any:
    """A class of Segue that takes a config's arguments, ``norm_cfg=dict(...)`` and all; heads also get mmseg's methods.

    Subclasses may pass ``**kwargs`` on, as they did.
    """
    cls = target.func if isinstance(target, functools.partial) else target
    if not inspect.isclass(cls):
        return target
    name = next((n for n, v in vars(importlib.import_module(cls.__module__)).items() if v is target), cls.__name__)
    bases = (*interfaces(cls, name, room), cls)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(signature(target)[0], args, strict=False)) | kwargs
        init_cfg = given.pop("init_cfg", None)
        planner = Planner({})
        plan = planner.call(target, given, cls.__name__)
        if planner.problems:
            raise ConfigError(planner.problems)
        arguments = {key: make(value) for key, value in plan.arguments.items()}
        fixed = target.keywords if isinstance(target, functools.partial) else {}
        cls.__init__(self, **{**fixed, **arguments})
        self.init_cfg = init_cfg
        if room == "heads":
            self._remember(given)

    fields = {"__init__": __init__, "__doc__": cls.__doc__, "__module__": cls.__module__, "stands_for": (room, name)}
    return type(name, bases, fields)


def interfaces(cls: type, name: str, room: str) -> tuple[type, ...]:
    """What goes before a class of Segue, so that user code finds the reference's methods and may override them."""
    if room == "transforms":
        from segue.compat.mmcv import steps

        return Guarded, steps.BY_NAME.get(name, steps.Step)
    if room == "heads":
        from segue.compat.mmseg import interface, special_heads

        return Guarded, special_heads.of(cls, name, interface.HeadInterface), Initialized
    if room == "datasets" and hasattr(cls, "load_data_list"):
        from segue.compat.mmseg.datasets import DatasetMethods

        return Guarded, DatasetMethods
    return (Guarded, Initialized) if issubclass(cls, nn.Module) else (Guarded,)


class OldDataset:
    """A subclass of 0.x's CustomDataset as Segue's builder calls it: with the arguments of 1.x, which it takes back."""

    takes_config = True

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.__name__, self.__module__, self.__qualname__ = cls.__name__, cls.__module__, cls.__qualname__
        self.METAINFO = cls.METAINFO

    def __call__(self, **given: Any) -> Any:
        """The dataset."""
        from segue.compat.mmseg.datasets import old_arguments

        return self.cls(**old_arguments(given))


def as_component(module: Any, kind: str) -> Any:
    """A user's class as the builder finds it: its arguments reach it as the config writes them."""
    if kind == "dataset" and inspect.isclass(module):
        from segue.compat.mmseg.datasets import CustomDataset

        if issubclass(module, CustomDataset):
            return OldDataset(module)
    if kind == "task util" and "context" in inspect.signature(module).parameters:
        from segue.compat.mmseg.samplers import with_context

        module = with_context(module)
    module.takes_config = True
    return module
