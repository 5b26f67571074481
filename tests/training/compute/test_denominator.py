"""Accumulated gradients where pixels are ignored. Oracle: one batch of all images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.checkpoints import read
from segue.errors import ConfigError
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.training.compute.denominator import check_denominator
from segue.training.parts import Parts
from tests.training.small_run import Small, Squares, config, metrics, run


class Plain(Small):
    """Nothing that depends on the other images of a batch, and nothing random."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0, 0.1, generator=torch.Generator().manual_seed(parameter.numel()))

    def loss(self, x: Tensor, targets: Any) -> dict[str, Tensor]:
        logits = self.encode_decode(x)
        return {"decode.loss_ce": F.cross_entropy(logits, targets.labels, ignore_index=255)}


class Sparse(Squares):
    """Each image has another number of labeled pixels."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        sample["data_samples"].gt_sem_seg[: (index % 5) * self.side // 5] = 255
        return sample


def trained(folder: Path, batch: int, iterations: int, **wrapper: Any) -> dict[str, Tensor]:
    cfg = config(
        train_cfg={"type": "IterBasedTrainLoop", "max_iters": iterations, "val_interval": 100},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.5}, **wrapper},
        param_scheduler=None,
    )
    cfg["train_dataloader"]["batch_size"] = batch
    cfg["default_hooks"] = {}
    run(cfg, folder, build=lambda: Parts(Plain(), Sparse(10, augment=False), None, metrics()), report=False)
    return read(folder / "last.ckpt").state_dict


def test_by_pixels_equals_one_batch(tmp_path: Path) -> None:
    """Two steps of 2 x 2 images are those of 4; by batches, as mmengine does, they are others."""
    whole = trained(tmp_path / "whole", 4, 2)
    pixels = trained(tmp_path / "pixels", 2, 4, accumulative_counts=2, denominator="pixels")
    batches = trained(tmp_path / "batches", 2, 4, accumulative_counts=2)
    for name, value in whole.items():
        torch.testing.assert_close(pixels[name], value, rtol=1e-5, atol=1e-6)
    apart = max(float((batches[name] - value).abs().max()) for name, value in whole.items())
    assert apart > 1e-3


def test_losses_that_are_no_such_mean_are_refused() -> None:
    check_denominator(nn.ModuleList([CrossEntropyLoss(avg_non_ignore=True)]), "pixels")
    check_denominator(nn.ModuleList([CrossEntropyLoss()]), "batches")
    with pytest.raises(ConfigError, match=r"denominator: 'pixels': CrossEntropyLoss at model.0 is no mean over"):
        check_denominator(nn.ModuleList([CrossEntropyLoss()]), "pixels")
    weighted = CrossEntropyLoss(avg_non_ignore=True, class_weight=[1.0, 2.0])
    with pytest.raises(ConfigError, match="is a mean over the weights of classes"):
        check_denominator(nn.ModuleList([weighted]), "pixels")
