"""MobileNetV3 with the head LR-ASPP. https://arxiv.org/abs/1905.02244"""

from __future__ import annotations

import re

from segue.recipes.encoders import ABSENT, Encoder, PartError, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, head

NORM = sync_bn(eps=0.001)


def recipe(ask: Request) -> Recipe:
    """mobilenet-v3-d8_lraspp; -s for the small one, -scratch without ImageNet."""
    form, _ = ask.components("d8", "lraspp")
    match = re.fullmatch(r"d8(-scratch)?(-s)?", form)
    if not match:
        raise PartError("backbone", f"mobilenet-v3-{form}", ("mobilenet-v3-d8", "mobilenet-v3-d8-scratch-s"))
    size = "small" if match[2] else "large"
    indices, channels = ((0, 1, 12), (16, 16, 576)) if match[2] else ((1, 3, 16), (16, 24, 960))
    backbone = dict(type="MobileNetV3", arch=size, out_indices=indices, norm_cfg=NORM)
    net = Encoder(backbone, channels, ABSENT if match[1] else f"open-mmlab://contrib/mobilenet_v3_{size}")
    form_of_head = dict(input_transform="multiple_select", act_cfg=dict(type="ReLU"), norm_cfg=NORM)
    return Recipe(model=encoder_decoder(net, head("LRASPPHead", channels, (0, 1, 2), 128, **form_of_head)))
