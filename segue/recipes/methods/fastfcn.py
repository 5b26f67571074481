"""FastFCN: joint pyramid upsampling instead of dilation, with the head of another method.

https://arxiv.org/abs/1903.11816
"""

from __future__ import annotations

from segue.recipes.encoders import encoder, pick, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.methods.deeplabv3 import RATES
from segue.recipes.methods.encnet import context
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, head


def recipe(ask: Request) -> Recipe:
    """fastfcn_r50-d32_jpu_{psp, aspp, enc}."""
    form, _, kind = ask.components("backbone", "jpu", "head")
    net = encoder(form).set(out_indices=(1, 2, 3))
    heads = dict(
        psp=head("PSPHead", 2048, 2, 512, pool_scales=(1, 2, 3, 6)),
        aspp=head("ASPPHead", 2048, 2, 512, dilations=RATES["8"]),
        enc=dict(head("EncHead", [512, 1024, 2048], 0, 512), **context(0)),
    )
    decode_head = pick("head", kind, heads)
    neck = dict(
        type="JPU", in_channels=net.channels[1:], mid_channels=512, start_level=0, end_level=-1,
        dilations=(1, 2, 4, 8), align_corners=False, norm_cfg=sync_bn(),
    )
    return Recipe(model=encoder_decoder(net, decode_head, fcn_head(net.channels[2], 1, 256, loss=0.4), neck=neck))
