"""ViT and DeiT under UPerNet, with or without a multi-level neck. https://arxiv.org/abs/2010.11929"""

from __future__ import annotations

import re
from typing import Any

from segue.recipes.encoders import Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.methods.upernet import pyramid_head
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head
from segue.recipes.schedules import transformer_adamw, warm_linear

# width, heads, weights; the files lie where the user puts them
KINDS = {
    "vit-b16": (768, 12, "vit_base_patch16_224"),
    "deit-b16": (768, 12, "deit_base_patch16_224-b5f2ef4d"),
    "deit-s16": (384, 6, "deit_small_patch16_224-cd65a155"),
}


def plain_vit(kind: str, size: tuple[int, int], width: int, heads: int, layers: int = 12) -> dict[str, Any]:
    """The arguments that ViT, BEiT and MAE share."""
    return dict(
        type=kind, img_size=size, patch_size=16, in_channels=3, embed_dims=width, num_layers=layers, num_heads=heads,
        mlp_ratio=4, attn_drop_rate=0.0, drop_path_rate=0.1, norm_cfg=dict(type="LN", eps=1e-6),
        act_cfg=dict(type="GELU"), norm_eval=False,
    )


def recipe(ask: Request) -> Recipe:
    """vit_deit-s16-ln_mln_upernet: ln for a final norm, mln for the neck."""
    form, *neck, _ = ask.parts if len(ask.parts) > 1 else (*ask.parts, "", "")
    match = re.fullmatch(r"(.+?)(-ln)?", form)
    kind = match[1] if match else form
    if kind not in KINDS or neck not in ([], ["mln"]) or ask.parts[-1] != "upernet":
        raise PartError("backbone", "_".join(ask.parts), tuple(f"{known}_mln_upernet" for known in KINDS))
    width, heads, weights = KINDS[kind]
    backbone = plain_vit("VisionTransformer", ask.crop, width, heads)
    more = dict(out_indices=(2, 5, 8, 11), qkv_bias=True, drop_rate=0.0, with_cls_token=True)
    backbone.update(more, interpolate_mode="bicubic")
    if match and match[2]:
        backbone["final_norm"] = True
    elif kind.startswith("vit"):
        backbone["drop_path_rate"] = 0.0
    levels = dict(type="MultiLevelNeck", in_channels=[width] * 4, out_channels=width, scales=[4, 2, 1, 0.5])
    net = Encoder(backbone, (width,) * 4, f"pretrain/{weights}.pth")
    auxiliary = fcn_head(width, 3, 256, loss=0.4)
    return Recipe(
        model=encoder_decoder(net, pyramid_head(net.channels), auxiliary, neck=levels if neck else None),
        optim=transformer_adamw("pos_embed", "cls_token", "norm"), schedule=warm_linear(ask.iters), batch=2,
    )
