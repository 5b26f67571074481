"""Compilation, memory layout and activation checkpointing: the same training, computed in another way."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segue.checkpoints import read
from segue.errors import ConfigError, InputError
from segue.layers.winograd_training import takes_all
from segue.training.compute.batch import effective_batch_options
from segue.training.compute.flags import compute_options
from segue.training.compute.ways import apply_ways, chosen, filtered, told_unfiltered
from tests.training.small_run import Small, config, lines, run

LOOP = {"type": "IterBasedTrainLoop", "max_iters": 2, "val_interval": 2}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usual")
    run(config(train_cfg=LOOP), folder, report=False)
    return folder


def test_checkpointing_changes_no_bit(usual: Path, tmp_path: Path) -> None:
    """Dropout draws the same numbers twice, and batch statistics are counted once."""
    text = io.StringIO()
    run(config(train_cfg=LOOP, activation_checkpointing=["backbone"]), tmp_path, text=text, report=False)
    assert "computed again in the backward pass: 1 modules (backbone)" in text.getvalue()
    assert lines(tmp_path) == lines(usual) and lines(tmp_path, "val") == lines(usual, "val")
    found, expected = read(tmp_path / "last.ckpt").state_dict, read(usual / "last.ckpt").state_dict
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def gradients(cfg: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor], list[str]]:
    """The loss and gradients of a training step of the same weights without dropout, and what was said."""
    torch.manual_seed(0)
    model = Small().train()
    model.backbone[3].p = 0.0  # whose random numbers lie as the memory does
    said = apply_ways(model, cfg)
    labels = torch.randint(0, 3, (2, 8, 8))
    loss = F.cross_entropy(model.encode_decode(torch.randn(2, 3, 8, 8)), labels)
    loss.backward()
    assert model.state_dict().keys() == Small().state_dict().keys()
    return loss.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}, said


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # its own import
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's own look at an activation while it compiles
@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        ({"channels_last": True}, "channels_last: "),
        ({"compile": {"backend": "eager"}}, "compile: backbone, decode_head, in training"),
        ({"activation_checkpointing": "backbone"}, "activation_checkpointing: computed again"),
        pytest.param({"compile": True}, "compile: ", marks=pytest.mark.slow),  # the compiler of C++ takes a while
    ],
)
def test_the_same_gradients(cfg: dict[str, Any], said: str) -> None:
    loss, expected, _ = gradients({})
    found, given, lines_said = gradients(cfg)
    assert lines_said[0].startswith(said)
    torch.testing.assert_close(found, loss)
    for name, value in expected.items():
        torch.testing.assert_close(given[name], value)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)


def test_blocks_are_chosen() -> None:
    model = nn.ModuleDict(
        {"backbone": nn.ModuleDict({"stem": nn.Linear(2, 2), "layers": nn.ModuleList([Block(), Block()])})}
    )
    assert [name for name, _ in chosen(model, ["backbone"])] == ["backbone.layers.0", "backbone.layers.1"]
    assert [name for name, _ in chosen(model, "backbone.stem")] == ["backbone.stem"]
    model["decode_head"] = nn.Linear(2, 2)
    assert [name for name, _ in chosen(model, True)] == ["backbone.layers.0", "backbone.layers.1", "decode_head"]


@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        ({"activation_checkpointing": ["bacbone"]}, "the model has no module 'bacbone'; did you mean 'backbone'?"),
        ({"compile": {"mod": "default"}}, "compile.mod: torch.compile has no argument 'mod'; did you mean 'mode'?"),
        ({"compile": {"backend": "inducto"}}, "compile.backend: there is no 'inducto'; did you mean 'inductor'?"),
    ],
)
def test_refused(cfg: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_ways(Small(), cfg)
    assert said in str(caught.value)


def test_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compute_options() == []
    assert compute_options("bf16", compiled=True, channels_last=True, checkpointing=True) == [
        "optim_wrapper.type=AmpOptimWrapper",
        "optim_wrapper.dtype=bfloat16",
        "compile=True",
        "channels_last=True",
        "activation_checkpointing=True",
    ]
    with pytest.raises(InputError, match="--amp and --precision bf16: give one of them"):
        compute_options("bf16", amp=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert compute_options("fp16")[1] == "optim_wrapper.dtype=float16"
    with pytest.raises(InputError, match="--precision fp16 needs a CUDA device"):
        compute_options("fp16", accelerator="cpu")


RECIPE: dict[str, Any] = {
    "train_dataloader": {"batch_size": 2},
    "auto_scale_lr": {"base_batch_size": 16},
    "optim_wrapper": {"type": "OptimWrapper"},
    "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": 100, "val_interval": 10, "dynamic_intervals": [(90, 5)]},
    "param_scheduler": [
        {"type": "LinearLR", "begin": 0, "end": 15, "by_epoch": False},
        {"type": "MultiStepLR", "milestones": [60, 80], "by_epoch": False},
        {"type": "PolyLR", "begin": 0, "end": 9, "by_epoch": True},
    ],
    "default_hooks": {"checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 10}},
    "custom_hooks": [{"type": "EMAHook", "begin_iter": 20}],
}


def test_effective_batch() -> None:
    """Two processes with two images each make 16 of a step in four batches; iterations become four times as many."""
    assert effective_batch_options(RECIPE, 0, 2) == [
        "optim_wrapper.accumulative_counts=4",
        "train_cfg.max_iters=400",
        "train_cfg.val_interval=40",
        "train_cfg.dynamic_intervals=[(360, 20)]",
        "param_scheduler.0.begin=0",
        "param_scheduler.0.end=60",
        "param_scheduler.1.milestones=[240, 320]",
        "default_hooks.checkpoint.interval=40",
        "custom_hooks.0.begin_iter=80",
        "custom_hooks.0.interval=4",
    ]
    assert effective_batch_options(RECIPE, 0, 8) == effective_batch_options(RECIPE, None, 3) == []
    for cfg, wanted, said in (
        (RECIPE, 6, "--effective-batch 6: is no multiple of 4 images"),
        ({**RECIPE, "auto_scale_lr": None}, 0, "the config has no auto_scale_lr.base_batch_size"),
        ({**RECIPE, "optim_wrapper": {"accumulative_counts": 2}}, 8, "is given already"),
    ):
        with pytest.raises(InputError, match=said):
            effective_batch_options(cfg, wanted, 2)


def test_wide_convolutions_are_filtered_unless_told_otherwise() -> None:
    conv, maps = nn.Conv2d(256, 512, 3, padding=1), [torch.zeros(1, 256, 32, 32)]
    for cfg, cuda, expected in (
        ({}, False, True),
        ({"winograd": True}, False, True),
        ({"winograd": False}, False, False),
        ({"compile": True}, False, False),
        ({}, True, False),
    ):
        with filtered(cfg, cuda=cuda):
            assert takes_all(conv, maps) is expected
    assert not takes_all(conv, maps)


def test_winograd_that_is_asked_for_and_not_done_is_said() -> None:
    def said(precision: str, cuda: bool = False, **cfg: Any) -> list[str]:
        return [*told_unfiltered(cfg, precision, cuda=cuda)]

    assert said("32-true", winograd=True) == said("bf16-mixed") == said("bf16-mixed", winograd=False) == []
    assert said("bf16-mixed", winograd=True) == ["winograd: is not done in bf16-mixed"]
    assert said("32-true", winograd=True, compile=True) == ["winograd: is not done with compile"]
    assert said("16-mixed", cuda=True, winograd=True) == ["winograd: is not done on a GPU"]
