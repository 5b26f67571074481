"""Shared settings: one thread, because many small models run faster so, and the same seed for every test."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from .checkpoints.downloads.server import Server, serving

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
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
