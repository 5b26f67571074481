"""Segue's components with the names and arguments of mmseg, and user classes as Segue's builder wants them."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Sequence
from typing import Any

from torch import nn

from segue.compat.mmengine.modules import Initialized
from segue.compat.mmseg.kept import keep, norms
from segue.compat.overrides import Guarded
from segue.config.builder.find import UnknownNameError, find
from segue.config.builder.plan import Planner, make
from segue.config.builder.register import registered
from segue.config.builder.signature import signature
from segue.config.trust import RefusedNameError, Rights, admit, bare
from segue.errors import ConfigError, InputError
from segue.reference.attributes import defaults_of
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
    takes_pretrained = "pretrained" in signature(target)[0]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(signature(target)[0], args, strict=False)) | kwargs
        if hasattr(self, "prebuilt"):
            given = self.prebuilt(given)
        init_cfg = initial_weights(given, takes_pretrained)
        if room == "transforms" and "transforms" in given and name != "Albu":  # whose steps are albumentations' own
            from segue.compat.mmcv.printed import built

            given["transforms"] = built(given["transforms"])
        planner = Planner({})
        plan = planner.call(target, given, cls.__name__)
        if planner.problems:
            raise ConfigError(planner.problems)
        arguments = {key: make(value) for key, value in plan.arguments.items()}
        fixed = target.keywords if isinstance(target, functools.partial) else {}
        cls.__init__(self, **{**fixed, **arguments})
        given = {**fixed, **given}
        if room != "transforms":
            self.init_cfg = init_cfg
        if room in ("losses", "necks", "heads", "backbones"):
            keep(self, name, given)
        for key, default in (defaults(target) if room == "transforms" else defaults_of(name)).items():
            if not hasattr(self, key):
                setattr(self, key, given.get(key, default))
        if hasattr(self, "_remember"):
            self._remember(given)

    fields = {"__init__": __init__, "__doc__": cls.__doc__, "__module__": cls.__module__, "stands_for": (room, name)}
    fields |= norms(name)
    return type(name, bases, fields)


def initial_weights(given: dict[str, Any], takes_pretrained: bool = False) -> Any:
    """Take ``init_cfg`` out of a component's arguments; ``pretrained``, its older form, becomes one.

    Args:
        given: the arguments, which lose both.
        takes_pretrained: whether the class has an argument ``pretrained`` of its own.

    Raises:
        InputError: ``pretrained`` is no path or URL, or both are given.
    """
    init_cfg = given.pop("init_cfg", None)
    pretrained = None if takes_pretrained else given.pop("pretrained", None)
    if pretrained is None:
        return init_cfg
    if init_cfg is not None:
        raise InputError(f"init_cfg and pretrained={pretrained!r} cannot be set at the same time: give one of them")
    if not isinstance(pretrained, str):
        raise InputError(f"pretrained must be a str or None, a path or URL of weights, not {pretrained!r}")
    return {"type": "Pretrained", "checkpoint": pretrained}


@functools.cache
def defaults(target: Any) -> dict[str, Any]:
    """The arguments of a class with their defaults, which user code reads back as attributes; options aside."""
    return {
        each.name: None if each.default is each.empty else each.default
        for each in inspect.signature(target).parameters.values()
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD) and each.name != "options"
    }


def interfaces(cls: type, name: str, room: str) -> tuple[type, ...]:
    """What goes before a class of Segue, so that user code finds the reference's methods and may override them."""
    if room == "transforms":
        from segue.compat.mmcv import steps

        return Guarded, steps.BY_NAME.get(name, steps.Step)
    if room == "heads":
        from segue.compat.mmseg import interface, special_heads

        return Guarded, special_heads.of(cls, name, interface.HeadInterface), Initialized
    if room == "losses" and issubclass(cls, nn.Module) and name.endswith(("Loss", "CrossEntropy")):
        from segue.compat.mmseg import loss_calls

        return Guarded, loss_calls.BY_NAME.get(name, loss_calls.LossCalls), Initialized
    if room == "datasets" and hasattr(cls, "load_data_list"):
        from segue.compat.mmseg.dataset_methods import DatasetMethods

        return Guarded, DatasetMethods
    if room == "datasets":
        from segue.compat.mmseg.dataset_methods import OfDatasets

        return Guarded, OfDatasets
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
        return self.cls(**self.cls.old_arguments(given))


class OldSegmentor:
    """A segmentor of 0.x as Segue's builder calls it: its constructor knows no ``data_preprocessor``, which it gets
    when it is made.
    """

    takes_config = True

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.__name__, self.__module__, self.__qualname__ = cls.__name__, cls.__module__, cls.__qualname__

    def __call__(self, **given: Any) -> Any:
        """The model."""
        from segue.compat.mmengine.registry import MODELS

        preprocessor = given.pop("data_preprocessor", None)
        model = self.cls(**given)
        if preprocessor is not None:
            model.data_preprocessor = MODELS.build(preprocessor)
        return model


def is_old_segmentor(module: Any) -> bool:
    """Whether a class is a segmentor whose constructor can take no ``data_preprocessor``."""
    from segue.compat.mmseg.segmentors import BaseSegmentor

    if not (inspect.isclass(module) and issubclass(module, BaseSegmentor)):
        return False
    taken = inspect.signature(module.__init__).parameters.values()
    return not any(p.name == "data_preprocessor" or p.kind is p.VAR_KEYWORD for p in taken)


def as_component(module: Any, kind: str) -> Any:
    """A user's class as the builder finds it: its arguments reach it as the config writes them."""
    if kind == "dataset" and inspect.isclass(module) and hasattr(module, "old_arguments"):
        return OldDataset(module)
    if kind == "model" and inspect.isclass(module):
        from segue.compat.mmseg.old_calls import is_own_head, with_both_calls

        if is_own_head(module):
            return with_both_calls(module)  # type: ignore[arg-type]
    if kind == "model" and is_old_segmentor(module):
        return OldSegmentor(module)
    if kind == "task util" and "context" in inspect.signature(module).parameters:
        from segue.compat.mmseg.samplers import with_context

        module = with_context(module)
    if kind == "transform" and inspect.isclass(module) and "__call__" in vars(module):
        from segue.compat.mmseg.old_results import with_old_names

        with_old_names(module)
    module.takes_config = True
    return module
