"""A project whose backbone starts from a file and is trained by adapters, or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from segue.checkpoints import save_weights
from segue.config import Config
from segue.recipes.open import read_config
from segue.training.trainer import Machine, TrainResult, train
from tests.cli.project import make_project
from tests.layers.small_transformers import BACKBONES, backbone

HEAD: dict[str, Any] = {
    "type": "SegformerHead",
    "in_channels": [16, 16, 32, 32],
    "in_index": [0, 1, 2, 3],
    "channels": 8,
    "num_classes": 3,
    "dropout_ratio": 0.1,
    "norm_cfg": {"type": "BN"},
}


class Project:
    """A config, and the published weights of its backbone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = make_project(folder)
        self.weights = self.published(11)  # a seed that no test has

    def published(self, seed: int) -> Path:
        """Weights of a backbone without adapters."""
        torch.manual_seed(seed)
        return save_weights(self.folder / f"mit-{seed}.safetensors", backbone("mit").state_dict())

    def config(self, *options: str, weights: Path | None = None, **of_backbone: Any) -> Config:
        """The project's config with another model."""
        cfg = Config.fromfile(self.file)
        init = {"type": "Pretrained", "checkpoint": str(weights or self.weights)}
        cfg["model"]["backbone"] = dict(BACKBONES["mit"], drop_path_rate=0.2, init_cfg=init, **of_backbone)
        cfg["model"]["decode_head"] = HEAD
        return read_config(cfg, options)

    def train(self, cfg: Config, name: str, **given: Any) -> TrainResult:
        """Train in a folder of this name; what is said is in ``text``."""
        self.text = io.StringIO()
        console = Console(file=self.text, width=200)
        machine = Machine(accelerator="cpu", devices=1)
        return train(cfg, work_dir=self.folder / name, machine=machine, console=console, report=False, **given)
