"""Surroundings in which nothing but this machine can be reached, and nothing outside the test's folder is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import Server, serving


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and none of the settings or proxies of whoever runs the tests."""
    for name in ("SEGUE_WEIGHTS", "SEGUE_WEIGHTS_MIRROR", "SEGUE_WEIGHTS_LOCK", "SEGUE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "weights"


@pytest.fixture
def server(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that is the user's own mirror, as plain http must be."""
    with serving() as server:
        monkeypatch.setenv("SEGUE_WEIGHTS_MIRROR", server.url)
        yield server
