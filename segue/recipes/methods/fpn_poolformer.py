"""PoolFormer under Semantic FPN. https://arxiv.org/abs/2111.11418"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, Encoder, pick
from segue.recipes.grammar import Request
from segue.recipes.methods.fpn import pyramid, pyramid_head
from segue.recipes.parts import Recipe, encoder_decoder, pretrained_init
from segue.recipes.schedules import adamw, poly

FOLDER = "https://download.openmmlab.com/mmclassification/v0/poolformer"
WEIGHTS = dict(s12="f8d83051", s24="d7055904", s36="d78ff3e8", m36="c55e0949", m48="9378f3eb")


def recipe(ask: Request) -> Recipe:
    """fpn_poolformer_s12 to fpn_poolformer_m48, always in mixed precision; test images become multiples of 32."""
    (size,) = ask.components("size")
    weights = pick("size", size, WEIGHTS)
    checkpoint = f"{FOLDER}/poolformer-{size}_3rdparty_32xb128_in1k_20220414-{weights}.pth"
    backbone = dict(
        type="mmpretrain.PoolFormer", arch=size, init_cfg=pretrained_init(checkpoint, prefix="backbone."),
        in_patch_size=7, in_stride=4, in_pad=2, down_patch_size=3, down_stride=2, down_pad=1, drop_rate=0.0,
        drop_path_rate=0.0, out_indices=(0, 2, 4, 6), frozen_stages=0,
    )
    net = Encoder(backbone, (64, 128, 320, 512) if size[0] == "s" else (96, 192, 384, 768), ABSENT)
    short = min(ask.crop)
    resize = [
        dict(type="Resize", scale=(4 * short, short), keep_ratio=True),
        dict(type="ResizeToMultiple", size_divisor=32),
    ]
    return Recipe(
        model=encoder_decoder(net, pyramid_head(), neck=pyramid(net.channels)),
        optim=dict(adamw(0.0002, 0.0001, betas=None), type="AmpOptimWrapper"),
        schedule=[poly(ask.iters, eta_min=0.0)], test_resize=resize if ask.data_stem == "ade20k" else None,
        data=dict(repeat=50, tta=False),
    )
