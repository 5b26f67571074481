"""UPerNet: pyramid pooling and a feature pyramid. https://arxiv.org/abs/1807.10221"""

from __future__ import annotations

from collections.abc import Sequence

from segue.recipes.encoders import Encoder
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, Section, encoder_decoder, fcn_head, head


def pyramid_head(channels: Sequence[int], width: int = 512) -> Section:
    """The head on four stages."""
    return head("UPerHead", list(channels), [0, 1, 2, 3], width, pool_scales=(1, 2, 3, 6))


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return pyramid_head(net.channels)


def recipe(ask: Request) -> Recipe:
    """The heads are as wide on small backbones as on large ones."""
    net = ask.encoder()
    return Recipe(model=encoder_decoder(net, decode_head(net), fcn_head(net.channels[2], 2, 256, loss=0.4)))
