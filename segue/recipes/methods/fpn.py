"""Semantic FPN: the sum of a feature pyramid. https://arxiv.org/abs/1901.02446"""

from __future__ import annotations

from collections.abc import Sequence

from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, Section, encoder_decoder, head


def pyramid(channels: Sequence[int]) -> Section:
    """The neck that makes the pyramid."""
    return dict(type="FPN", in_channels=list(channels), out_channels=256, num_outs=4)


def pyramid_head(**arguments: float) -> Section:
    """The head on the pyramid."""
    strides = [4, 8, 16, 32]
    return head("FPNHead", [256] * 4, [0, 1, 2, 3], 128, feature_strides=strides, **arguments)


def recipe(ask: Request) -> Recipe:
    """The method on a backbone of the name."""
    net = ask.encoder()
    return Recipe(model=encoder_decoder(net, pyramid_head(), neck=pyramid(net.channels)))
