"""BiSeNetV1: a path for details, a path for context. https://arxiv.org/abs/1808.00897"""

from __future__ import annotations

import re
from typing import Any

from segue.recipes.encoders import ABSENT, Encoder, PartError, resnet_stages, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, pretrained_init
from segue.recipes.schedules import sgd, warm_poly


def recipe(ask: Request) -> Recipe:
    """bisenetv1_r18-d32, from scratch; bisenetv1_r18-d32-in1k-pre, from ImageNet."""
    (form,) = ask.components("backbone")
    match = re.fullmatch(r"r(18|50|101)-d32(-in1k-pre)?", form)
    if not match:
        raise PartError("backbone", form, ("r18-d32", "r50-d32", "r101-d32", "r18-d32-in1k-pre", "r50-d32-in1k-pre"))
    depth, wide = int(match[1]), 1 if match[1] == "18" else 4
    weights = dict(init_cfg=pretrained_init(f"open-mmlab://resnet{depth}_v1c")) if match[2] else {}
    backbone = dict(
        type="BiSeNetV1", in_channels=3, context_channels=tuple(wide * c for c in (128, 256, 512)),
        spatial_channels=tuple(wide * c for c in (64, 64, 64, 128)), out_indices=(0, 1, 2), out_channels=256 * wide,
        backbone_cfg=resnet_stages("ResNet", depth, None, in_channels=3, **weights), norm_cfg=sync_bn(),
        align_corners=False, init_cfg=None,
    )
    cityscapes = ask.data_stem == "cityscapes"
    more: dict[str, Any] = dict(dropout_ratio=ABSENT)
    if cityscapes and depth == 50:  # the reference's files leave to the class what they say elsewhere
        more.update(loss_decode=ABSENT, align_corners=ABSENT)
    auxiliary = [fcn_head(128 * wide, index, 64 * wide, **more) for index in (1, 2)]
    decode_head = fcn_head(256 * wide, 0, 256 * wide)
    rate = (0.025 if depth == 18 else 0.05) if cityscapes else 0.005
    model = encoder_decoder(Encoder(backbone, ()), decode_head, auxiliary)
    return Recipe(model=model, optim=sgd(lr=rate), schedule=warm_poly(ask.iters))
