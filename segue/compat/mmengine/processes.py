"""mmengine.dist over torch.distributed; with one process everything is its own."""

from __future__ import annotations

import functools
from typing import Any

import torch


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
