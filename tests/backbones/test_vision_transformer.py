"""VisionTransformer: numbers from small models of the reference; loading, freezing, sizes and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.vision_transformer import VisionTransformer
from segue.errors import InputError
from segue.layers.position import resize_position_embedding
from tests.goldens_check import check_part


def small(img_size: int | tuple[int, int] = 64, *, patch_bias: bool = False) -> VisionTransformer:
    return VisionTransformer(img_size, embed_dims=8, num_layers=2, num_heads=2, patch_bias=patch_bias)


@pytest.mark.parametrize("name", ["vit", "vit_tokens", "vit_no_token"])
def test_numbers_of_the_reference(name: str) -> None:
    check_part(name)


@pytest.mark.parametrize("size", [(32, 32), (33, 100), (128, 64)])
def test_any_size(size: tuple[int, int]) -> None:
    (x,) = small().eval()(torch.randn(1, 3, *size))
    assert tuple(x.shape) == (1, 8, -(-size[0] // 16), -(-size[1] // 16))


def test_a_grid_of_another_shape_but_equal_count_is_resized() -> None:
    """64 x 64 and 32 x 128 pixels both have 16 patches; the reference adds the embeddings of the wrong places."""
    model = small().eval()
    resized = resize_position_embedding(model.pos_embed, (4, 4), (2, 8))
    assert resized.shape == model.pos_embed.shape and not torch.allclose(resized, model.pos_embed)


def test_weights_of_another_image_size_fit() -> None:
    source, target = small(64), small((96, 128))
    assert not target.load_state_dict(source.state_dict()).missing_keys
    expected = resize_position_embedding(source.pos_embed, (4, 4), (6, 8))
    assert torch.allclose(target.pos_embed, expected)


def test_the_bias_of_older_checkpoints_is_kept() -> None:
    """mmseg 0.x gave the patch embedding a bias; its checkpoints must predict as they did there."""
    old, new = small(patch_bias=True).eval(), small().eval()
    torch.nn.init.normal_(old.patch_embed.projection.bias)
    new.load_state_dict(old.state_dict())
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(new(x)[0], old(x)[0])


def test_frozen_but_for_some() -> None:
    model = VisionTransformer(64, embed_dims=8, num_layers=1, num_heads=2, frozen_exclude=["pos_embed"])
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["pos_embed"]


def test_norm_eval_and_checkpointing() -> None:
    torch.manual_seed(0)
    model = VisionTransformer(64, embed_dims=8, num_layers=2, num_heads=2, norm_eval=True, with_cp=True).train()
    assert not model.layers[0].ln1.training and model.layers[0].training
    model(torch.randn(1, 3, 64, 64))[0].sum().backward()
    assert model.layers[0].attn.attn.in_proj_weight.grad is not None


def test_messages() -> None:
    with pytest.raises(InputError, match="num_heads=3 must divide embed_dims=8"):
        VisionTransformer(64, embed_dims=8, num_heads=3)
    with pytest.raises(InputError, match="output_cls_token=True needs with_cls_token=True"):
        VisionTransformer(64, with_cls_token=False, output_cls_token=True)
