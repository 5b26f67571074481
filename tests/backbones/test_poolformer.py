"""PoolFormer: numbers from the goldens; the pooling by hand, freezing and messages here."""

from __future__ import annotations

import pytest
import torch

from segue.backbones.poolformer import ArchOptions, PoolFormer, Pooling
from segue.errors import InputError
from tests.goldens_check import check_golden


def test_numbers_of_the_reference() -> None:
    check_golden("poolformer_s12")


def test_pooling_by_hand() -> None:
    """The corner of [[1, 2], [3, 6]] has the mean 3 of its four neighbors, itself included; minus itself: 2."""
    x = torch.tensor([[1.0, 2.0], [3.0, 6.0]]).view(1, 1, 2, 2)
    assert torch.equal(Pooling(3)(x).flatten(), torch.tensor([2.0, 1.0, 0.0, -3.0]))


def test_frozen_parts() -> None:
    arch = ArchOptions(layers=(1, 1), embed_dims=(8, 16))
    frozen = [
        {name.split(".")[0] for name, p in PoolFormer(arch, frozen_stages=n).named_parameters() if not p.requires_grad}
        for n in (-1, 0, 1)
    ]
    assert frozen == [set(), {"patch_embed"}, {"patch_embed", "network"}]


def test_messages() -> None:
    with pytest.raises(InputError, match="arch='xl'; there are s12, s24, s36, m36, m48"):
        PoolFormer("xl")
    with pytest.raises(InputError, match=r"out_indices=\(7,\), but the network has 7 entries"):
        PoolFormer(out_indices=(7,))
