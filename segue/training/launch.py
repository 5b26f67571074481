"""Who starts the processes of a run: Segue itself, ``torchrun``, or Slurm's ``srun``; and what their environment says.

With ``torchrun`` and ``srun`` each process finds its number and how many there are in the environment, so the devices
need not be given. No Lightning here: the command line asks, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from segue.errors import InputError


@dataclass(frozen=True)
class Launched:
    """By whom the processes were started, how many on this machine, and on how many machines."""

    launcher: str
    local: int = 1
    nodes: int = 1


def launched(launcher: str | None, environment: Mapping[str, str] = os.environ) -> Launched:
    """What the environment says about a run; None finds out who started it.

    Raises:
        InputError: the launcher has not set what it sets.
    """
    if launcher is None:
        launcher = found_launcher(environment)
    if launcher == "none":
        return Launched("none")
    names = ("RANK", "WORLD_SIZE") if launcher == "pytorch" else ("SLURM_PROCID", "SLURM_NTASKS")
    missing = [name for name in names if name not in environment]
    if missing:
        starter = "torchrun --nproc-per-node 4 -m segue ..." if launcher == "pytorch" else "srun segue ..."
        raise InputError(
            f"--launcher {launcher}: {' and '.join(missing)} are not in the environment; start with `{starter}`, or "
            "leave --launcher out and give --nproc-per-node, and Segue starts the processes itself"
        )
    world = int(environment[names[1]])
    if launcher == "pytorch":
        local = int(environment.get("LOCAL_WORLD_SIZE", world))
    else:
        given = environment.get("SLURM_NTASKS_PER_NODE") or environment.get("SLURM_TASKS_PER_NODE") or str(world)
        local = int((re.match(r"\d+", given) or [world])[0])  # Slurm writes 4(x2) for two machines
    if world % local:
        raise InputError(f"{world} processes do not spread evenly over machines with {local} each")
    return Launched(launcher, local, world // local)


def found_launcher(environment: Mapping[str, str] = os.environ) -> str:
    """The launcher whose variables are there. Slurm's are in its interactive shells, too, where nothing is launched."""
    if "TORCHELASTIC_RUN_ID" in environment:
        return "pytorch"
    interactive = environment.get("SLURM_JOB_NAME") in ("bash", "interactive")
    several = int(environment.get("SLURM_NTASKS", 1)) > 1
    return "slurm" if several and "SLURM_STEP_ID" in environment and not interactive else "none"


def set_local_rank(given: int | None) -> None:
    """Put ``--local-rank``, which older launchers pass as an argument, where the newer ones put it."""
    if given is not None:
        os.environ.setdefault("LOCAL_RANK", str(given))
    elif "RANK" in os.environ and "LOCAL_RANK" not in os.environ:
        local = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ.get("WORLD_SIZE", 1)))
        os.environ["LOCAL_RANK"] = str(int(os.environ["RANK"]) % local)


def forget_rank(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take away a ``LOCAL_RANK`` that says nothing: what an older command or a notebook has left behind.

    Who starts processes by hand tells them where to meet, too (``MASTER_PORT``). With a number alone Lightning would
    take the others for started, and wait for them.
    """
    if not {"RANK", "MASTER_PORT"} & environment.keys():
        environment.pop("LOCAL_RANK", None)


def is_first(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is the one that speaks: every number that a launcher gives it is 0."""
    names = ("RANK", "NODE_RANK", "LOCAL_RANK") + (("SLURM_PROCID",) if found_launcher(environment) == "slurm" else ())
    return not any(int(environment.get(name) or 0) for name in names)


def is_own_child(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Segue started this process beside the first one (torchrun sets RANK, too)."""
    return int(environment.get("LOCAL_RANK") or 0) > 0 and "RANK" not in environment
