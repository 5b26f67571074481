"""Comparisons of the OCR paper: they are found, build, and take a step. Oracle: section 4.2 says what differs."""

from __future__ import annotations

import pytest
import torch

from segue.config.builder.build import build_model
from segue.recipes import compose
from segue.recipes.catalogue import ABLATIONS, select
from segue.types import Targets


def test_found_by_a_pattern() -> None:
    found = {one.name: one for one in select("ocrnet*")}
    assert set(ABLATIONS) <= set(found)
    assert all(found[name].weights is None and not found[name].metrics for name in ABLATIONS)


@pytest.mark.parametrize("backbone", ["r18-d8", "hr18s"])
@pytest.mark.parametrize("kind", ["acf", "double", "gt", "unsupervised"])
def test_builds_and_takes_a_step(kind: str, backbone: str) -> None:
    cfg = compose(f"ocrnet-{kind}_{backbone}_4xb2-40k_cityscapes-64x64")
    torch.manual_seed(0)
    model = build_model(cfg).train()
    losses = model.loss(torch.randn(2, 3, 64, 64), Targets(labels=torch.randint(0, 19, (2, 64, 64))))
    total = sum(value for key, value in losses.items() if "loss" in key)
    total.backward()
    head = model.decode_head[-1]
    assert torch.isfinite(total) and head.bottleneck.conv.weight.grad.abs().sum() > 0
    keys = [name for name, _ in head.object_context_block.named_parameters()]
    assert any("key_project" in name for name in keys) == (kind in ("gt", "unsupervised"))
    if kind == "double":
        assert head.distribute_conv.weight.grad.abs().sum() > 0
    if kind == "unsupervised":
        assert float(losses["decode_0.loss_ce"].detach()) == 0 and any(key.startswith("aux") for key in losses)
        assert model.decode_head[0].conv_seg.weight.grad.abs().sum() > 0, "regions learn from what is done with them"
