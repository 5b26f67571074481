"""The callbacks of hooks that are the user's own, of backends, and of pictures, for a training or a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback

from segue.errors import ConfigError, Problem
from segue.training.backends import make_backends
from segue.training.chores.between import EmptyCache
from segue.training.chores.settings import rank_of
from segue.training.hook_callback import HookCallback, is_hook_class
from segue.training.hooks import CustomHook, Hooks
from segue.training.pictures import Pictures
from segue.training.run_settings import check_small_sections
from segue.training.trackers import LocalVisBackend


def own_callbacks(
    hooks: Hooks,
    cfg: Mapping[str, Any],
    folder: Path,
    metainfo: Mapping[str, Any],
    say: Callable[[str], None],
) -> list[Callback]:
    """In the order in which they are called.

    Args:
        hooks: of the config.
        cfg: the config, for its visualizer and backends.
        folder: of the run.
        metainfo: classes and palette of the data.
        say: prints a line.

    Raises:
        ConfigError: a hook that is none, or what `segue.training.backends` refuses.
    """
    made: list[Callback] = [] if hooks.emptying is None else [EmptyCache(hooks.emptying)]
    foreign: list[tuple[Any, Any]] = []
    for hook in sorted(hooks.custom, key=lambda hook: rank_of(hook.priority)):
        if is_hook_class(hook.cls):
            foreign.append((hook.cls(**hook.arguments), hook.priority))
        else:
            made.append(_callback(hook))
    check_small_sections(cfg)
    backends = make_backends(cfg, folder)
    drawing = hooks.pictures.drawing() if hooks.pictures else None
    if drawing is not None:  # before the hooks, which close the backends
        made.append(Pictures(drawing, backends, cfg, folder, metainfo, say))
    if foreign or any(type(backend) is not LocalVisBackend for backend in backends):
        made.append(HookCallback(foreign, backends, cfg, folder, hooks.logger.interval, say))
    return made


def _callback(hook: CustomHook) -> Callback:
    if not (isinstance(hook.cls, type) and issubclass(hook.cls, Callback)):
        name = getattr(hook.cls, "__name__", hook.cls)
        advice = "hooks are Lightning callbacks; derive it from lightning.pytorch.Callback"
        example = "before_train_iter is on_train_batch_start, and so on"
        raise ConfigError(Problem(hook.key, f"{name}: {advice} ({example})"))
    try:
        return hook.cls(**hook.arguments)
    except TypeError as error:
        raise ConfigError(Problem(hook.key, str(error))) from error
