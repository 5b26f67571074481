"""mmengine.fileio, mmengine.utils, mmengine.logging and mmengine.dist: small things, on the local disk and one process
or torch's processes.
"""

from __future__ import annotations

import collections.abc
import functools
import importlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
import yaml

# fileio


def exists(filepath: Any, backend_args: Any = None) -> bool:
    """Whether a path exists."""
    return os.path.exists(filepath)


def isfile(filepath: Any, backend_args: Any = None) -> bool:
    """Whether a path is a file."""
    return os.path.isfile(filepath)


def isdir(filepath: Any, backend_args: Any = None) -> bool:
    """Whether a path is a folder."""
    return os.path.isdir(filepath)


def join_path(filepath: Any, *filepaths: Any, backend_args: Any = None) -> str:
    """A joined path."""
    return os.path.join(filepath, *filepaths)


def get(filepath: Any, backend_args: Any = None) -> bytes:
    """The content of a file."""
    return Path(filepath).read_bytes()


def get_text(filepath: Any, encoding: str = "utf-8", backend_args: Any = None) -> str:
    """The text of a file."""
    return Path(filepath).read_text(encoding=encoding)


def put(obj: bytes, filepath: Any, backend_args: Any = None) -> None:
    """Write a file."""
    Path(filepath).parent.mkdir(parents=True, exist_ok=True)
    Path(filepath).write_bytes(obj)


def put_text(obj: str, filepath: Any, backend_args: Any = None) -> None:
    """Write a text file."""
    put(obj.encode(), filepath)


def load(file: Any, file_format: str | None = None, **kwargs: Any) -> Any:
    """The content of a .json or .yaml file. Pickles are not read: they can run anything."""
    kind = (file_format or Path(file).suffix.lstrip(".")).lower()
    if kind == "json":
        return json.loads(get_text(file))
    if kind in ("yaml", "yml"):
        return yaml.safe_load(get_text(file))
    raise TypeError(f"{file}: segue.compat reads .json and .yaml; a pickle can run anything, so it is not read")


def dump(obj: Any, file: Any = None, file_format: str | None = None, **kwargs: Any) -> Any:
    """Write a .json or .yaml file, or return its text."""
    kind = (file_format or Path(file).suffix.lstrip(".")).lower()
    if kind not in ("json", "yaml", "yml"):
        raise TypeError(f"{file}: segue.compat writes .json and .yaml")
    text = json.dumps(obj, **kwargs) if kind == "json" else yaml.safe_dump(obj)
    if file is None:
        return text
    put_text(text, file)
    return None


def list_from_file(
    filename: Any, encoding: str = "utf-8", prefix: str = "", offset: int = 0, max_num: int = 0, **_: Any
) -> list[str]:
    """The lines of a text file."""
    lines = get_text(filename, encoding).splitlines()[offset:]
    return [prefix + line for line in (lines[:max_num] if max_num > 0 else lines)]


def list_dir_or_file(
    dir_path: Any,
    list_dir: bool = True,
    list_file: bool = True,
    suffix: Any = None,
    recursive: bool = False,
    backend_args: Any = None,
) -> Iterator[str]:
    """Names below a folder, relative to it."""
    for entry in sorted(os.scandir(dir_path), key=lambda e: e.name):
        if entry.name.startswith("."):
            continue
        if entry.is_file() and list_file and (suffix is None or entry.name.endswith(suffix)):
            yield entry.name
        elif entry.is_dir():
            if list_dir:
                yield entry.name
            if recursive:
                inner = list_dir_or_file(entry.path, list_dir, list_file, suffix, True)
                yield from (os.path.join(entry.name, name) for name in inner)


def scandir(dir_path: Any, suffix: Any = None, recursive: bool = False, case_sensitive: bool = True) -> Iterator[str]:
    """Names of files below a folder."""
    return list_dir_or_file(dir_path, list_dir=False, suffix=suffix, recursive=recursive)


def mkdir_or_exist(dir_name: Any, mode: int = 0o777) -> None:
    """Make a folder, unless it is there."""
    if dir_name:
        os.makedirs(os.path.expanduser(dir_name), mode=mode, exist_ok=True)


def check_file_exist(filename: Any, msg_tmpl: str = 'file "{}" does not exist') -> None:
    """Raise FileNotFoundError if there is no such file."""
    if not os.path.isfile(filename):
        raise FileNotFoundError(msg_tmpl.format(filename))


# utils


def is_str(x: Any) -> bool:
    """Whether a value is text."""
    return isinstance(x, str)


def is_seq_of(seq: Any, expected_type: Any, seq_type: Any = None) -> bool:
    """Whether a value is a sequence of some type."""
    kind = collections.abc.Sequence if seq_type is None else seq_type
    return isinstance(seq, kind) and all(isinstance(item, expected_type) for item in seq)


is_list_of = functools.partial(is_seq_of, seq_type=list)
is_tuple_of = functools.partial(is_seq_of, seq_type=tuple)


def to_ntuple(n: int) -> Callable[[Any], Any]:
    """A function that repeats a number n times and leaves sequences alone."""
    return lambda x: x if isinstance(x, Iterable) and not isinstance(x, str) else tuple(repeat(x, n))


to_1tuple, to_2tuple, to_3tuple, to_4tuple = (to_ntuple(n) for n in (1, 2, 3, 4))


def is_list(x: Any) -> bool:
    """Whether a value is a list."""
    return isinstance(x, list)


def is_method_overridden(method: str, base_class: type, derived_class: Any) -> bool:
    """Whether a class overrides a method of a base."""
    cls = derived_class if isinstance(derived_class, type) else type(derived_class)
    return getattr(cls, method) is not getattr(base_class, method)


def has_method(obj: object, method: str) -> bool:
    """Whether an object has a method."""
    return callable(getattr(obj, method, None))


def import_modules_from_strings(imports: Any, allow_failed_imports: bool = False) -> Any:
    """Import modules by name."""
    names = [imports] if isinstance(imports, str) else imports or []
    found = []
    for name in names:
        try:
            found.append(importlib.import_module(name))
        except ImportError:
            if not allow_failed_imports:
                raise
            found.append(None)  # type: ignore[arg-type]
    return found[0] if isinstance(imports, str) else found


def deprecated_api_warning(name_dict: Any, cls_name: Any = None) -> Any:
    """A decorator that leaves the function as it is."""
    return lambda function: function


def track_iter_progress(tasks: Any, **kwargs: Any) -> Iterator[Any]:
    """The tasks with a progress bar."""
    from rich.progress import track

    items, count = tasks if isinstance(tasks, tuple) and isinstance(tasks[1], int) else (tasks, None)
    return iter(track(items, total=count if count is not None else len(items), transient=True))


class ProgressBar:
    """Counts steps; a line at the end."""

    def __init__(self, task_num: int = 0, **kwargs: Any) -> None:
        self.task_num, self.completed = task_num, 0

    def update(self, num_tasks: int = 1) -> None:
        """Some more steps are done."""
        self.completed += num_tasks
        if self.completed == self.task_num:
            print(f"{self.completed} of {self.task_num} done")


class ManagerMixin:
    """One object per name and class."""

    def __init__(self, name: str = "", **kwargs: Any) -> None:
        self.instance_name = name

    @classmethod
    def get_instance(cls, name: str, **kwargs: Any) -> Any:
        """The object of a name, made at the first call."""
        made = cls.__dict__.get("_made")
        if made is None:
            made = {}
            cls._made = made  # type: ignore[attr-defined]
        if name not in made:
            made[name] = cls(name=name, **kwargs)
        return made[name]


# logging


class MMLogger(logging.Logger):
    """A logger by name: ``MMLogger.get_current_instance().info(...)``."""

    @classmethod
    def get_instance(cls, name: str = "mmseg", **kwargs: Any) -> logging.Logger:
        """The logger of a name."""
        return logging.getLogger(name)

    @classmethod
    def get_current_instance(cls) -> logging.Logger:
        """The toolbox's logger."""
        return logging.getLogger("mmseg")


def get_logger(name: str = "mmseg", log_file: Any = None, log_level: int = logging.INFO, **kwargs: Any) -> Any:
    """The logger of a name."""
    logger = logging.getLogger(name)
    logger.setLevel(log_level)
    return logger


def print_log(msg: Any, logger: Any = None, level: int = logging.INFO) -> None:
    """Print, or log where there is a logger."""
    if logger is None:
        print(msg)
    elif logger != "silent":
        chosen = logger if isinstance(logger, logging.Logger) else logging.getLogger("mmseg")
        chosen.log(level, msg)


class MessageHub(ManagerMixin):
    """A place for numbers and notes that parts of a run pass to each other."""

    def __init__(self, name: str = "", **kwargs: Any) -> None:
        super().__init__(name)
        self.runtime_info: dict[str, Any] = {}
        self.log_scalars: dict[str, list[Any]] = {}

    @classmethod
    def get_current_instance(cls) -> MessageHub:
        """The only one that matters."""
        return cls.get_instance("mmseg")

    def update_scalar(self, key: str, value: Any, count: int = 1, resumed: bool = True) -> None:
        """Add a number to a history."""
        self.log_scalars.setdefault(key, []).append(value)

    def get_scalar(self, key: str) -> list[Any]:
        """The history of a number."""
        return self.log_scalars[key]

    def update_info(self, key: str, value: Any, resumed: bool = True) -> None:
        """Set a note."""
        self.runtime_info[key] = value

    def get_info(self, key: str, default: Any = None) -> Any:
        """A note."""
        return self.runtime_info.get(key, default)


# dist


def _on() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def is_distributed() -> bool:
    """Whether there are several processes."""
    return _on()


def get_rank(group: Any = None) -> int:
    """This process."""
    return torch.distributed.get_rank(group) if _on() else 0


def get_world_size(group: Any = None) -> int:
    """How many processes there are."""
    return torch.distributed.get_world_size(group) if _on() else 1


def get_dist_info(group: Any = None) -> tuple[int, int]:
    """This process and how many there are."""
    return get_rank(group), get_world_size(group)


def is_main_process(group: Any = None) -> bool:
    """Whether this is the first process."""
    return get_rank(group) == 0


def master_only(function: Any) -> Any:
    """A decorator: only the first process runs the function."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs) if is_main_process() else None

    return wrapper


def barrier(group: Any = None) -> None:
    """Wait for the others."""
    if _on():
        torch.distributed.barrier(group)


def all_reduce(data: torch.Tensor, op: str = "sum", group: Any = None) -> None:
    """Sum (or average) a tensor over the processes, in place."""
    if _on():
        torch.distributed.all_reduce(data, group=group)
        if op == "mean":
            data.div_(get_world_size(group))


def reduce_mean(tensor: torch.Tensor) -> torch.Tensor:
    """The mean of a tensor over the processes."""
    copy = tensor.clone()
    all_reduce(copy, "mean")
    return copy


def init_dist(launcher: str = "none", backend: str = "nccl", **kwargs: Any) -> None:
    """Nothing to do: Lightning starts and joins processes."""


def collect_results(results: list[Any], size: int, device: str = "cpu", tmpdir: Any = None) -> list[Any]:
    """The results of all processes."""
    if not _on():
        return results[:size]
    gathered: list[Any] = [None] * get_world_size()
    torch.distributed.all_gather_object(gathered, results)
    return [item for group in zip(*gathered, strict=False) for item in group][:size]
