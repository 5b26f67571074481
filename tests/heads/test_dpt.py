"""DPTHead: numbers of the reference; messages here."""

from __future__ import annotations

import pytest
import torch

from segue.errors import InputError
from segue.heads.dpt import DPTHead
from segue.layers.decode_head import HeadOptions
from tests.goldens_check import check_part

OPTIONS = HeadOptions(in_channels=[8] * 4, in_index=[0, 1, 2, 3], channels=8, num_classes=2)


@pytest.mark.parametrize("name", ["dpt_ignore", "dpt_add", "dpt_project"])
def test_numbers_of_the_reference(name: str) -> None:
    check_part(name)


def test_expanded_channels() -> None:
    """The reference fails here: its widths become fractions."""
    head = DPTHead(OPTIONS, embed_dims=8, post_process_channels=(4, 4, 4, 4), expand_channels=True)
    assert [conv.conv.in_channels for conv in head.convs] == [4, 8, 16, 32]


def test_messages() -> None:
    head = DPTHead(OPTIONS, embed_dims=8, post_process_channels=(4, 4, 4, 4), readout_type="add")
    with pytest.raises(InputError, match="readout_type='add' needs class tokens; set output_cls_token=True"):
        head([torch.zeros(1, 8, 4, 4)] * 4)
    with pytest.raises(InputError, match="it fuses four maps, so give four of each"):
        DPTHead(HeadOptions(in_channels=[8], in_index=[0], channels=8, num_classes=2))
