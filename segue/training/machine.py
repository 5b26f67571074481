"""Where a run happens: devices, processes, and how the workers of its loaders start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy

from segue.errors import InputError
from segue.training.data import Workers
from segue.training.launch import forget_rank, launched
from segue.training.run_settings import read_environment

ENVIRONMENTS = {"none": LightningEnvironment, "pytorch": TorchElasticEnvironment, "slurm": SLURMEnvironment}


@dataclass(frozen=True)
class Machine:
    """Where to run: Lightning's ``accelerator``, ``devices``, ``num_nodes`` and ``strategy``.

    ``launcher`` is who starts the processes (`segue.training.launch`), by default whose environment is found.
    """

    accelerator: str = "auto"
    devices: Any = "auto"
    num_nodes: int = 1
    strategy: Any = "auto"
    launcher: str | None = None


def placed(machine: Machine) -> Machine:
    """The machine with the number of processes that its launcher has started.

    ``--launcher pytorch --nproc-per-node 2`` without torchrun means that Segue starts both, as torchrun would.

    Raises:
        InputError: other numbers are given.
    """
    counted = machine.devices not in ("auto", -1, "-1")
    # the processes that Lightning starts for us have these two, but no RANK
    ours = {"LOCAL_RANK", "NODE_RANK"} <= os.environ.keys()
    started = "RANK" in os.environ or ("WORLD_SIZE" in os.environ and not ours)
    alone = machine.launcher == "pytorch" and counted and not started
    found = launched("none" if alone else machine.launcher)
    if found.launcher == "none":
        forget_rank()
        return replace(machine, launcher="none")
    asked = None if machine.devices in ("auto", -1, "-1") else machine_count(replace(machine, num_nodes=1))
    if asked not in (None, found.local):
        raise InputError(f"{asked} devices are asked for, but {found.launcher} has started {found.local} processes")
    if machine.num_nodes not in (1, found.nodes):
        raise InputError(f"--num-nodes {machine.num_nodes}, but {found.launcher} runs on {found.nodes}")
    devices = found.local if asked is None else machine.devices
    return replace(machine, devices=devices, num_nodes=found.nodes, launcher=found.launcher)


def make_trainer(cfg: Mapping[str, Any], machine: Machine, plugins: list[Any], **settings: Any) -> Trainer:
    """Lightning's Trainer on ``machine`` (see `placed`).

    Raises:
        InputError: there are no such devices.
    """
    if machine_count(machine) > 1 and machine.launcher is not None:
        plugins = [*plugins, ENVIRONMENTS[machine.launcher]()]
    try:
        return Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.num_nodes,
            strategy=strategy_of(cfg, machine),
            plugins=plugins,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            **settings,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        where = f"accelerator {machine.accelerator}, devices {machine.devices}"
        raise InputError(f"cannot run on {where}: {str(error).strip().splitlines()[0]}") from error


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
    """How workers start, from ``env_cfg.mp_cfg``.

    Raises:
        ConfigError: see `segue.training.run_settings`.
    """
    _, given = read_environment(cfg.get("env_cfg") or {})
    cuda = trainer.strategy.root_device.type == "cuda"
    return Workers(given.mp_start_method, given.opencv_num_threads, cuda)
