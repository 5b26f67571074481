"""Where a run happens: devices, processes, and how the workers of its loaders start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy

from segue.train.data import Workers


@dataclass(frozen=True)
class Machine:
    """Where to run: Lightning's ``accelerator``, ``devices``, ``num_nodes`` and ``strategy``."""

    accelerator: str = "auto"
    devices: Any = "auto"
    num_nodes: int = 1
    strategy: Any = "auto"


def machine_count(machine: Machine) -> int:
    """How many processes there will be."""
    devices = machine.devices
    if devices in ("auto", -1, "-1"):
        count = torch.cuda.device_count() if uses_cuda(machine) else 1
    elif isinstance(devices, str):
        count = int(devices) if devices.isdigit() else len([d for d in devices.split(",") if d.strip()])
    else:
        count = devices if isinstance(devices, int) else len(devices)
    return count * machine.num_nodes


def uses_cuda(machine: Machine) -> bool:
    """Whether the run is on CUDA devices."""
    return machine.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def strategy_of(cfg: Mapping[str, Any], machine: Machine) -> Any:
    """Lightning's strategy: for several processes DDP, with buffers left alone as in mmengine."""
    if machine.strategy != "auto" or machine_count(machine) == 1:
        return machine.strategy
    return DDPStrategy(broadcast_buffers=False, find_unused_parameters=bool(cfg.get("find_unused_parameters", False)))


def has_sync_norm(node: Any) -> bool:
    """Whether a model section asks for synchronized batch normalization anywhere."""
    if isinstance(node, Mapping):
        return node.get("type") in ("SyncBN", "MMSyncBN") or any(has_sync_norm(v) for v in node.values())
    return isinstance(node, (list, tuple)) and any(has_sync_norm(v) for v in node)


def workers_of(cfg: Mapping[str, Any], trainer: Trainer) -> Workers:
    """How workers start, from ``env_cfg.mp_cfg``."""
    given = (cfg.get("env_cfg") or {}).get("mp_cfg") or {}
    cuda = trainer.strategy.root_device.type == "cuda"
    return Workers(given.get("mp_start_method"), given.get("opencv_num_threads", 0), cuda)
