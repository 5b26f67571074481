"""A hub on this machine, as the library huggingface_hub finds it by its settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import Hub, hub


@pytest.fixture
def library(own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The library, with a cache and settings of its own; the folder of its cache."""
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed: pip install 'segue[hub]'")
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    return tmp_path / "hf" / "hub"


@pytest.fixture
def a_hub(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub."""
    with hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made
