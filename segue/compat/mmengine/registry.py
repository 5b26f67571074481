"""mmengine's registries over Segue's one table of user classes (`segue.config.builder.register`).

A class that is registered here is usable as ``type=...`` in configs, and gets its arguments as the config writes them:
``norm_cfg`` stays a dict. ``build`` finds the user's classes first, then Segue's components.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from torch import nn

from segue.compat.forks import overlay
from segue.compat.mmengine.modules import CLASSES, Sequential
from segue.compat.refusals import as_there
from segue.config.awaited import AwaitedError, settle
from segue.config.builder.find import names
from segue.config.builder.plan import Planner, make
from segue.config.builder.register import aside, registered
from segue.config.builder.tuned import KEYS, split, tune
from segue.config.origins import origin_of
from segue.config.tree import ConfigDict, copy_tree
from segue.config.trust import RefusedNameError
from segue.errors import ConfigError, Problem, alike

#: what a registry's classes must be, by its name: the places of `segue.config.kinds`
PLACES = {
    "model": "models",
    "dataset": "datasets",
    "transform": "transforms",
    "metric": "metrics",
    "hook": "hooks",
    "optimizer": "optimizers",
    "optimizer wrapper constructor": "constructors",
    "data sampler": "samplers",
    "loop": "loops",
    "vis_backend": "vis_backends",
    "function": "functions",
}


class Behind(Protocol):
    """What stands behind the registries: Segue's components, and user classes as its builder wants them."""

    def component(self, name: str, rooms: Sequence[str]) -> Any:
        """The class of that name in the rooms, None where there is none."""
        ...

    def imported(self, path: str, place: str) -> Any:
        """The class of an import path, None where there is none."""
        ...

    def as_component(self, module: Any, kind: str) -> Any:
        """A user's class as the builder finds it."""
        ...

    def shown(self, name: str, registry: str) -> Any:
        """The class of mmseg's or mmengine's own that a registry of that name has, None where there is none."""
        ...


behind: Behind


def stand_behind(module: Behind) -> None:
    """`segue.compat.components` hands itself in, since it is written in terms of the registries."""
    global behind
    behind = module


class Registry:
    """Classes by name.

    Args:
        name: what is kept here, for messages.
        build_func: makes an object from a config dict; by default ``build_from_cfg``.
        parent: another registry that is asked next.
        scope, locations: accepted; Segue has one scope, and finds its own files by name.
        rooms: Segue's rooms that are searched after the user's classes.
        shared: whether configs can name these classes, too.
    """

    build_func: Callable[..., Any]

    def __init__(
        self,
        name: str,
        build_func: Callable[..., Any] | None = None,
        parent: Registry | None = None,
        scope: str | None = None,
        locations: Any = (),
        *,
        rooms: tuple[str, ...] = (),
        shared: bool | None = None,
    ) -> None:
        self.name, self.parent, self.scope = name, parent, scope or "mmseg"
        inherited: Callable[..., Any] = build_from_cfg if parent is None else parent.build_func
        self.build_func = build_func or inherited
        self.rooms: tuple[str, ...] = rooms or (() if parent is None else parent.rooms)
        self.shared: bool = bool(parent is not None and parent.shared) if shared is None else shared
        #: those that were registered here
        self.own: dict[str, Any] = {}

    @property
    def module_dict(self) -> Everything:
        """The classes by name: those that were registered, then Segue's own."""
        return Everything(self)

    _module_dict = module_dict

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return len(self.own)

    def __repr__(self) -> str:
        return f"Registry(name={self.name}, items={sorted(self.own)})"

    def register_module(self, name: Any = None, force: bool = False, module: Any = None) -> Any:
        """A decorator, or with ``module`` a call, that registers a class or function under its name or others."""
        if inspect.isclass(name) or inspect.isfunction(name):  # @MODELS.register_module without parentheses
            return self._add(name, None, force)
        if module is not None:
            return self._add(module, name, force)
        return functools.partial(self._add, name=name, force=force)

    def _add(self, module: Any, name: Any = None, force: bool = False) -> Any:
        names = [name] if isinstance(name, str) else list(name) if name else [module.__name__]
        for key in names:
            using = overlay.current()
            if using is not None and using.withheld(module.__module__, key):
                continue  # mmseg's own, which Segue has
            other = self.own.get(key)
            same = other is not None and (other.__module__, other.__qualname__) == (
                module.__module__,
                module.__qualname__,
            )
            if other is not None and not force and not same:
                raise KeyError(f"{key} is already registered in {self.name} at {other.__module__}")
            if using is not None:
                using.remember(functools.partial(_put_back, self.own, key, other))
                using.remember(functools.partial(_put_back, registered, key, registered.get(key)))
            self.own[key] = module
            if self.shared:
                registered[key] = behind.as_component(module, self.name)
            elif self is not WEIGHT_INITIALIZERS:
                aside[key] = module
        return module

    def get(self, key: Any) -> Any:
        """The class of a name; None where there is none, or where it may not be named (`segue.config.trust`)."""
        try:
            return self._find(key)
        except RefusedNameError:
            return None

    def _find(self, key: Any) -> Any:
        if not isinstance(key, str):
            return key
        bare = key.rpartition(".")[2]
        settle(bare)
        if bare in self.own:
            return self.own[bare]
        if self.parent is not None and bare in self.parent.own:
            return self.parent.own[bare]
        found = behind.component(bare, self.rooms) or behind.shown(bare, self.name)
        return found or behind.imported(key, PLACES.get(self.name, "parts"))

    def build(self, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        """The object that a config dict describes; of a list of models the Sequential of all."""
        if self.rooms and "models" in self.rooms and isinstance(cfg, (list, tuple)):
            return Sequential(*(self.build(each, *args, **kwargs) for each in cfg))
        return self.build_func(cfg, *args, **{**kwargs, "registry": self})

    def import_from_location(self) -> None:
        """Nothing to do: Segue's files are found by name."""


class Everything(MutableMapping[str, Any]):
    """What a registry holds, as mmengine's ``module_dict``: what is set or deleted is what was registered."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def __getitem__(self, key: str) -> Any:
        found = self.registry.own.get(key)
        found = behind.component(key, self.registry.rooms) if found is None else found
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, module: Any) -> None:
        self.registry._add(module, key, force=True)

    def __delitem__(self, key: str) -> None:
        """Forget a registered class; one of Segue stays, and is behind whatever is registered by its name."""
        if self.registry.own.pop(key, None) is not None and self.registry.shared:
            registered.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        rooms = [room for room in self.registry.rooms if room != "layers"]
        found = {name for room in rooms for name in names(room)} - registered.keys()
        return iter(sorted(found | self.registry.own.keys()))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _put_back(table: dict[str, Any], key: str, value: Any) -> None:
    """Undo a registration."""
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def build_from_cfg(
    cfg: Mapping[str, Any], registry: Registry | None = None, default_args: Mapping[str, Any] | None = None
) -> Any:
    """The object of ``dict(type=..., **arguments)``; objects that are built already pass through."""
    if not isinstance(cfg, Mapping):
        if cfg is None or isinstance(cfg, (str, int, float)):
            raise TypeError(f"cfg should be a dict, but got {type(cfg)}")
        return cfg
    arguments = copy_tree(cfg if isinstance(cfg, ConfigDict) else ConfigDict(cfg))
    for key, value in (default_args or {}).items():
        arguments.setdefault(key, value)
    if "type" not in arguments:
        raise KeyError(f'`cfg` or `default_args` must contain the key "type", but got {dict(cfg)}')
    arguments.pop("_scope_")
    kind = arguments.pop("type")
    if not (isinstance(kind, str) or callable(kind)):
        raise TypeError(f"type must be a str or valid type, but got {type(kind)}")
    registry = MODELS if registry is None else registry  # an empty one counts as false
    try:
        target = registry._find(kind)
    except (RefusedNameError, AwaitedError) as error:
        problem = Problem("type", str(error), str(origin_of(cfg, "type") or ""))
        raise as_there(ConfigError(problem)) from error
    if target is None:
        near = alike(str(kind), [*registry.module_dict, *(name for room in registry.rooms for name in names(room))])
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise KeyError(f"{kind} is not in the {registry.name} registry{meant or '; import the file that registers it'}")
    if any(key in arguments for key in KEYS) and _may_be_backbone(target):
        return _tuned(target, arguments)
    return target(**arguments)


def _may_be_backbone(target: Any) -> bool:
    """Whether it is one of Segue's, or a module of the user's own, which may be anything."""
    room = getattr(target, "stands_for", ("backbones",))[0]
    return inspect.isclass(target) and issubclass(target, nn.Module) and room == "backbones"


def _tuned(target: Any, arguments: Mapping[str, Any]) -> Any:
    """A backbone with ``freeze`` and ``lora``, as Segue's builder makes it."""
    planner = Planner({})
    own, tuning = split(planner, target, arguments, target.__name__)
    if planner.problems:
        raise as_there(ConfigError(planner.problems))
    backbone = target(**own)
    return tune(backbone, **{key: make(value) for key, value in tuning.items()}) if tuning else backbone


COMPONENTS = ("models", "backbones", "necks", "heads", "losses")
MODELS = Registry("model", rooms=COMPONENTS, shared=True)
BACKBONES = NECKS = HEADS = LOSSES = SEGMENTORS = MODELS  # the names of 0.x
DATASETS = Registry("dataset", rooms=("datasets",), shared=True)
TRANSFORMS = Registry("transform", rooms=("transforms",), shared=True)
PIPELINES = TRANSFORMS
METRICS = Registry("metric", rooms=("metrics",), shared=True)
TASK_UTILS = Registry("task util", rooms=("losses",), shared=True)
PIXEL_SAMPLERS = TASK_UTILS
HOOKS = Registry("hook", shared=True)
OPTIMIZERS = Registry("optimizer", shared=True)
OPTIM_WRAPPERS = Registry("optim_wrapper")
OPTIM_WRAPPER_CONSTRUCTORS = Registry("optimizer wrapper constructor", shared=True)
OPTIMIZER_BUILDERS = OPTIM_WRAPPER_CONSTRUCTORS
DATA_SAMPLERS = Registry("data sampler", shared=True)
VISBACKENDS = Registry("vis_backend", shared=True)
VISUALIZERS = Registry("visualizer", shared=True)
PARAM_SCHEDULERS = Registry("parameter scheduler")
WEIGHT_INITIALIZERS = Registry("weight initializer")
WEIGHT_INITIALIZERS.own = CLASSES
MODEL_WRAPPERS = Registry("model_wrapper")
LOOPS = Registry("loop", shared=True)
RUNNERS = Registry("runner")
RUNNER_CONSTRUCTORS = Registry("runner constructor")
EVALUATOR = Registry("evaluator")
LOG_PROCESSORS = Registry("log_processor")
INFERENCERS = Registry("inferencer")
FUNCTIONS = Registry("function", shared=True)
COLLATE_FUNCTIONS = FUNCTIONS
ACTIVATION_LAYERS = NORM_LAYERS = CONV_LAYERS = UPSAMPLE_LAYERS = PADDING_LAYERS = PLUGIN_LAYERS = MODELS
ATTENTION = MODELS


class DefaultScope:
    """mmengine's idea of which toolbox a bare name belongs to; here there is only one."""

    @classmethod
    def get_instance(cls, name: str, **kwargs: Any) -> DefaultScope:
        """The only one."""
        return cls()

    @classmethod
    def get_current_instance(cls) -> DefaultScope:
        """The only one."""
        return cls()

    @property
    def scope_name(self) -> str:
        """Its name."""
        return "mmseg"


def init_default_scope(scope: str) -> None:
    """Nothing to do: there is one scope."""


def register_all_modules(init_default_scope: bool = True) -> None:
    """Nothing to do: Segue's files are found by name."""
    logging.getLogger("mmseg").debug("register_all_modules: nothing to do")
