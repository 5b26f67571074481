"""The blocks of a plan as tasks of Ray (extra ``ray``), which schedules them, finds devices and repeats what died.

A task is one block, written under its own name by whatever machine computes it, so the folder of blocks must be one
that all machines share, under one path. Repeating a block is harmless, and so is a worker that dies in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segue.errors import InputError, MissingExtraError, SegueError
from segue.inference.scenes.network import Network
from segue.inference.scenes.plan import Plan, Unit
from segue.inference.scenes.worker import Worker

#: times that a block is tried again after its worker died
RETRIES = 5
_WORKERS: dict[str, Worker] = {}  # of a process of Ray, which keeps its model from block to block


def compute(
    network: Network, plan: Plan, folder: Path, todo: Sequence[Unit], address: str
) -> Iterator[tuple[Unit, SegueError | None]]:
    """Each unit when it is done, or with its error.

    Args:
        network: the model; its device says whether a task needs a GPU.
        plan: what there is to do.
        folder: of the blocks.
        todo: the blocks to compute.
        address: of the cluster: ``auto``, ``HOST:PORT``, ``ray://HOST:PORT``; ``local`` starts one on this machine.

    Raises:
        InputError: there is no such cluster.
        MissingExtraError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "computing blocks on a cluster") from error
    own = not ray.is_initialized()
    if own:
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"ray={address!r}: no such cluster: {str(error).splitlines()[0]}") from error
    try:
        gpus = 1 if next(network.model.parameters()).device.type == "cuda" else 0
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_block)
        shared = ray.put((network, plan))
        name = f"{folder.absolute()} {network.digest()}"
        waiting = {task.remote(shared, name, folder.absolute(), unit): unit for unit in todo}
        while waiting:
            [done], _ = ray.wait(list(waiting), num_returns=1)
            unit = waiting.pop(done)
            try:
                yield unit, ray.get(done)
            except ray.exceptions.WorkerCrashedError as error:
                yield (
                    unit,
                    InputError(f"{plan.sources[unit.source].path}: its workers died {RETRIES + 1} times: {error}"),
                )
    finally:
        if own:
            ray.shutdown()


def _block(shared: tuple[Network, Plan], name: str, folder: Path, unit: Unit) -> Any:
    """One block, in a process of Ray: None, or the error that a user can mend."""
    if name not in _WORKERS:
        _WORKERS.clear()
        _WORKERS[name] = Worker(*shared, folder)
    try:
        _WORKERS[name].do(unit)
    except SegueError as error:
        return error
    return None
