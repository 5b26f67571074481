"""IterativeDecodeHead: numbers of the reference, and how its parts are typed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from segue.config.builder.build import build
from segue.errors import ConfigError, InputError
from segue.heads.fcn import FCNHead
from segue.heads.iterative_decode import IterativeDecodeHead
from segue.heads.kernel_update import KernelUpdateHead
from segue.heads.kernel_updator import KernelUpdator
from segue.heads.ocr import OCRHead
from segue.layers.decode_head import HeadOptions
from segue.losses.cross_entropy import CrossEntropyLoss
from segue.types import Targets
from tests.goldens_check import check_golden, check_heads

OPTIONS = HeadOptions(in_channels=4, channels=8, num_classes=3)


def test_numbers_of_the_reference() -> None:
    check_golden("knet_r50_fcn")


def test_variants_of_the_reference() -> None:
    """With and without MLP and transform, masks from features of half the size, other gates."""
    check_heads("knet", "knet-half")


def stage() -> KernelUpdateHead:
    return KernelUpdateHead(
        kernel_updator=KernelUpdator(in_channels=8, feat_channels=8),
        num_classes=3,
        num_heads=2,
        in_channels=8,
        out_channels=8,
        feedforward_channels=16,
    )


def test_every_stage_has_its_losses() -> None:
    generator = FCNHead(replace(OPTIONS, loss_decode=CrossEntropyLoss()))
    head = IterativeDecodeHead(num_stages=1, kernel_generate_head=generator, kernel_update_head=[stage()])
    losses = head.loss([torch.randn(2, 4, 6, 6)], Targets(labels=torch.zeros(2, 12, 12, dtype=torch.long)))
    assert list(losses) == ["loss_ce.s0", "acc_seg.s0", "loss_ce.s1", "acc_seg.s1"]
    sum(value for name, value in losses.items() if "loss" in name).backward()  # type: ignore[union-attr]
    assert generator.conv_seg.weight.grad.any()


def test_messages() -> None:
    with pytest.raises(InputError, match="num_stages=2, but kernel_update_head lists 1 stages"):
        IterativeDecodeHead(num_stages=2, kernel_generate_head=FCNHead(OPTIONS), kernel_update_head=[stage()])
    with pytest.raises(InputError, match="kernel_generate_head=OCRHead has no features before its last convolution"):
        generator = OCRHead(OPTIONS, ocr_channels=4)
        IterativeDecodeHead(num_stages=1, kernel_generate_head=generator, kernel_update_head=[stage()])


def test_problems_of_nested_parts_have_their_place() -> None:
    update = {"type": "KernelUpdateHead", "kernel_updator_cfg": {"type": "KernelUpdator", "in_chanels": 4}}
    generator = {"type": "FCNHead", "in_channels": 4, "channels": 8, "num_classes": 3}
    cfg = {"type": "IterativeDecodeHead", "num_stages": 1, "kernel_generate_head": generator}
    with pytest.raises(ConfigError, match=r"kernel_update_head\.0\.kernel_updator_cfg\.in_chanels.*'in_channels'"):
        build({"head": cfg | {"kernel_update_head": [update]}}, "head", "heads")
