"""CCNet: criss-cross attention. https://arxiv.org/abs/1811.11721"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("CCHead", net.channels[3], 3, net.width(512), recurrence=2)
