"""Twins: PCPVT and SVT, transformers with two kinds of attention. https://arxiv.org/abs/2104.13840"""

from __future__ import annotations

from segue.recipes.encoders import WEIGHTS, Encoder, PartError, pick
from segue.recipes.grammar import Request
from segue.recipes.methods.fpn import pyramid, pyramid_head
from segue.recipes.methods.upernet import pyramid_head as upernet_head
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, pretrained_init
from segue.recipes.schedules import adamw, transformer_adamw, warm_linear

# widths, heads, depths, drop path, weights
SIZES = {
    "pcpvt-s": ([64, 128, 320, 512], [1, 2, 5, 8], [3, 4, 6, 3], 0.2, "pcpvt_small_20220308-e638c41c"),
    "pcpvt-b": ([64, 128, 320, 512], [1, 2, 5, 8], [3, 4, 18, 3], 0.3, "pcpvt_base_20220308-0621964c"),
    "pcpvt-l": ([64, 128, 320, 512], [1, 2, 5, 8], [3, 8, 27, 3], 0.3, "pcpvt_large_20220308-37579dc6"),
    "svt-s": ([64, 128, 256, 512], [2, 4, 8, 16], [2, 2, 10, 4], 0.2, "alt_gvt_small_20220308-7e1c3695"),
    "svt-b": ([96, 192, 384, 768], [3, 6, 12, 24], [2, 2, 18, 2], 0.2, "alt_gvt_base_20220308-1b7eb711"),
    "svt-l": ([128, 256, 512, 1024], [4, 8, 16, 32], [2, 2, 18, 2], 0.3, "alt_gvt_large_20220308-fb5936f3"),
}


def backbone(form: str) -> Encoder:
    """PCPVT or SVT of a size."""
    dims, heads, depths, drop_path, weights = pick("backbone", form, SIZES)
    local = form.startswith("svt")
    # "windiow_sizes" is the reference's own spelling of the argument.
    windows = dict(windiow_sizes=[7, 7, 7, 7]) if local else {}
    net = dict(
        type="SVT" if local else "PCPVT", init_cfg=pretrained_init(f"{WEIGHTS}/twins/{weights}.pth"), in_channels=3,
        embed_dims=dims, num_heads=heads, patch_sizes=[4, 2, 2, 2], strides=[4, 2, 2, 2],
        mlp_ratios=[4, 4, 4, 4] if local else [8, 8, 4, 4], out_indices=(0, 1, 2, 3), qkv_bias=True,
        norm_cfg=dict(type="LN"), depths=depths, sr_ratios=[8, 4, 2, 1], norm_after_stage=local, drop_rate=0.0,
        attn_drop_rate=0.0, drop_path_rate=drop_path, **windows,
    )
    return Encoder(net, tuple(dims))


def recipe(ask: Request) -> Recipe:
    """twins_svt-s_uperhead, and twins_svt-s_fpn_fpnhead with a light pyramid."""
    form, *kind = ask.parts or ("",)
    net = backbone(form)
    channels = net.channels
    if kind == ["uperhead"]:
        auxiliary = fcn_head(channels[2], 2, 256, loss=0.4)
        return Recipe(
            model=encoder_decoder(net, upernet_head(channels), auxiliary),
            optim=transformer_adamw("pos_block", "norm"), schedule=warm_linear(ask.iters), batch=2,
            workers=2 if ask.batch == 2 else None,
        )
    if kind != ["fpn", "fpnhead"]:
        raise PartError("head", "_".join(kind), ("uperhead", "fpn_fpnhead"))
    if form.startswith("pcpvt"):
        net = net.set(drop_path_rate=0.2)
    model = encoder_decoder(net, pyramid_head(), neck=pyramid(channels))
    return Recipe(model=model, optim=adamw(0.0001, 0.0001, betas=None, clip_grad=None))
