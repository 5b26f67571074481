"""mmengine.dist: what the processes tell each other; with one process everything is its own."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segue.compat.mmengine.processes import all_reduce, collect_results, get_rank, get_world_size, is_distributed


def all_gather(data: Tensor, group: Any = None) -> list[Tensor]:
    """The tensors of all processes, which have one shape."""
    if not is_distributed():
        return [data]
    out = [torch.empty_like(data) for _ in range(get_world_size(group))]
    torch.distributed.all_gather(out, data, group)
    return out


def gather(data: Tensor, dst: int = 0, group: Any = None) -> list[Tensor]:
    """The tensors of all processes, for process ``dst``; an empty list for the others."""
    found = all_gather(data, group)
    return found if get_rank(group) == dst or not is_distributed() else []


def all_gather_object(data: Any, group: Any = None) -> list[Any]:
    """The objects of all processes."""
    if not is_distributed():
        return [data]
    out: list[Any] = [None] * get_world_size(group)
    torch.distributed.all_gather_object(out, data, group)
    return out


def gather_object(data: Any, dst: int = 0, group: Any = None) -> list[Any] | None:
    """The objects of all processes, for process ``dst``; None for the others."""
    found = all_gather_object(data, group)
    return found if get_rank(group) == dst or not is_distributed() else None


def broadcast(data: Tensor, src: int = 0, group: Any = None) -> None:
    """The tensor of process ``src`` to all, in place."""
    if is_distributed():
        torch.distributed.broadcast(data, src, group)


def broadcast_object_list(data: list[Any], src: int = 0, group: Any = None) -> None:
    """The objects of process ``src`` to all, in place."""
    if is_distributed():
        torch.distributed.broadcast_object_list(data, src, group)


def all_reduce_dict(data: dict[str, Tensor], op: str = "sum", group: Any = None) -> None:
    """The sum or mean of each tensor over the processes, in place."""
    for value in data.values():
        all_reduce(value, op, group)


def all_reduce_params(
    params: Any, coalesce: bool = True, bucket_size_mb: int = -1, op: str = "sum", group: Any = None
) -> None:
    """The sum or mean of each parameter over the processes, in place."""
    for value in params:
        all_reduce(value.data, op, group)


def sync_random_seed(group: Any = None) -> int:
    """A random number that all processes share."""
    numbers = [int(np.random.randint(2**31))]
    broadcast_object_list(numbers, 0, group)
    return numbers[0]


def collect_results_cpu(result_part: list[Any], size: int, tmpdir: Any = None) -> list[Any] | None:
    """The results of all processes in the order of the dataset; None but in the first process."""
    found = collect_results(result_part, size)
    return found if get_rank() == 0 else None


def collect_results_gpu(result_part: list[Any], size: int) -> list[Any] | None:
    """The same."""
    return collect_results_cpu(result_part, size)


def get_backend(group: Any = None) -> str | None:
    """How the processes speak, None for one process."""
    return torch.distributed.get_backend(group) if is_distributed() else None


def get_default_group() -> Any:
    """The group of all processes, None for one process."""
    return torch.distributed.group.WORLD if is_distributed() else None


def init_local_group(node_rank: int, num_gpus_per_node: int) -> None:
    """Nothing to do: the processes of a machine are known from the environment."""


def get_local_group() -> Any:
    """None: the processes of a machine are no group of their own."""


def get_local_size() -> int:
    """Processes on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if is_distributed() else 1


def get_local_rank() -> int:
    """This process on its machine."""
    return int(os.environ.get("LOCAL_RANK", 0)) if is_distributed() else 0


def get_data_device(data: Any) -> torch.device:
    """Where the tensors of a value are."""
    if isinstance(data, Tensor):
        return data.device
    items = list(data.values() if isinstance(data, dict) else data)
    devices = {get_data_device(item) for item in items}
    if len(devices) != 1:
        raise ValueError(f"the tensors are not on one device: {sorted(map(str, devices))}")
    return devices.pop()


def get_comm_device(group: Any = None) -> torch.device:
    """Where a tensor must be to be sent."""
    return torch.device("cuda", torch.cuda.current_device()) if get_backend(group) == "nccl" else torch.device("cpu")


def cast_data_device(data: Any, device: torch.device, out: Any = None) -> Any:
    """A value with its tensors on a device; with ``out`` they are copied into its tensors."""
    if isinstance(data, Tensor):
        return data.to(device) if out is None else out.copy_(data)
    if isinstance(data, dict):
        return {key: cast_data_device(value, device, None if out is None else out[key]) for key, value in data.items()}
    found = [cast_data_device(item, device, None if out is None else out[n]) for n, item in enumerate(data)]
    return tuple(found) if isinstance(data, tuple) else found


def infer_launcher() -> str:
    """``pytorch``, ``slurm``, ``mpi`` or ``none``, from the environment."""
    for name, launcher in (("WORLD_SIZE", "pytorch"), ("SLURM_NTASKS", "slurm"), ("OMPI_COMM_WORLD_LOCAL_RANK", "mpi")):
        if name in os.environ:
            return launcher
    return "none"
