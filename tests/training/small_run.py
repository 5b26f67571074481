"""A tiny segmentor on generated images, as the parts of a training run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional as F

from segue.metrics.iou import IoUMetric
from segue.models.seg_data_preprocessor import SegDataPreProcessor
from segue.training.parts import Parts
from segue.training.trainer import Machine, TrainResult, train
from segue.types import SegSample, Targets, TestOptions

CLASSES = ("road", "sky", "tree")


class Squares:
    """Images of noise whose brightness tells the class of each quarter; numpy's generator flips them."""

    def __init__(self, size: int = 10, augment: bool = True, side: int = 16) -> None:
        self.size, self.augment, self.side = size, augment, side
        self.metainfo = {"classes": CLASSES, "palette": [[0, 0, 0], [1, 1, 1], [2, 2, 2]]}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng(index)
        side = self.side
        label = np.kron(rng.integers(0, 3, (2, 2)), np.ones((side // 2, side // 2), int))
        image = label[None] * 80 + rng.integers(0, 60, (3, side, side))
        if self.augment and np.random.rand() < 0.5:
            image, label = image[..., ::-1].copy(), label[:, ::-1].copy()
        meta = {"img_path": f"image_{index}.png", "ori_shape": label.shape, "img_shape": label.shape}
        sample = SegSample(meta=meta, gt_sem_seg=torch.from_numpy(label))
        return {"inputs": torch.from_numpy(image).to(torch.uint8), "data_samples": sample}


class Small(nn.Module):
    """Two convolutions with dropout and batch normalization, so that state of every kind takes part."""

    def __init__(self) -> None:
        super().__init__()
        self.data_preprocessor = SegDataPreProcessor(mean=[100.0] * 3, std=[50.0] * 3)
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3))
        self.decode_head = nn.Conv2d(8, 3, 1)
        self.test = TestOptions()
        self.align_corners = False

    @property
    def head(self) -> Small:
        return self

    def encode_decode(self, x: Tensor) -> Tensor:
        return self.decode_head(self.backbone(x))

    def loss(self, x: Tensor, targets: Targets) -> dict[str, Tensor]:
        logits = self.encode_decode(x)
        loss = F.cross_entropy(logits, targets.labels, ignore_index=255)
        right = (logits.argmax(1) == targets.labels).float().mean() * 100
        return {"decode.loss_ce": loss, "decode.acc_seg": right}


def parts(model: nn.Module | None = None, train_size: int = 10) -> Parts:
    return Parts(model or Small(), Squares(train_size), Squares(4, augment=False), metrics())


def metrics() -> list[Any]:
    metric = IoUMetric()
    metric.set_dataset({"classes": CLASSES})
    return [metric]


def config(**changes: Any) -> dict[str, Any]:
    """Six iterations with a checkpoint after the third; ``changes`` replace whole sections."""
    base: dict[str, Any] = {
        "model": {"type": "Small"},
        "train_dataloader": {
            "batch_size": 2,
            "num_workers": 0,
            "sampler": {"type": "InfiniteSampler", "shuffle": True},
        },
        "val_dataloader": {"batch_size": 1, "num_workers": 0, "sampler": {"type": "DefaultSampler", "shuffle": False}},
        "val_evaluator": {"type": "IoUMetric"},
        "test_dataloader": {"batch_size": 2},
        "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": 6, "val_interval": 3},
        "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}},
        "param_scheduler": [{"type": "PolyLR", "power": 0.9, "begin": 0, "end": 6, "by_epoch": False}],
        "default_hooks": {
            "logger": {"type": "LoggerHook", "interval": 1},
            "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 3, "save_best": "mIoU"},
        },
        "randomness": {"seed": 7},
    }
    return {**base, **changes}


def run(
    cfg: dict[str, Any], folder: Path, *, build: Any = parts, text: io.StringIO | None = None, **given: Any
) -> TrainResult:
    """Train on the CPU, quietly."""
    console = Console(file=text or io.StringIO(), width=160)
    return train(
        cfg, work_dir=folder, build=build, machine=Machine(accelerator="cpu", devices=1), console=console, **given
    )


def lines(folder: Path, mode: str = "train") -> list[dict[str, Any]]:
    """The lines of the record, without what depends on the clock."""
    found = [json.loads(text) for text in (folder / "scalars.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("time", "data_time")} for line in found if line["mode"] == mode]
