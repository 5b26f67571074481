"""MaskFormer: masks and their classes instead of classes of pixels. https://arxiv.org/abs/2107.06278"""

from __future__ import annotations

from typing import Any

from segue.recipes.encoders import ABSENT, Encoder, PartError, full_swin, resnet_stages, swin_weights
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, pretrained_init
from segue.recipes.schedules import CLIP_TINY, adamw, poly, warm_linear

KNOWN = ("r50-d32", "r101-d32", "swin-t_upernet", "swin-s_upernet")


def decoder_layer(drop: float) -> dict[str, Any]:
    """A layer of the transformer decoder."""
    attention = dict(embed_dims=256, num_heads=8, attn_drop=drop, proj_drop=drop, dropout_layer=None, batch_first=True)
    return dict(
        self_attn_cfg=attention,
        cross_attn_cfg=dict(attention),
        ffn_cfg=dict(
            embed_dims=256, feedforward_channels=2048, num_fcs=2, act_cfg=dict(type="ReLU", inplace=True),
            ffn_drop=drop, dropout_layer=None, add_identity=True,
        ),
    )


def decoder(layers: int, drop: float) -> dict[str, Any]:
    """The transformer decoder."""
    return dict(return_intermediate=True, num_layers=layers, layer_cfg=decoder_layer(drop), init_cfg=None)


def class_loss(num_classes: int, weight: float) -> dict[str, Any]:
    """Cross entropy over the classes and "nothing", which counts a tenth."""
    return dict(
        type="mmdet.CrossEntropyLoss", use_sigmoid=False, loss_weight=weight, reduction="mean",
        class_weight=[1.0] * num_classes + [0.1],
    )


def dice_loss(weight: float) -> dict[str, Any]:
    """Overlap of masks."""
    return dict(
        type="mmdet.DiceLoss", use_sigmoid=True, activate=True, reduction="mean", naive_dice=True, eps=1.0,
        loss_weight=weight,
    )


def matching(classes: float, masks: dict[str, Any], dice: float) -> dict[str, Any]:
    """How masks find their targets."""
    costs = [
        dict(type="mmdet.ClassificationCost", weight=classes),
        masks,
        dict(type="mmdet.DiceCost", weight=dice, pred_act=True, eps=1.0),
    ]
    assigner = dict(type="mmdet.HungarianAssigner", match_costs=costs)
    return dict(assigner=assigner, sampler=dict(type="mmdet.MaskPseudoSampler"))


def swin_norms(depths: list[int], **rule: float) -> dict[str, dict[str, float]]:
    """The rule for every norm of a Swin, each by its own key, as a key counts only as a whole beginning."""
    keys = ["backbone.patch_embed.norm", "backbone.norm"]
    keys += [f"backbone.stages.{i}.blocks.{j}.norm" for i, depth in enumerate(depths) for j in range(depth)]
    keys += [f"backbone.stages.{i}.downsample.norm" for i in range(len(depths) - 1)]
    return {key: dict(rule) for key in keys}


def decode_head(num_classes: int, channels: tuple[int, ...]) -> dict[str, Any]:
    """The head."""
    focal = dict(type="mmdet.FocalLossCost", weight=20.0, binary_input=True)
    return dict(
        type="MaskFormerHead", in_channels=list(channels), feat_channels=256, in_index=[0, 1, 2, 3], out_channels=256,
        num_queries=100, align_corners=ABSENT,
        pixel_decoder=dict(
            type="mmdet.PixelDecoder", norm_cfg=dict(type="GN", num_groups=32), act_cfg=dict(type="ReLU")
        ),
        enforce_decoder_input_project=False,
        positional_encoding=dict(num_feats=128, normalize=True),
        transformer_decoder=decoder(6, 0.1),
        loss_cls=class_loss(num_classes, 1.0),
        loss_mask=dict(
            type="mmdet.FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, reduction="mean", loss_weight=20.0
        ),
        loss_dice=dice_loss(1.0),
        train_cfg=matching(1.0, focal, 1.0),
    )


def recipe(ask: Request) -> Recipe:
    """maskformer_r50-d32, maskformer_swin-t_upernet and their larger kin."""
    form = "_".join(ask.parts)
    if form not in KNOWN:
        raise PartError("backbone", form, KNOWN)
    if form.startswith("r"):
        depth = int(form[1:-4])
        stages = resnet_stages("ResNet", depth, None, init_cfg=pretrained_init(f"torchvision://resnet{depth}"))
        net = Encoder(dict(stages, norm_eval=True), (256, 512, 1024, 2048))
        slow = dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))
        optim = adamw(0.0001, 0.0001, clip_grad=CLIP_TINY, paramwise_cfg=slow)
        schedule = [poly(ask.iters, eta_min=0)]
    else:
        size = form[5]
        net = full_swin(size, init_cfg=pretrained_init(swin_weights(size, 7, False)))
        keys = {
            "backbone": dict(lr_mult=1.0),
            **swin_norms(net.backbone["depths"], lr_mult=1.0, decay_mult=0.0),
            "relative_position_bias_table": dict(lr_mult=1.0, decay_mult=0.0),
            "query_embed": dict(decay_mult=0.0),
        }
        optim = adamw(6e-5, 0.01, clip_grad=CLIP_TINY, paramwise_cfg=dict(custom_keys=keys))
        schedule = warm_linear(ask.iters)
    model = encoder_decoder(net, decode_head(ask.data.num_classes, net.channels))
    return Recipe(model=model, optim=optim, schedule=schedule, batch=2, workers=2)
