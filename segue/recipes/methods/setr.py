"""SETR: ViT with naive, progressive (pup) or multi-level (mla) upsampling. https://arxiv.org/abs/2012.15840"""

from __future__ import annotations

import re
from typing import Any

from segue.recipes.encoders import ABSENT, Encoder, PartError, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, head, pretrained_init, slide, two_thirds
from segue.recipes.schedules import sgd


def up_head(index: int, loss: float, convs: int, scale: int, kernel: int) -> dict[str, Any]:
    """A head that convolves and enlarges in turn."""
    steps = dict(num_convs=convs, up_scale=scale, kernel_size=kernel)
    return head("SETRUPHead", 1024, index, 256, loss=loss, dropout_ratio=0, **steps)


def recipe(ask: Request) -> Recipe:
    """setr_vit-l_{naive, pup, mla}."""
    match = re.fullmatch(r"vit-l[-_](naive|pup|mla)", "_".join(ask.parts))
    if not match:
        raise PartError("backbone", "_".join(ask.parts), ("vit-l_naive", "vit-l_pup", "vit-l_mla"))
    kind, small = match[1], ask.data_stem == "cityscapes"  # Cityscapes' files and ADE20K's differ in details
    mla = kind == "mla"
    backbone = dict(
        type="VisionTransformer", img_size=ask.crop, patch_size=16, in_channels=3, embed_dims=1024, num_layers=24,
        num_heads=16, out_indices=(5, 11, 17, 23) if mla else (9, 14, 19, 23), drop_rate=0.0,
        norm_cfg=dict(type="LN", eps=1e-6, requires_grad=True), with_cls_token=not mla, interpolate_mode="bilinear",
        init_cfg=pretrained_init("pretrain/vit_large_p16.pth"),
    )
    more: dict[str, Any] = {}
    if mla:
        relu = dict(act_cfg=dict(type="ReLU"))
        more["neck"] = dict(type="MLANeck", in_channels=[1024] * 4, out_channels=256, norm_cfg=sync_bn(), **relu)
        decode_head = head("SETRMLAHead", (256,) * 4, (0, 1, 2, 3), 512, mla_channels=128, dropout_ratio=0)
        form: dict[str, Any] = dict(norm_cfg=ABSENT) if small else dict(relu)
        form.update(num_convs=0, kernel_size=1, dropout_ratio=0)
        auxiliary = [fcn_head(256, index, 256, loss=0.4, **form) for index in range(4)]
    elif kind == "naive":
        decode_head = up_head(3, 1.0, 1, 4, 1)
        auxiliary = [up_head(index, 0.4, 1 if small else 2, 4, 1) for index in range(3)]
    else:
        decode_head = up_head(3, 1.0, 4, 2, 3)
        auxiliary = [up_head(index, 0.4, 2, 4, 3) for index in range(3)]
    if not mla and not small:
        for one in auxiliary:
            one.update(act_cfg=dict(type="ReLU"), up_scale=ABSENT)
    rate = 0.01 if kind == "naive" or (kind == "pup" and small) else 0.002 if small else 0.001
    return Recipe(
        model=encoder_decoder(
            Encoder(backbone, (), None), decode_head, auxiliary, **more, test_cfg=slide(ask.crop, two_thirds(ask.crop))
        ),
        optim=sgd(lr=rate, weight_decay=0.0, paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0)))),
        batch=1 if small else 2,
        workers=2 if small else None,
    )
