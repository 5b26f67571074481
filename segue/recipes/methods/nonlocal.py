"""Non-local networks. https://arxiv.org/abs/1711.07971"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    attention = dict(reduction=2, use_scale=True, mode="embedded_gaussian")
    return head("NLHead", net.channels[3], 3, net.width(512), **attention)
