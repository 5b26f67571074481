"""Who starts the processes. Oracle: what torchrun and Slurm are documented to set."""

from __future__ import annotations

import pytest

from segue.errors import InputError
from segue.training.launch import (
    Launched,
    forget_rank,
    found_launcher,
    is_first,
    is_own_child,
    launched,
    set_local_rank,
)
from segue.training.machine import Machine, machine_count, placed

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none", "RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "1",
}  # fmt: skip
SRUN = {
    "SLURM_JOB_NAME": "train", "SLURM_STEP_ID": "0", "SLURM_PROCID": "3", "SLURM_NTASKS": "6",
    "SLURM_TASKS_PER_NODE": "3(x2)",
}  # fmt: skip
OWN = {"NODE_RANK": "0", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "5000"}


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in a job of a cluster."""
    for name in {*TORCHRUN, *SRUN, *OWN, "SLURM_NTASKS_PER_NODE"}:
        monkeypatch.delenv(name, raising=False)


def test_environments_are_found() -> None:
    assert (found_launcher(TORCHRUN), found_launcher(SRUN), found_launcher(OWN), found_launcher({})) == (
        "pytorch", "slurm", "none", "none",
    )  # fmt: skip


def test_allocation_without_srun_is_no_launch() -> None:
    """sbatch sets the number of tasks for its script, which runs once; interactive shells have it, too."""
    assert found_launcher({"SLURM_NTASKS": "6", "SLURM_JOB_NAME": "train"}) == "none"
    assert found_launcher({**SRUN, "SLURM_JOB_NAME": "interactive"}) == "none"


def test_processes_and_machines_are_counted() -> None:
    assert launched(None, TORCHRUN) == Launched("pytorch", 4, 2)
    assert launched(None, SRUN) == Launched("slurm", 3, 2)
    assert launched("slurm", {**SRUN, "SLURM_NTASKS_PER_NODE": "2"}) == Launched("slurm", 2, 3)
    assert launched("pytorch", {"RANK": "0", "WORLD_SIZE": "2"}) == Launched("pytorch", 2, 1)
    assert launched("none", TORCHRUN) == launched(None, OWN) == Launched("none", 1, 1)


@pytest.mark.parametrize("devices", [2, "2", "0,1"])
def test_a_launcher_with_a_number_of_processes(devices: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--launcher pytorch --nproc-per-node 2`` without torchrun: Segue starts them."""
    asked = Machine("cpu", devices, launcher="pytorch")
    assert placed(asked) == Machine("cpu", devices, launcher="none")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert placed(asked).launcher == "none"
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(InputError, match="WORLD_SIZE are not in the environment"):
        placed(asked)


def test_launcher_that_has_not_launched() -> None:
    with pytest.raises(InputError, match=r"--launcher pytorch: RANK and WORLD_SIZE are not .* start with `torchrun"):
        launched("pytorch", {})
    with pytest.raises(InputError, match=r"--launcher slurm: SLURM_NTASKS are not .* `srun segue ...`, or leave"):
        launched("slurm", {"SLURM_PROCID": "0"})
    with pytest.raises(InputError, match="7 processes do not spread evenly over machines with 4 each"):
        launched("pytorch", {**TORCHRUN, "WORLD_SIZE": "7"})


def test_one_process_speaks() -> None:
    assert [is_first(e) for e in (TORCHRUN, SRUN, OWN, {})] == [False, False, False, True]
    assert is_first({**TORCHRUN, "RANK": "0", "LOCAL_RANK": "0"})
    assert is_first({**OWN, "LOCAL_RANK": "0"})
    assert is_first({"SLURM_PROCID": "2", "SLURM_NTASKS": "1"})  # a job step of its own
    assert [is_own_child(e) for e in (TORCHRUN, OWN, {**OWN, "LOCAL_RANK": "0"}, {})] == [False, True, False, False]


def test_local_rank_comes_from_the_argument_or_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("LOCAL_RANK", "7")
    set_local_rank(1)
    assert os.environ["LOCAL_RANK"] == "7"
    monkeypatch.delenv("LOCAL_RANK")
    set_local_rank(1)
    assert os.environ["LOCAL_RANK"] == "1"
    monkeypatch.delenv("LOCAL_RANK")
    monkeypatch.setenv("RANK", "5")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    set_local_rank(None)
    assert os.environ["LOCAL_RANK"] == "1"


@pytest.mark.parametrize("beside", ["RANK", "MASTER_PORT", None])
def test_number_alone_is_forgotten(beside: str | None) -> None:
    environment = {"LOCAL_RANK": "0"} | ({beside: "1"} if beside else {})
    forget_rank(environment)
    assert ("LOCAL_RANK" in environment) == (beside is not None)


def test_machine_takes_the_launchers_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert placed(Machine("cpu", 3)) == Machine("cpu", 3, launcher="none")
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    found = placed(Machine("cpu"))
    assert (found.devices, found.num_nodes, found.launcher, machine_count(found)) == (4, 2, "pytorch", 8)
    assert placed(Machine("cpu", "0,1,2,3", 2)).devices == "0,1,2,3"
    with pytest.raises(InputError, match="3 devices are asked for, but pytorch has started 4 processes"):
        placed(Machine("cpu", 3))
    with pytest.raises(InputError, match="--num-nodes 5, but pytorch runs on 2"):
        placed(Machine("cpu", num_nodes=5))
