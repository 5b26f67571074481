"""ICNet: a cascade of image sizes, for speed. https://arxiv.org/abs/1704.08545"""

from __future__ import annotations

import re

from segue.recipes.encoders import ABSENT, Encoder, PartError, resnet_stages, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, pretrained_init


def recipe(ask: Request) -> Recipe:
    """icnet_r50-d8, from scratch; icnet_r50-d8-in1k-pre, from ImageNet."""
    (form,) = ask.components("backbone")
    match = re.fullmatch(r"r(18|34|50|101)-d8(-in1k-pre)?", form)
    if not match:
        raise PartError("backbone", form, ("r18-d8", "r50-d8", "r101-d8", "r18-d8-in1k-pre", "r50-d8-in1k-pre"))
    depth = int(match[1])
    weights = dict(init_cfg=pretrained_init(f"open-mmlab://resnet{depth}_v1c")) if match[2] else {}
    backbone = dict(
        type="ICNet", backbone_cfg=resnet_stages("ResNetV1c", depth, "8", in_channels=3, **weights), in_channels=3,
        layer_channels=(512, 2048) if depth >= 50 else (128, 512), light_branch_middle_channels=32,
        psp_out_channels=512, out_channels=(64, 256, 256), norm_cfg=sync_bn(), align_corners=False,
    )
    neck = dict(type="ICNeck", in_channels=(64, 256, 256), out_channels=128, norm_cfg=sync_bn(), align_corners=False)
    auxiliary = [fcn_head(128, index, 128, loss=0.4, dropout_ratio=ABSENT) for index in (0, 1)]
    decode_head = fcn_head(128, 2, 128, dropout_ratio=0)
    return Recipe(model=encoder_decoder(Encoder(backbone, ()), decode_head, auxiliary, neck=neck))
