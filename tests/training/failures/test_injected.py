"""Failures that are planted in whole runs, and what each run says of it."""

from __future__ import annotations

import errno
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_run import Small, Squares, config, metrics, parts, run
from torch import Tensor

from segue.errors import DataError, LabelError, SegueError
from segue.training.failures.explained import explained
from segue.training.failures.memory import OutOfMemory, is_out_of_memory
from segue.training.parts import Parts


class Bad(Small):
    """Fails in the third step of training, past what is measured before the first."""

    def __init__(self, error: BaseException | None = None, factor: float = 1.0) -> None:
        super().__init__()
        self.error, self.factor, self.steps = error, factor, 0

    def loss(self, x: Tensor, targets: Any) -> dict[str, Tensor]:
        self.steps += 1
        if self.steps >= 3:
            if self.error is not None:
                raise self.error
            x = x * self.factor
        return super().loss(x, targets)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_values_that_are_not_finite(factor: float, tmp_path: Path) -> None:
    with pytest.raises(SegueError) as caught:
        run(config(), tmp_path, build=lambda: parts(Bad(factor=factor)))
    text = str(caught.value)
    assert "the loss is not finite at iteration" in text and "segue replay" in text and text.count("image_") == 2
    assert len(list(tmp_path.glob("replay_iter_*.safetensors"))) == 1
    assert "The first layer whose output is not finite is backbone.0 (Conv2d)" in text


def test_gradient_alone(tmp_path: Path) -> None:
    """Without the look at gradients the weights would be lost a step before the loss tells. Slope of a root at 0."""

    class Rooted(Small):
        def encode_decode(self, x: Tensor) -> Tensor:
            x = self.backbone(x)
            return self.decode_head(x + torch.sqrt(x * 0))

    with pytest.raises(SegueError, match="the gradient is not finite at iteration 1") as caught:
        run(config(), tmp_path, build=lambda: parts(Rooted()))
    assert "The loss is finite, its gradient is not: going backwards, the first is that of the output of" in str(
        caught.value
    )


def test_weights_of_a_checkpoint(tmp_path: Path) -> None:
    model = Small()
    model.backbone[0].weight.data[0, 0, 0, 0] = math.nan
    with pytest.raises(SegueError) as caught:
        run(config(), tmp_path, build=lambda: parts(model))
    assert "The weights are not finite before the step: backbone.0.weight (1 NaN of 216 values)" in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_memory_says_what_would_help(error: BaseException, tmp_path: Path) -> None:
    given = config(crop_size=(512, 512))
    with pytest.raises(OutOfMemory) as caught:
        run(given, tmp_path, build=lambda: parts(Bad(error)))
    text = str(caught.value)
    assert "memory ran out in training" in text and "a step keeps" in text
    assert "train_dataloader.batch_size=1 optim_wrapper.accumulative_counts=2: about" in text
    assert "crop_size=(384, 384) for (512, 512): about" in text and "--amp: about" in text
    assert "with_cp" not in text  # which this model does not have


def test_memory_shares_where_nothing_was_measured() -> None:
    found = explained(MemoryError(), config(), Small(), None, None)
    assert "accumulative_counts=2: about 50% less of what grows with the images" in str(found)
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_full_disk_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("segue.training.saving.torch.save", full)
    with pytest.raises(SegueError, match=r"the disk is full. The checkpoints written before are whole: make room"):
        run(config(), tmp_path)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LabelError("mask_9.png: values [77] are outside 0..2"), LabelError),
        (DataError("image_9.jpg: cannot be decoded: the file is cut off"), DataError),
    ],
)
def test_sample_in_the_middle(error: SegueError, kind: Any, tmp_path: Path) -> None:
    class Late(Squares):
        left = 9  # the first batches, which are drawn beforehand, and two steps

        def __getitem__(self, index: int) -> dict[str, Any]:
            self.left -= 1
            if self.left < 0:
                raise error
            return super().__getitem__(index)

    with pytest.raises(kind) as caught:
        run(config(), tmp_path, build=lambda: Parts(Small(), Late(), None, metrics()))
    assert str(caught.value) == str(error)
