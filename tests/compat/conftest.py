"""A user's data and trained weights; the import names are taken back after each test."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from segue.compat import install, uninstall
from segue.config.builder.register import registered
from tests.compat.project.cases import fill, make_data
from tests.compat.scripts import OLD_CONFIG

#: What the user's module registers when it is imported, which happens once.
CUSTOM: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """``mmseg`` and its kin, for one test; what is registered meanwhile is forgotten, for the sake of other tests."""
    from segue.compat.mmengine import registry

    install()
    outside = dict(registered)
    importlib.import_module("tests.compat.project.custom")
    CUSTOM.update({name: value for name, value in registered.items() if name not in outside})
    registered.update(CUSTOM)
    registries = [value for value in vars(registry).values() if isinstance(value, registry.Registry)]
    before = [dict(each.own) for each in registries]
    yield
    registered.clear()
    registered.update(outside)
    for each, kept in zip(registries, before, strict=True):
        each.own.clear()
        each.own.update(kept)
    uninstall()
    install()


@pytest.fixture(scope="session")
def user_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("user")
    make_data(root)
    (root / "splits").mkdir()
    (root / "splits" / "train.txt").write_text("s0\ns1\ns2\ns3\n")
    (root / "splits" / "val.txt").write_text("s4\ns5\n")
    return root


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, user_data: Path) -> tuple[Path, Path]:
    """A 0.x config of three classes, and weights with the metadata of mmseg 0.x."""
    from segue.config.builder.build import build_model
    from segue.recipes.open import read_config

    folder = tmp_path_factory.mktemp("trained")
    config = folder / "old.py"
    text = OLD_CONFIG.replace("num_classes=19", "num_classes=3").replace("SyncBN", "BN")
    config.write_text(text)
    state = fill(build_model(read_config(config)).state_dict())
    meta = {"CLASSES": ("sky", "road", "tree"), "PALETTE": [[0, 0, 200], [90, 90, 90], [0, 150, 0]]}
    weights = folder / "iter_4.pth"
    torch.save({"state_dict": state, "meta": meta}, weights)
    return config, weights
