"""The loaders of ``train_dataloader``, ``val_dataloader`` and ``test_dataloader``.

Every draw of a stream (`segue.training.streams`) is fetched with Python's, numpy's and torch's random generators seeded
from it, so a run does not depend on the number of workers.
"""

from __future__ import annotations

import ctypes
import inspect
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from segue.config.trust import Rights
from segue.errors import ConfigError, DataError, Problem, SegueError, line_of, nearest
from segue.training.collating import BUILT_IN, Own, batch_of, read_own
from segue.training.rare import RareClassSampler
from segue.training.streams import Draw, EvaluationStream, TrainStream
from segue.training.translate import lookup, of_family, settings, type_name, users_own

Batch = dict[str, Any]
MOST_SAMPLES, MOST_WORKERS = 65536, 1024  # of a loader; more is a slip, found out only by waiting
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


class Samples(Protocol):
    """A map-style dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


@dataclass(frozen=True)
class Failure:
    """A worker's `SegueError` on its way to the main process, where it is raised as it was."""

    error: SegueError


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """``sampler`` of a loader: a batch of ``InfiniteSampler`` may span two passes, one of ``DefaultSampler`` may not.

    Attributes:
        shuffle: a new permutation each pass.
        seed: overrides the run's seed for the order.
        round_up: accepted; training always rounds up to the number of processes, evaluation counts each sample once.
        infinite: the type is ``InfiniteSampler``.
        rare: the type is ``RareClassSampler``.
        own: makes the user's own sampler of a dataset and a seed; the other settings then do not count.
    """

    shuffle: bool = True
    seed: int | None = None
    round_up: bool = True
    infinite: bool = False
    rare: RareClassSampler | None = None
    own: Callable[[Any, int], Any] | None = None

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be a whole number from 0 on, below 2**63, got {self.seed}")


class Fetch(Dataset[Any]):
    """Gets the sample of a draw with all random generators seeded from it, and leaves the caller's as they were."""

    def __init__(self, dataset: Samples) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw) -> Any:
        python, legacy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            random.seed(draw.seed)
            np.random.seed(draw.seed % 2**32)
            torch.default_generator.manual_seed(draw.seed)  # not torch.manual_seed: a worker must not touch CUDA
            return self.dataset[draw.index], draw.counted
        except SegueError as error:
            return Failure(error)
        except Exception as error:
            where = f"sample {draw.index} of {type(self.dataset).__name__}"
            return Failure(DataError(f"{where}: failed with {type(error).__name__}: {error}{line_of(error)}"))
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
            torch.set_rng_state(cpu)


def collate_fetched(
    fetched: Sequence[Any], collate: Callable[[Sequence[Any]], Batch], key: str = "collate_fn"
) -> Batch | Failure:
    """The samples of one batch, with ``counted`` beside them; the first failure if there is one."""
    failure = next((item for item in fetched if isinstance(item, Failure)), None)
    if failure is not None:
        return failure
    try:
        batch = batch_of(collate, [sample for sample, _ in fetched], key)
    except SegueError as error:
        return Failure(error)
    return {**batch, "counted": [counted for _, counted in fetched]}


def start_worker(number: int, opencv_threads: int | None, own: Own | None = None) -> None:
    """Settings of a worker process: OpenCV's own threads only get in the way of the workers; then the user's function.

    Ctrl-C reaches every process of a terminal; the main process ends its workers when it is ready.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_memory()
    if opencv_threads is not None:
        import cv2

        cv2.setNumThreads(opencv_threads)
    if own is not None:
        own(number)


def keep_memory() -> None:
    """Let glibc keep what arrays leave behind for the next ones; a tenth of a worker's time went into getting it back.

    Other systems' memory has no such setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
        mallopt(option, 1 << 30)


class Loader:
    """Batches of a stream, read by a torch DataLoader; `len` counts the whole run, also when it starts in its middle.

    The two state methods tell Lightning that it can resume in the middle of an epoch: the position is given by the
    stream's ``start``, so there is nothing to store.
    """

    def __init__(self, loader: DataLoader[Any], start: int = 0) -> None:
        self.loader = loader
        self.start = start
        self.length: int | None = None  # where the stream itself has no end
        #: When the last batch was asked for, and when it was there, in seconds of `time.perf_counter`.
        self.asked = self.arrived = time.perf_counter()
        self._reading: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Batch]:
        self.asked = time.perf_counter()
        self._reading = iter(self.loader)
        for batch in self._reading:
            if isinstance(batch, Failure):
                raise batch.error
            self.arrived = time.perf_counter()
            yield batch
            self.asked = time.perf_counter()

    def __len__(self) -> int:
        return self.start + len(self.loader) if self.length is None else self.length

    def close(self) -> None:
        """End the workers now. Left to the garbage collector, each would be waited for five seconds."""
        reading, self._reading, self.loader._iterator = self._reading, None, None
        end = getattr(reading, "_shutdown_workers", None)
        if end is not None:
            end()

    def state_dict(self) -> dict[str, Any]:
        """Nothing: see the class."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing: see the class."""


@dataclass(frozen=True, kw_only=True)
class LoaderSettings:
    """A ``*_dataloader`` section.

    Attributes:
        batch_size: samples per process and batch.
        dataset: the dataset's own section (built elsewhere).
        sampler: see `Sampler`.
        num_workers, persistent_workers, pin_memory, prefetch_factor, timeout: torch's; only CUDA pins memory.
        drop_last: leave out a pass's incomplete batch.
        collate_fn, worker_init_fn: the toolbox's own are not needed; functions of the user's are called.
        batch_sampler: not needed here; ``None`` is accepted.
    """

    batch_size: int = 1
    dataset: Any = None
    sampler: Mapping[str, Any] | None = None
    num_workers: int = 0
    persistent_workers: bool = False
    pin_memory: bool | None = None
    prefetch_factor: int | None = None
    timeout: float = 0
    drop_last: bool = False
    shuffle: bool | None = None
    collate_fn: Any = None
    batch_sampler: Mapping[str, Any] | None = None
    worker_init_fn: Any = None
    multiprocessing_context: str | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.num_workers < 0:
            raise ValueError(f"batch_size={self.batch_size}, num_workers={self.num_workers}: at least 1 and 0")
        if self.batch_size > MOST_SAMPLES or self.num_workers > MOST_WORKERS:
            most = f"at most {MOST_SAMPLES} and {MOST_WORKERS}"
            raise ValueError(f"batch_size={self.batch_size}, num_workers={self.num_workers}: {most}")
        if self.prefetch_factor is not None and not 1 <= self.prefetch_factor <= MOST_SAMPLES:
            raise ValueError(f"prefetch_factor={self.prefetch_factor}: at least 1 and at most {MOST_SAMPLES}")
        if not 0 <= self.timeout < float("inf"):
            raise ValueError(f"timeout={self.timeout}: seconds to wait for a worker are expected; 0 waits for ever")
        methods = list(dict.fromkeys([*torch.multiprocessing.get_all_start_methods(), "fork"]))
        if self.multiprocessing_context is not None and self.multiprocessing_context not in methods:
            given = self.multiprocessing_context
            raise ValueError(f"multiprocessing_context: there is no {given!r}{nearest(given, methods)}")


#: mmengine's samplers: whether they go on for ever
SAMPLERS = {"InfiniteSampler": True, "DefaultSampler": False}


def read_loader(node: Mapping[str, Any], key: str, rights: Rights = Rights.NAMED) -> tuple[LoaderSettings, Sampler]:
    """Translate a ``*_dataloader`` section and its ``sampler``."""
    loader = settings(LoaderSettings, node, key)
    problems = []
    if loader.batch_sampler is not None:
        problems.append(Problem(f"{key}.batch_sampler", "batch samplers are not supported; use sampler and drop_last"))
    own: dict[str, Any] = {}
    for name in BUILT_IN:
        try:
            own[name] = read_own(node.get(name), f"{key}.{name}", rights)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    loader = replace(loader, **own)
    given = loader.sampler or {"type": "DefaultSampler", "shuffle": bool(loader.shuffle)}
    if type_name(given, f"{key}.sampler") == "RareClassSampler":
        if key != "train_dataloader":
            raise ConfigError(Problem(f"{key}.sampler", "RareClassSampler is for training; measure every image once"))
        rare = settings(RareClassSampler, given, f"{key}.sampler")
        return loader, Sampler(seed=rare.seed, infinite=True, rare=rare)
    name = type_name(given, f"{key}.sampler")
    cls = users_own(name, "samplers", f"{key}.sampler.type", rights)
    if cls is None and inspect.isclass(given["type"]) and (name not in SAMPLERS or not of_family(given["type"])):
        cls = given["type"]
    if cls is not None:
        arguments = {name: value for name, value in given.items() if name != "type"}
        return loader, Sampler(own=lambda dataset, seed: cls(dataset=dataset, **{"seed": seed, **arguments}))
    infinite = lookup(SAMPLERS, name, f"{key}.sampler", "sampler")
    sampler = settings(Sampler, given, f"{key}.sampler")
    return loader, replace(sampler, infinite=infinite)


@dataclass(frozen=True)
class Workers:
    """Where and how samples are read: ``env_cfg.mp_cfg``, and whether batches go to a CUDA device."""

    start_method: str | None = None
    opencv_threads: int | None = 0
    cuda: bool = False


def collate_key(loader: LoaderSettings) -> str:
    """How messages call what makes batches."""
    return str(getattr(loader.collate_fn, "key", "") or "the collate function")


def make_loader(
    dataset: Samples,
    stream: TrainStream | EvaluationStream,
    loader: LoaderSettings,
    collate: Callable[[Sequence[Any]], Batch],
    workers: Workers,
) -> Loader:
    """The batches of ``stream``."""
    if len(dataset) == 0:
        raise DataError("the dataset is empty: check data_root, data_prefix and ann_file of the config")
    parallel: dict[str, Any] = {}
    if loader.num_workers:
        methods = torch.multiprocessing.get_all_start_methods()
        method = loader.multiprocessing_context or workers.start_method
        parallel = {
            "persistent_workers": loader.persistent_workers,
            "timeout": loader.timeout,
            "multiprocessing_context": method if method in methods else None,
            "worker_init_fn": partial(start_worker, opencv_threads=workers.opencv_threads, own=loader.worker_init_fn),
        }
        if loader.prefetch_factor is not None:
            parallel["prefetch_factor"] = loader.prefetch_factor
    torch_loader: DataLoader[Any] = DataLoader(
        Fetch(dataset),
        batch_sampler=stream,
        num_workers=loader.num_workers,
        collate_fn=partial(collate_fetched, collate=loader.collate_fn or collate, key=collate_key(loader)),
        pin_memory=workers.cuda if loader.pin_memory is None else loader.pin_memory and workers.cuda,
        generator=torch.Generator(),  # else each pass over the data would draw from the training's generator
        **parallel,
    )
    return Loader(torch_loader, stream.start if isinstance(stream, TrainStream) else 0)
