"""EMANet: attention by expectation maximization. https://arxiv.org/abs/1907.13426"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    bases = dict(num_bases=64, num_stages=3, momentum=0.1)
    return head("EMAHead", net.channels[3], 3, net.width(256), ema_channels=net.width(512), **bases)
