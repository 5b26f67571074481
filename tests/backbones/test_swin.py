"""SwinTransformer: numbers from small models of the reference; the shift mask by hand; loading, freezing, messages."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.swin import ShiftedWindowAttention, SwinTransformer, WindowAttention
from segue.errors import InputError
from segue.layers.position import resize_bias_table
from tests.goldens_check import check_part


def small(window_size: int = 4, *, frozen_stages: int = -1, with_cp: bool = False) -> SwinTransformer:
    return SwinTransformer(
        embed_dims=8,
        depths=(2, 2),
        num_heads=(1, 2),
        strides=(4, 2),
        out_indices=(0, 1),
        window_size=window_size,
        frozen_stages=frozen_stages,
        with_cp=with_cp,
    )


@pytest.mark.parametrize("name", ["swin", "swin_absolute"])
def test_numbers_of_the_reference(name: str) -> None:
    check_part(name)


def test_tokens_that_only_the_shift_made_neighbors_do_not_attend_to_each_other() -> None:
    """A 4 x 4 map in windows of 2, shifted by 1: the first window is whole, the last holds the four corners."""
    attention = WindowAttention(4, 1, 2, qkv_bias=True, qk_scale=None, attn_drop=0.0, proj_drop=0.0)
    regions = ShiftedWindowAttention(attention, 1)._regions(4, 4, torch.zeros(1))
    assert tuple(regions.shape) == (4, 1, 4, 4)
    assert torch.equal(regions[0, 0], torch.zeros(4, 4))
    halves = torch.tensor([[0.0, -100.0, 0, -100], [-100, 0, -100, 0], [0, -100, 0, -100], [-100, 0, -100, 0]])
    assert torch.equal(regions[1, 0], halves)
    assert torch.equal(regions[3, 0], -100 * (1 - torch.eye(4)))


def test_a_batch_is_its_images() -> None:
    model = small().eval()
    x = torch.randn(2, 3, 50, 70)
    for i in range(2):
        for both, single in zip(model(x), model(x[i : i + 1]), strict=True):
            assert torch.allclose(both[i : i + 1], single, atol=1e-5)


def test_weights_of_another_window_fit() -> None:
    source, target = small(4), small(7)
    target.load_state_dict(source.state_dict())
    old = source.stages[0].blocks[0].attn.w_msa.relative_position_bias_table
    new = target.stages[0].blocks[0].attn.w_msa.relative_position_bias_table
    assert torch.allclose(new, resize_bias_table(old, (4, 4), (7, 7)))


def test_frozen_stages() -> None:
    model = small(frozen_stages=1).train()
    frozen = {".".join(name.split(".")[:2]) for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"patch_embed.projection", "patch_embed.norm", "stages.0", "norm0.weight", "norm0.bias"}
    assert not model.stages[0].training and model.stages[1].training


def test_checkpointing_gives_the_same_gradients() -> None:
    x, gradients = torch.randn(1, 3, 32, 32), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = small(with_cp=with_cp).eval()
        model(x)[1].sum().backward()
        gradients.append(model.stages[0].blocks[1].attn.w_msa.qkv.weight.grad)
    assert torch.allclose(*gradients)


def test_messages() -> None:
    with pytest.raises(InputError, match=r"must be of equal length, and out_indices=\(0, 1, 2, 3\) below it"):
        SwinTransformer(depths=(2, 2))
    with pytest.raises(InputError, match=r"strides\[0\]=4 must equal patch_size=2"):
        SwinTransformer(patch_size=2)
