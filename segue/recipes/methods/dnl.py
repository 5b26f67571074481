"""DNLNet: disentangled non-local networks. https://arxiv.org/abs/2006.06668"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, Section, auxiliary, encoder_decoder, head
from segue.recipes.schedules import sgd


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    attention = dict(reduction=2, use_scale=True, mode="embedded_gaussian")
    return head("DNLHead", net.channels[3], 3, net.width(512), **attention)


def recipe(ask: Request) -> Recipe:
    """The reference gives long runs at 769 x 769 two keys that its optimizers do not read; kept, to be equal."""
    net = ask.encoder()
    found = Recipe(model=encoder_decoder(net, decode_head(net), auxiliary(net)))
    if ask.aligned and ask.iters >= 80_000:
        keys = dict(theta=dict(wd_mult=0.0), phi=dict(wd_mult=0.0))
        found.optim = sgd(paramwise_cfg=dict(custom_keys=keys))
    return found
