"""DeepLabV3+: DeepLabV3 with details of the first stage. https://arxiv.org/abs/1802.02611"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.grammar import Request
from segue.recipes.methods.deeplabv3 import rates
from segue.recipes.parts import Recipe, Section, auxiliary, encoder_decoder, head
from segue.recipes.schedules import CLIP_TINY, adamw, poly


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    details = dict(c1_in_channels=net.channels[0], c1_channels=net.width(48))
    return head("DepthwiseSeparableASPPHead", net.channels[3], 3, net.width(512), **details, **rates(net))


def recipe(ask: Request) -> Recipe:
    """Mapillary is trained with AdamW."""
    net = ask.encoder()
    found = Recipe(model=encoder_decoder(net, decode_head(net), auxiliary(net)))
    if ask.data_stem.startswith("mapillary"):
        slow = dict(custom_keys=dict(backbone=dict(lr_mult=0.1, decay_mult=1.0)))
        found.optim = adamw(0.0001, 0.0001, clip_grad=CLIP_TINY, paramwise_cfg=slow)
        found.schedule = [poly(ask.iters, eta_min=0)]
    return found
