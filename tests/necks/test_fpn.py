"""FPN: numbers from the goldens; the options that no golden uses here."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.necks.fpn import FPN
from tests.goldens_check import check_golden


def pyramid(*sizes: int) -> list[torch.Tensor]:
    return [torch.randn(1, 4, size, size) for size in sizes]


def test_numbers_of_the_reference() -> None:
    check_golden("sem_fpn_r50")


def test_top_down_sum() -> None:
    """With identity laterals and outputs: coarse 5 upsampled onto fine 1 is 6."""
    neck = FPN([1, 1], 1, 2)
    for conv in [*neck.lateral_convs, *neck.fpn_convs]:
        torch.nn.init.dirac_(conv.conv.weight)
    fine, coarse = neck([torch.ones(1, 1, 4, 4), torch.full((1, 1, 2, 2), 5.0)])
    assert (fine == 6).all() and (coarse == 5).all()


def test_odd_sizes() -> None:
    assert [o.shape[-1] for o in FPN([4, 4, 4], 8, 3)(pyramid(33, 17, 9))] == [33, 17, 9]


@pytest.mark.parametrize("extra", [False, True, "on_lateral", "on_output"])
def test_more_outputs_than_inputs(extra: bool | str) -> None:
    outputs = FPN([4, 4], 8, 4, add_extra_convs=extra)(pyramid(16, 8))
    assert [o.shape[-1] for o in outputs] == [16, 8, 4, 2]
    assert {o.shape[1] for o in outputs} == {8}


def test_levels() -> None:
    outputs = FPN([4, 4, 4], 8, 2, start_level=1)(pyramid(16, 8, 4))
    assert [o.shape[-1] for o in outputs] == [8, 4]


def test_messages() -> None:
    with pytest.raises(InputError, match="num_outs=1, start_level=0, end_level=-1 do not fit 2 in_channels"):
        FPN([4, 4], 8, 1)
    with pytest.raises(InputError, match="1 feature maps for 2 in_channels"):
        FPN([4, 4], 8, 2)(pyramid(16))
