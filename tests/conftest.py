"""Shared settings: one thread a process, as many processes as cores, and the same seed for every test.

Many small models run faster on one thread, and `pytest -n auto`, which pyproject.toml asks for, uses the other cores.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .checkpoints.downloads.server import Server, serving
from .checkpoints.hub.server import Hub, hub

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that tests start, as well


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """What ``-n auto`` means here: a worker per usable core, up to eight, as each needs a gigabyte.

    None at all for one file or for single tests, since a worker takes some seconds to start: these run in this process.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    paths = {argument.split("::")[0] for argument in config.args}
    if len(paths) == 1 and next(iter(paths)).endswith(".py"):
        return 0
    affinity = getattr(os, "sched_getaffinity", None)  # what a container grants; Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, 8) if cores > 1 else 0


def pytest_configure(config: pytest.Config) -> None:
    """One thread for torch, where tests run: the process that only hands them out need not import it."""
    if not config.getoption("numprocesses", 0):
        import torch

        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    import torch

    torch.manual_seed(0)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of weights, no settings of whoever runs the tests, and no network beyond this machine."""
    for name in ("SEGUE_WEIGHTS", "SEGUE_WEIGHTS_MIRROR", "SEGUE_WEIGHTS_LOCK", "SEGUE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    look_up = socket.getaddrinfo

    def only_here(host: Any, *args: Any, **options: Any) -> Any:
        if host != "localhost" and re.search("[g-z]", str(host)):  # a name rather than digits
            raise socket.gaierror(socket.EAI_NONAME, "tests stay on this machine")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)
    return tmp_path / "home" / "weights"


@pytest.fixture
def server(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that is the user's own mirror, as plain http must be."""
    with serving() as server:
        monkeypatch.setenv("SEGUE_WEIGHTS_MIRROR", server.url)
        yield server


@pytest.fixture
def library(own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The library huggingface_hub, with a cache and settings of its own; the folder of its cache."""
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed: pip install 'segue[hub]'")
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    return tmp_path / "hf" / "hub"


@pytest.fixture
def a_hub(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub on this machine, as the library finds it by its settings."""
    with hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made
