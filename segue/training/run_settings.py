"""Sections of a few settings: ``env_cfg``, ``randomness``, ``log_processor``, ``auto_scale_lr``, ``visualizer``.

Each is a dataclass with the arguments that mmengine documents, so that a misspelt one, and a value of another kind, is
found before the first step; what of them training does not do is in `unused_settings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import PurePath
from typing import Any

import torch

from segue.config.builder.register import registered
from segue.config.trust import Rights, rights_of
from segue.errors import ConfigError, Problem, alike, nearest
from segue.training.translate import settings, type_name, users_own

VISUALIZERS = ("SegLocalVisualizer", "Visualizer")
_TOOLBOXES = ("mmdet", "mmdet3d", "mmpretrain", "mmcls", "mmpose", "mmaction", "mmrotate", "mmocr", "mmagic", "mmedit")
_OPEN_FILES = 4096  # what mmengine raises the limit to


@dataclass(frozen=True, kw_only=True)
class Randomness:
    """``randomness``; the seed itself is checked where it is chosen."""

    seed: Any = None
    deterministic: bool = False
    diff_rank_seed: bool = False


@dataclass(frozen=True, kw_only=True)
class Processes:
    """``env_cfg.mp_cfg``: how workers start, and OpenCV's threads in each."""

    mp_start_method: str | None = None
    opencv_num_threads: int = 0

    def __post_init__(self) -> None:
        methods = list(dict.fromkeys([*torch.multiprocessing.get_all_start_methods(), "fork"]))  # Windows has no fork
        if self.mp_start_method is not None and self.mp_start_method not in methods:
            hint = nearest(self.mp_start_method, methods)
            raise ValueError(f"mp_start_method: there is no {self.mp_start_method!r}{hint}")
        if self.opencv_num_threads < 0:
            raise ValueError(f"opencv_num_threads must be 0 or more, got {self.opencv_num_threads}")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``env_cfg``."""

    cudnn_benchmark: bool = False
    mp: Mapping[str, Any] | None = None
    dist: Mapping[str, Any] | None = None
    resource_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class LogProcessor:
    """``log_processor``."""

    by_epoch: bool = True
    window_size: int = 10
    custom: Sequence[Mapping[str, Any]] | None = None
    num_digits: int = 4
    log_with_hierarchy: bool = False
    mean_pattern: str | None = None


@dataclass(frozen=True, kw_only=True)
class AutoScale:
    """``auto_scale_lr``."""

    enable: bool = False
    base_batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.enable and self.base_batch_size is None:
            raise ValueError("enable=True needs base_batch_size")
        if self.base_batch_size is not None and self.base_batch_size < 1:
            raise ValueError(f"base_batch_size must be at least 1, got {self.base_batch_size}")


@dataclass(frozen=True, kw_only=True)
class VisualizerSettings:
    """``visualizer``, of ``SegLocalVisualizer`` or ``Visualizer``."""

    name: str = "visualizer"
    vis_backends: Any = None  # see `segue.training.backends`
    save_dir: str | None = None
    alpha: float = 0.8
    palette: Sequence[Sequence[int]] | None = None
    image: Any = None
    classes: Sequence[str] | None = None
    dataset_name: str | None = None
    fig_save: Any = None
    fig_show: Any = None

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must lie in [0, 1], got {self.alpha}")
        for color in self.palette or ():
            if len(color) != 3 or not all(0 <= part <= 255 for part in color):
                raise ValueError(f"palette: colors are three numbers from 0 to 255, not {list(color)}")


def check_small_sections(cfg: Mapping[str, Any]) -> None:
    """Read them all.

    Raises:
        ConfigError: everything that is wrong with them.
    """
    problems: list[Problem] = []
    for name, read in (
        ("randomness", lambda node: settings(Randomness, node, "randomness")),
        ("env_cfg", read_environment),
        ("log_processor", lambda node: _log_processor(node, rights_of(cfg))),
        ("auto_scale_lr", lambda node: settings(AutoScale, node, "auto_scale_lr")),
        ("visualizer", lambda node: read_visualizer(node, rights_of(cfg))),
    ):
        node = cfg.get(name)
        if not isinstance(node, Mapping):
            continue  # another kind is told of by `segue.config.sections`
        try:
            if name not in ("log_processor", "visualizer") and "type" in node:
                raise ConfigError(Problem(f"{name}.type", "this section makes nothing: it has no type"))
            read(node)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def read_environment(node: Mapping[str, Any]) -> tuple[Environment, Processes]:
    """``env_cfg`` without the names that nothing reads, and its ``mp_cfg``.

    Raises:
        ConfigError: values of another kind, or names close to one that is read.
    """
    problems = [
        Problem(f"env_cfg.{name}", f"there is no such setting; did you mean {near[0]!r}?")
        for name in _foreign(node)
        if (near := alike(str(name), _ENVIRONMENT, cutoff=0.8))
    ]
    if problems:
        raise ConfigError(problems)
    known = settings(Environment, {k: v for k, v in node.items() if k in _ENVIRONMENT}, "env_cfg")
    return known, settings(Processes, known.mp or {}, "env_cfg.mp_cfg")


_ENVIRONMENT = ("cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit")


def _foreign(node: Mapping[str, Any]) -> list[Any]:
    return [name for name in node if name not in _ENVIRONMENT]


def _log_processor(node: Mapping[str, Any], rights: Rights) -> None:
    kind = type_name(node, "log_processor", "LogProcessor")
    if kind == "LogProcessor":
        settings(LogProcessor, node, "log_processor")
    elif kind not in registered and users_own(node.get("type"), "parts", "log_processor.type", rights) is None:
        message = f"there is no log processor {kind!r}{nearest(kind, ['LogProcessor'])}"
        raise ConfigError(Problem("log_processor.type", message))


def read_visualizer(node: Mapping[str, Any], rights: Rights = Rights.NAMED) -> VisualizerSettings | None:
    """The settings of a visualizer; None of one of the user's own, which reads them itself.

    Raises:
        ConfigError: a visualizer that nobody knows, or wrong arguments.
    """
    kind = type_name(node, "visualizer", "SegLocalVisualizer")
    if kind in VISUALIZERS and (kind not in registered or not isinstance(node.get("type", ""), str)):
        given = {k: str(v) if isinstance(v, PurePath) else v for k, v in node.items()}
        return settings(VisualizerSettings, given, "visualizer")
    if kind not in registered:
        raise ConfigError(Problem("visualizer.type", f"there is no visualizer {kind!r}{nearest(kind, VISUALIZERS)}"))
    return None


def unused_settings(cfg: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and reason of each that is given, differs from mmengine's default, and is not done."""
    environment = cfg.get("env_cfg") or {}
    for name in _foreign(environment):
        yield f"env_cfg.{name}", "nothing reads it"
    if environment.get("resource_limit") not in (None, _OPEN_FILES):
        yield "env_cfg.resource_limit", "the system's limit of open files stays; set it with ulimit -n"
    spread = environment.get("dist_cfg") or {}
    for name, value in spread.items():
        if (name, value) != ("backend", "nccl") and value is not None:
            yield f"env_cfg.dist_cfg.{name}", "Lightning makes the group of processes, and chooses by the device"
    if (cfg.get("randomness") or {}).get("diff_rank_seed"):
        yield "randomness.diff_rank_seed", "every sample has random numbers of its own anyway"
    processor = cfg.get("log_processor") or {}
    defaults = {field.name: field.default for field in fields(LogProcessor) if field.default is not MISSING}
    kind = type_name(processor, "log_processor", "LogProcessor")
    if kind != "LogProcessor":
        yield "log_processor.type", f"{kind} is not called: the log is Segue's own"
    else:
        for name, value in processor.items():
            own = str(name).removesuffix("_cfg")
            if own in defaults and own != "by_epoch" and value not in (defaults[own], [], ()) and value is not None:
                yield f"log_processor.{name}", "every loss is logged as it is and as a mean over the interval"
    for name in ("image", "classes", "dataset_name", "fig_save_cfg", "fig_show_cfg"):
        node = cfg.get("visualizer") or {}
        if node.get(name) is not None and type_name(node, "visualizer", VISUALIZERS[0]) in VISUALIZERS:
            yield f"visualizer.{name}", "pictures are of the dataset's images and classes, drawn by OpenCV"
    if cfg.get("default_scope") in _TOOLBOXES:
        yield "default_scope", f"names are of Segue's components and the project's own, not of {cfg['default_scope']}'s"
