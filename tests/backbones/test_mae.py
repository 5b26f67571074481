"""MAE: numbers from a small model of the reference; other sizes and loading here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.mae import MAE
from segue.errors import InputError
from segue.layers.position import resize_position_embedding
from tests.goldens_check import check_part


def test_numbers_of_the_reference() -> None:
    check_part("mae")


def test_other_sizes() -> None:
    source, target = (MAE(s, embed_dims=8, num_layers=1, num_heads=2).eval() for s in (64, (32, 96)))
    torch.nn.init.normal_(source.pos_embed)
    target.load_state_dict(source.state_dict())
    assert torch.allclose(target.pos_embed, resize_position_embedding(source.pos_embed, (4, 4), (2, 6)))
    assert tuple(source(torch.randn(1, 3, 40, 90))[0].shape) == (1, 8, 3, 6)


def test_the_bias_cannot_be_left_out() -> None:
    with pytest.raises(InputError, match="MAE: queries, keys and values all have a bias; leave out qv_bias"):
        MAE(embed_dims=8, num_layers=1, num_heads=2, qv_bias=False)
