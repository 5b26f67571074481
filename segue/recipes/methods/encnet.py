"""EncNet: classes weighted by an encoding of the whole image. https://arxiv.org/abs/1803.08904"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def context(first: int) -> Section:
    """Arguments of the head where the stages begin at an index."""
    present = dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=0.2)
    indices = [first, first + 1, first + 2]
    return dict(in_index=indices, num_codes=32, use_se_loss=True, add_lateral=False, loss_se_decode=present)


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return dict(head("EncHead", list(net.channels[1:]), 0, net.width(512)), **context(1))
