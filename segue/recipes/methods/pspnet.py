"""PSPNet: pyramid pooling. https://arxiv.org/abs/1612.01105"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("PSPHead", net.channels[3], 3, net.width(512), pool_scales=(1, 2, 3, 6))
