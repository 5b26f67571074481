"""Swin under UPerNet. https://arxiv.org/abs/2103.14030"""

from __future__ import annotations

import re

from segue.recipes.encoders import PartError, full_swin, swin_weights
from segue.recipes.grammar import Request
from segue.recipes.methods.upernet import pyramid_head
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, pretrained_init
from segue.recipes.schedules import transformer_adamw, warm_linear

FORM = r"(?P<size>tiny|small|base|large)-patch4-window(?P<window>7|12)(-(?P<data>in1k|in22k)(-384x384)?-pre)?_upernet"


def recipe(ask: Request) -> Recipe:
    """swin-tiny-patch4-window7-in1k-pre_upernet, and so on; without -pre from scratch."""
    match = re.fullmatch(FORM, "_".join(ask.parts))
    if not match:
        known = tuple(f"{size}-patch4-window7-in1k-pre_upernet" for size in ("tiny", "small", "base"))
        raise PartError("backbone", "_".join(ask.parts), (*known, "large-patch4-window7-in22k-pre_upernet"))
    size, window = match["size"][0], int(match["window"])
    net = full_swin(size, window=window)
    if match["data"]:
        net = net.set(init_cfg=pretrained_init(swin_weights(size, window, match["data"] == "in22k")))
    auxiliary = fcn_head(net.channels[2], 2, 256, loss=0.4)
    return Recipe(
        model=dict(encoder_decoder(net, pyramid_head(net.channels), auxiliary), pretrained=None),
        optim=transformer_adamw("absolute_pos_embed", "relative_position_bias_table", "norm"),
        schedule=warm_linear(ask.iters), batch=2,
    )
