"""Double attention (A2) in an FCN head, to compare OCRNet with. https://arxiv.org/abs/1810.11579"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("A2Head", net.channels[3], 3, net.width(512))
