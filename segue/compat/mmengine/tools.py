"""mmengine.utils: questions about values, repeated numbers, imports by name, progress."""

from __future__ import annotations

import collections.abc
import functools
import importlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any


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


def _counted(tasks: Any) -> tuple[Iterable[Any], int]:
    """The tasks and their number, which for an iterator is given beside it: (iterator, number)."""
    if isinstance(tasks, tuple) and len(tasks) == 2 and isinstance(tasks[0], Iterable) and isinstance(tasks[1], int):
        return tasks
    if isinstance(tasks, collections.abc.Sequence):
        return tasks, len(tasks)
    raise TypeError(f"tasks must be a sequence, or a tuple (iterator, number), not {type(tasks).__name__}")


def _shown(items: Iterable[Any], count: int, file: Any) -> Iterator[Any]:
    """The items, with a bar while they are taken."""
    from rich.console import Console
    from rich.progress import track

    return iter(track(items, total=count, transient=True, console=Console(file=file)))


def track_iter_progress(tasks: Any, bar_width: int = 50, file: Any = None) -> Iterator[Any]:
    """The tasks with a progress bar."""
    return _shown(*_counted(tasks), file)


def track_progress(
    func: Callable[..., Any], tasks: Any, bar_width: int = 50, file: Any = None, **kwargs: Any
) -> list[Any]:
    """The results of ``func(task, **kwargs)``, with a progress bar."""
    return [func(task, **kwargs) for task in track_iter_progress(tasks, bar_width, file)]


def track_parallel_progress(
    func: Callable[..., Any],
    tasks: Any,
    nproc: int,
    initializer: Callable[..., Any] | None = None,
    initargs: Any = None,
    bar_width: int = 50,
    chunksize: int = 1,
    skip_first: bool = False,
    keep_order: bool = True,
    file: Any = None,
) -> list[Any]:
    """The results of ``func(task)`` from ``nproc`` processes, with a progress bar; all of them, also with
    ``skip_first``, which only concerned the bar's clock.
    """
    items, count = _counted(tasks)
    with multiprocessing.Pool(nproc, initializer, initargs or ()) as pool:
        results = (pool.imap if keep_order else pool.imap_unordered)(func, items, chunksize)
        return list(_shown(results, count, file))


class ProgressBar:
    """Counts steps; a line at the end."""

    def __init__(self, task_num: int = 0, bar_width: int = 50, start: bool = True, file: Any = None) -> None:
        self.task_num, self.bar_width, self.file, self.completed = task_num, bar_width, file, 0

    def start(self) -> None:
        """Count from zero."""
        self.completed = 0

    def update(self, num_tasks: int = 1) -> None:
        """Some more steps are done."""
        self.completed += num_tasks
        if self.completed == self.task_num:
            print(f"{self.completed} of {self.task_num} done", file=self.file)
