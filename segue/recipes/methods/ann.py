"""ANN: asymmetric non-local blocks between and within stages. https://arxiv.org/abs/1908.07678"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    pools = dict(query_scales=(1,), key_pool_scales=(1, 3, 6, 8))
    width = net.width(512)
    return head("ANNHead", list(net.channels[2:]), [2, 3], width, project_channels=width // 2, **pools)
