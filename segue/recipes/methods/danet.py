"""DANet: attention over positions and over channels. https://arxiv.org/abs/1809.02983"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("DAHead", net.channels[3], 3, net.width(512), pam_channels=net.width(256) // 4)
