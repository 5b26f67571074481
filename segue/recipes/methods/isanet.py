"""ISANet: interlaced sparse self-attention. https://arxiv.org/abs/1907.12273"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("ISAHead", net.channels[3], 3, net.width(512), isa_channels=net.width(256), down_factor=(8, 8))
