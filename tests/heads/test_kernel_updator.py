"""KernelUpdator by hand; its numbers of the reference are in ``test_kernel_update`` and ``test_iterative_decode``."""

from __future__ import annotations

import torch

from segue.heads.kernel_updator import KernelUpdator


def test_shut_gates_leave_nothing_of_either_side() -> None:
    """Gates that are normalized to -100 pass neither group nor kernel, so only biases remain."""
    updator = KernelUpdator(in_channels=4, feat_channels=4)
    for norm in (updator.norm_in, updator.input_norm_in):
        torch.nn.init.zeros_(norm.weight)
        torch.nn.init.constant_(norm.bias, -100.0)
    one = updator(torch.randn(2, 3, 4), torch.randn(2, 3, 1, 4))
    other = updator(torch.randn(2, 3, 4), torch.randn(2, 3, 1, 4))
    assert one.shape == (6, 1, 4) and torch.equal(one, other)


def test_wide_features_are_cut_into_pieces() -> None:
    """As the published configs do: kernels of 8 channels, an update of 4."""
    updator = KernelUpdator(in_channels=4, feat_channels=4)
    group, kernel = torch.randn(1, 2, 8), torch.randn(1, 2, 1, 8)
    whole = updator(group, kernel).reshape(1, 2, 8)
    left = updator(group[..., :4], kernel[..., :4]).reshape(1, 2, 4)
    assert torch.allclose(whole[..., :4], left, atol=1e-6)
