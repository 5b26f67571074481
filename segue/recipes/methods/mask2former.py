"""Mask2Former: MaskFormer with masked attention and deformable attention. https://arxiv.org/abs/2112.01527"""

from __future__ import annotations

import re
from typing import Any

from segue.recipes.data import shortest_edges
from segue.recipes.encoders import Encoder, PartError, swin, swin_weights, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.methods.maskformer import class_loss, decoder, dice_loss, matching, swin_norms
from segue.recipes.parts import Recipe, encoder_decoder, pretrained_init
from segue.recipes.schedules import CLIP_TINY, adamw, poly

KNOWN = ("r50", "r101", "swin-t", "swin-s", "swin-b-in1k-384x384-pre", "swin-b-in22k-384x384-pre")


def pixel_decoder() -> dict[str, Any]:
    """Deformable attention over three levels."""
    attention = dict(
        embed_dims=256, num_heads=8, num_levels=3, num_points=4, im2col_step=64, dropout=0.0, batch_first=True,
        norm_cfg=None, init_cfg=None,
    )
    ffn = dict(
        embed_dims=256, feedforward_channels=1024, num_fcs=2, ffn_drop=0.0, act_cfg=dict(type="ReLU", inplace=True)
    )
    layer = dict(self_attn_cfg=attention, ffn_cfg=ffn)
    return dict(
        type="mmdet.MSDeformAttnPixelDecoder", num_outs=3, norm_cfg=dict(type="GN", num_groups=32),
        act_cfg=dict(type="ReLU"), encoder=dict(num_layers=6, layer_cfg=layer, init_cfg=None),
        positional_encoding=dict(num_feats=128, normalize=True), init_cfg=None,
    )


def decode_head(num_classes: int, channels: tuple[int, ...]) -> dict[str, Any]:
    """The head."""
    masks = dict(type="mmdet.CrossEntropyLossCost", weight=5.0, use_sigmoid=True)
    return dict(
        type="Mask2FormerHead", in_channels=list(channels), strides=[4, 8, 16, 32], feat_channels=256,
        out_channels=256, num_queries=100, num_transformer_feat_level=3, pixel_decoder=pixel_decoder(),
        enforce_decoder_input_project=False, positional_encoding=dict(num_feats=128, normalize=True),
        transformer_decoder=decoder(9, 0.0), loss_cls=class_loss(num_classes, 2.0),
        loss_mask=dict(type="mmdet.CrossEntropyLoss", use_sigmoid=True, reduction="mean", loss_weight=5.0),
        loss_dice=dice_loss(5.0),
        train_cfg=dict(
            num_points=12544, oversample_ratio=3.0, importance_sample_ratio=0.75, **matching(2.0, masks, 5.0)
        ),
    )


def backbone(form: str) -> Encoder:
    """A ResNet with frozen norms, or a Swin."""
    if match := re.fullmatch(r"r(50|101)", form):
        net = dict(
            type="ResNet", depth=int(match[1]), deep_stem=False, num_stages=4, out_indices=(0, 1, 2, 3),
            frozen_stages=-1, norm_cfg=dict(sync_bn(), requires_grad=False), style="pytorch",
            init_cfg=pretrained_init(f"torchvision://resnet{match[1]}"),
        )
        return Encoder(net, (256, 512, 1024, 2048))
    match = re.fullmatch(r"swin-([tsbl])(-(in1k|in22k)(-384x384)?-pre)?", form)
    if not match:
        raise PartError("backbone", form, KNOWN)
    window = 12 if match[4] else 7
    weights = pretrained_init(swin_weights(match[1], window, match[3] == "in22k"))
    large = dict(pretrain_img_size=384) if window == 12 else {}
    return swin(match[1], window=window, with_cp=False, frozen_stages=-1, init_cfg=weights, **large)


def recipe(ask: Request) -> Recipe:
    """mask2former_r50, mask2former_swin-b-in22k-384x384-pre and their kin."""
    net = backbone("-".join(ask.parts))
    depths = net.backbone.get("depths")
    embedding = dict(lr_mult=1.0, decay_mult=0.0)
    keys = {"backbone": dict(lr_mult=0.1, decay_mult=1.0)}
    keys.update({key: dict(embedding) for key in ("query_embed", "query_feat", "level_embed")})
    if depths:
        slow = dict(lr_mult=0.1, decay_mult=0.0)
        keys.update(swin_norms(depths, **slow))
        keys.update(absolute_pos_embed=dict(slow), relative_position_bias_table=dict(slow))
    optim = adamw(0.0001, 0.05, clip_grad=CLIP_TINY, paramwise_cfg=dict(custom_keys=keys, norm_decay_mult=0.0))
    optim["optimizer"]["eps"] = 1e-8
    # The short side of training images: from half to twice the crop's, or the image's on Cityscapes.
    side = ask.data.scale[1] if not ask.data.wide_scale else min(ask.crop)
    sides = [int(side * x * 0.1) for x in range(5, 21)]
    # Test images become multiples of 32, except where crops are larger than 512 x 512 of ADE20K, as in the reference.
    padded = {} if ask.data.wide_scale and min(ask.crop) > 512 else dict(test_cfg=dict(size_divisor=32))
    return Recipe(
        model=dict(encoder_decoder(net, decode_head(ask.data.num_classes, net.channels))), optim=optim,
        schedule=[poly(ask.iters, eta_min=0)], batch=2, resize=shortest_edges(sides, 4 * side), preprocessor=padded,
        interval=5000, more=dict(default_hooks=dict(checkpoint=dict(save_best="mIoU"))),
    )
