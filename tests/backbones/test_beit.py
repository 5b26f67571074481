"""BEiT: numbers from a small model of the reference; other sizes, loading and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.beit import BEiT
from segue.errors import InputError
from tests.goldens_check import check_part


def small(img_size: int | tuple[int, int] = 64, *, norm_eval: bool = False) -> BEiT:
    return BEiT(img_size, embed_dims=8, num_layers=2, num_heads=2, norm_eval=norm_eval)


def test_numbers_of_the_reference() -> None:
    check_part("beit")


@pytest.mark.parametrize("size", [(32, 32), (33, 100)])
def test_any_size(size: tuple[int, int]) -> None:
    """The reference takes images of ``img_size`` only."""
    (x,) = small().eval()(torch.randn(1, 3, *size))
    assert tuple(x.shape) == (1, 8, -(-size[0] // 16), -(-size[1] // 16))


def test_weights_of_another_image_size_predict_as_the_resized_biases_do() -> None:
    source, target = small(64).eval(), small((96, 128)).eval()
    for layer in source.layers:
        torch.nn.init.normal_(layer.attn.relative_position_bias_table)
    target.load_state_dict(source.state_dict())
    x = torch.randn(1, 3, 96, 128)
    assert torch.allclose(source(x)[0], target(x)[0], atol=1e-5)


def test_norm_eval() -> None:
    model = small(norm_eval=True).train()
    assert not model.layers[0].ln1.training and model.layers[0].training


def test_messages() -> None:
    with pytest.raises(InputError, match="BEiT: num_heads=5 must divide embed_dims=8"):
        BEiT(64, embed_dims=8, num_heads=5)
