"""KernelUpdateHead: numbers of the reference with 3 x 3 kernels, which no head makes, so they come from a file."""

from __future__ import annotations

import gzip
import json

import pytest
import torch

from segue.config.builder.build import build
from segue.errors import InputError
from segue.heads.kernel_update import KernelUpdateHead
from segue.heads.kernel_updator import KernelUpdator
from tests.goldens_check import HERE, goldens_tool


def test_numbers_of_the_reference_for_larger_kernels() -> None:
    tool = goldens_tool()
    with gzip.open(HERE / "goldens" / "context_heads.json.gz", "rt", encoding="utf-8") as file:
        entry = json.load(file)["kernels-3"]
    head = build({"head": entry["config"]}, "head", "heads").eval()
    tool.fill(head.state_dict())
    kernels = tool.image(36, 16, 4, salt="k").reshape(1, 4, 16, 36)[..., :9].reshape(1, 4, 16, 3, 3)
    with torch.no_grad():
        outputs = head(tool.image(6, 8, 16, salt="x"), kernels, tool.image(6, 8, 4, salt="m"))
    for found, golden in zip(outputs, entry["outputs"], strict=True):
        assert tool.deviation(found, golden) < 1e-4


def test_images_of_a_batch_have_kernels_of_their_own() -> None:
    updator = KernelUpdator(in_channels=8, feat_channels=8)
    head = KernelUpdateHead(
        kernel_updator=updator, num_classes=2, num_heads=2, in_channels=8, out_channels=8, conv_kernel_size=3
    ).eval()
    x, kernels, masks = torch.randn(2, 8, 5, 5), torch.randn(2, 2, 8, 3, 3), torch.randn(2, 2, 5, 5)
    both = head(x, kernels, masks)
    for i in range(2):
        alone = head(x[i : i + 1], kernels[i : i + 1], masks[i : i + 1])
        assert all(torch.allclose(a[0], b[i], atol=1e-4) for a, b in zip(alone, both, strict=True))


def test_kernels_have_a_center() -> None:
    with pytest.raises(InputError, match="conv_kernel_size=2 must be odd"):
        KernelUpdateHead(kernel_updator=KernelUpdator(), conv_kernel_size=2)
