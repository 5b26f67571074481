"""Attention against torch's own ``nn.MultiheadAttention``; the coarser grid by its equivalence at ratio 1."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segue.layers.attention import MultiheadAttention, QKVAttention, SpatialReductionAttention
from segue.layers.norm import LN


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["self", "cross", "key_value"])
def test_as_torch(bias: bool, kind: str) -> None:
    own, torchs = MultiheadAttention(8, 2, bias=bias), nn.MultiheadAttention(8, 2, bias=bias, batch_first=True)
    own.attn.load_state_dict(torchs.state_dict())
    q, k, v = torch.randn(2, 5, 8), torch.randn(2, 7, 8), torch.randn(2, 7, 8)
    given = {"self": (q, q, q), "cross": (q, k, k), "key_value": (q, k, v)}[kind]
    expected = torchs(*given, need_weights=False)[0]
    out = own(q) if kind == "self" else own(q, k) if kind == "cross" else own(q, k, v)
    assert torch.allclose(out, expected, atol=1e-6)


def test_masks() -> None:
    """A boolean mask is False where not to attend; a number is added."""
    attention, x = MultiheadAttention(8, 2), torch.randn(1, 4, 8)
    keep = torch.tensor([True, True, False, True])
    added = torch.zeros(4).masked_fill(~keep, float("-inf"))
    expected = attention(x, x[:, keep])
    assert torch.allclose(attention(x, mask=keep.expand(1, 1, 4, 4)), expected, atol=1e-6)
    assert torch.allclose(attention(x, mask=added.expand(1, 1, 4, 4)), expected, atol=1e-6)


def test_joint_projection_is_the_same_attention() -> None:
    joint, apart, x = QKVAttention(8, 2), MultiheadAttention(8, 2), torch.randn(2, 5, 8)
    apart.attn.in_proj_weight.data, apart.attn.in_proj_bias.data = joint.qkv.weight.data, joint.qkv.bias.data
    apart.attn.out_proj = joint.proj
    assert torch.allclose(joint(x), apart(x), atol=1e-6)


def test_coarser_keys() -> None:
    """With a mean over 2 x 2 as reduction, a map of constant squares attends as its squares do."""
    attention = SpatialReductionAttention(4, 2, sr_ratio=2, norm=LN)
    nn.init.zeros_(attention.sr.bias)
    attention.sr.weight.data = torch.eye(4).view(4, 4, 1, 1).expand(4, 4, 2, 2) / 4
    squares = torch.randn(1, 4, 2, 3)
    fine = squares.repeat_interleave(2, 2).repeat_interleave(2, 3)
    tokens = fine.flatten(2).transpose(1, 2)
    keys = attention.norm(squares.flatten(2).transpose(1, 2))
    assert torch.allclose(attention.attend(tokens, (4, 6)), attention(tokens, keys), atol=1e-6)
