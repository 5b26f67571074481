"""GCNet: global context blocks. https://arxiv.org/abs/1904.11492"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    context = dict(ratio=1 / 4.0, pooling_type="att", fusion_types=("channel_add",))
    return head("GCHead", net.channels[3], 3, net.width(512), **context)
