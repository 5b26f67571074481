"""SegformerHead: numbers of the reference."""

from __future__ import annotations

import pytest
import torch

from segue.heads.segformer import SegformerHead
from segue.layers.decode_head import HeadOptions
from segue.layers.norm import BN, Norm
from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("segformer_bicubic")


@pytest.mark.parametrize("norm", [BN, None], ids=["normalized", "with_bias"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
def test_maps_are_mixed_before_they_are_resized(norm: Norm | None, mode: str) -> None:
    """Oracle: the same head with a hook on its last convolution, which wants the concatenation."""
    torch.manual_seed(0)
    options = HeadOptions(in_channels=[4, 6, 8], in_index=[0, 1, 2], channels=5, num_classes=3, norm=norm)
    head = SegformerHead(options, interpolate_mode=mode)  # type: ignore[arg-type]
    assert head.training
    maps = [torch.randn(2, c, *size) for c, size in ((4, (9, 12)), (6, (5, 6)), (8, (3, 3)))]
    seen: list[int] = []

    def outcome() -> list[torch.Tensor]:
        head.zero_grad()
        out = head.embed(maps)
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        return [out.detach(), *(p.grad for p in head.parameters() if p.grad is not None)]

    mixed = outcome()
    hook = head.fusion_conv.conv.register_forward_hook(lambda module, given, out: seen.append(given[0].shape[1]))
    expected = outcome()
    hook.remove()
    assert seen == [15]
    assert len(mixed) == len(expected) > 6
    for one, other in zip(mixed, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
