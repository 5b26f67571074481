"""Segmentors of transformers that predict masks and their classes, from their ``config.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segue.checkpoints.foreign.huggingface_encoders import Section, dinov2, dinov3, encoder, need
from segue.errors import CheckpointError


def _feed_forward(width: int, hidden: int, dropout: float) -> Section:
    return dict(embed_dims=width, feedforward_channels=hidden, num_fcs=2, ffn_drop=dropout)


def _layer(width: int, heads: int, hidden: int, dropout: float) -> Section:
    """A layer of a transformer decoder."""
    attention = dict(embed_dims=width, num_heads=heads, attn_drop=dropout, proj_drop=dropout)
    ffn = _feed_forward(width, hidden, dropout)
    return dict(self_attn_cfg=attention, cross_attn_cfg=dict(attention), ffn_cfg=ffn)


def _class_loss(hf: Mapping[str, Any], count: int, weight: float) -> Section:
    return dict(
        type="CrossEntropyLoss", use_sigmoid=False, loss_weight=weight, reduction="mean",
        class_weight=[1.0] * count + [float(hf.get("no_object_weight", 0.1))],
    )  # fmt: skip


def _dice_loss(weight: float) -> Section:
    return dict(
        type="DiceLoss", use_sigmoid=True, activate=True, reduction="mean", naive_dice=True, eps=1.0, loss_weight=weight
    )


def _mask_loss(weight: float) -> Section:
    return dict(type="CrossEntropyLoss", use_sigmoid=True, reduction="mean", loss_weight=weight)


def _matching(hf: Mapping[str, Any], classes: float, masks: float, dice: float) -> Section:
    """How masks find their targets, on which points."""
    costs = [
        dict(type="ClassificationCost", weight=classes),
        dict(type="CrossEntropyLossCost", weight=masks, use_sigmoid=True),
        dict(type="DiceCost", weight=dice, pred_act=True, eps=1.0),
    ]
    return dict(
        num_points=hf.get("train_num_points", 12544), oversample_ratio=hf.get("oversample_ratio", 3.0),
        importance_sample_ratio=hf.get("importance_sample_ratio", 0.75),
        assigner=dict(type="HungarianAssigner", match_costs=costs), sampler=dict(type="MaskPseudoSampler"),
    )  # fmt: skip


def mask2former(hf: Mapping[str, Any], count: int) -> Section:
    """Mask2Former on Swin."""
    backbone, channels = encoder(hf)
    need(hf, activation_function="relu", common_stride=4, feature_strides=[4, 8, 16, 32], pre_norm=False)
    need(hf, hidden_dim=hf["feature_size"])
    if backbone["type"] != "SwinTransformer":
        raise CheckpointError("config.json: the backbone of mask2former must be 'swin'")
    width, heads, dropout = hf["hidden_dim"], hf["num_attention_heads"], hf.get("dropout", 0.0)
    position = dict(num_feats=width // 2, normalize=True)
    deformable = dict(embed_dims=width, num_heads=heads, num_levels=3, num_points=4, dropout=dropout)
    hidden = _feed_forward(width, hf["encoder_feedforward_dim"], dropout)
    layer = _layer(width, heads, hf["dim_feedforward"], dropout)
    weight, masks, dice = (float(hf.get(f"{name}_weight", d)) for name, d in (("class", 2), ("mask", 5), ("dice", 5)))
    head = dict(
        type="Mask2FormerHead", in_channels=channels, strides=[4, 8, 16, 32], feat_channels=width,
        out_channels=hf["mask_feature_size"], num_classes=count, num_queries=hf["num_queries"],
        num_transformer_feat_level=3, enforce_decoder_input_project=hf.get("enforce_input_projection", False),
        pixel_decoder=dict(
            type="MSDeformAttnPixelDecoder", num_outs=3, norm_cfg=dict(type="GN", num_groups=32),
            act_cfg=dict(type="ReLU"),
            encoder=dict(num_layers=hf["encoder_layers"], layer_cfg=dict(self_attn_cfg=deformable, ffn_cfg=hidden)),
            positional_encoding=position,
        ),
        positional_encoding=position,
        # transformers counts the masks before the first layer as a layer
        transformer_decoder=dict(return_intermediate=True, num_layers=hf["decoder_layers"] - 1, layer_cfg=layer),
        loss_cls=_class_loss(hf, count, weight), loss_mask=_mask_loss(masks), loss_dice=_dice_loss(dice),
        train_cfg=_matching(hf, weight, masks, dice),
    )  # fmt: skip
    return dict(backbone=backbone, decode_head=head)


def maskformer(hf: Mapping[str, Any], count: int) -> Section:
    """MaskFormer on Swin."""
    backbone, channels = encoder(hf)
    if backbone["type"] != "SwinTransformer":
        raise CheckpointError("config.json: the backbone of maskformer must be 'swin'")
    inner = dict(hf.get("decoder_config") or {})
    need(inner, model_type="detr", activation_function="relu", position_embedding_type="sine")
    width = int(inner.get("d_model") or inner.get("hidden_size") or 256)
    layers, heads = inner.get("decoder_layers", 6), inner.get("decoder_attention_heads", 8)
    need(hf, fpn_feature_size=width)
    masks, dice = float(hf.get("mask_weight", 20.0)), float(hf.get("dice_weight", 1.0))
    weight = float(hf.get("cross_entropy_weight", 1.0))
    costs = [
        dict(type="ClassificationCost", weight=weight),
        dict(type="FocalLossCost", weight=masks, binary_input=True),
        dict(type="DiceCost", weight=dice, pred_act=True, eps=1.0),
    ]
    layer = _layer(width, heads, inner.get("decoder_ffn_dim", 2048), inner.get("dropout", 0.1))
    head = dict(
        type="MaskFormerHead", in_channels=channels, in_index=[0, 1, 2, 3], feat_channels=width,
        out_channels=hf["mask_feature_size"], num_classes=count, num_queries=inner.get("num_queries", 100),
        pixel_decoder=dict(
            type="PixelDecoder", norm_cfg=dict(type="GN", num_groups=32), act_cfg=dict(type="ReLU")
        ),
        enforce_decoder_input_project=False, positional_encoding=dict(num_feats=width // 2, normalize=True),
        transformer_decoder=dict(return_intermediate=True, num_layers=layers, layer_cfg=layer),
        loss_cls=_class_loss(hf, count, weight), loss_dice=_dice_loss(dice),
        loss_mask=dict(
            type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, reduction="mean", loss_weight=masks
        ),
        train_cfg=dict(
            assigner=dict(type="HungarianAssigner", match_costs=costs), sampler=dict(type="MaskPseudoSampler")
        ),
    )  # fmt: skip
    return dict(backbone=backbone, decode_head=head)


def eomt(hf: Mapping[str, Any], count: int) -> Section:
    """EoMT on DINOv2 or DINOv3."""
    if hf.get("use_gated_mlp") or hf.get("hidden_act", "gelu") != "gelu":
        raise CheckpointError(
            f"config.json: use_gated_mlp={hf.get('use_gated_mlp', False)}, hidden_act={hf.get('hidden_act')!r}; the "
            "networks beside the encoder would have its activation; those of Segue's EoMTHead have GELU, as the "
            "authors' have"
        )
    patch = hf.get("patch_size", 16)
    need(hf, num_upscale_blocks=max(1, int(math.log2(patch)) - 2), attention_dropout=0.0)
    third = hf.get("model_type") == "eomt_dinov3"
    backbone = dinov3(hf) if third else dinov2({"mlp_ratio": 4, **hf})
    weight, masks, dice = (float(hf.get(f"{name}_weight", d)) for name, d in (("class", 2), ("mask", 5), ("dice", 5)))
    head = dict(
        type="EoMTHead", in_channels=hf["hidden_size"], num_classes=count, num_queries=hf["num_queries"],
        patch_size=patch, loss_cls=_class_loss(hf, count, weight), loss_mask=_mask_loss(masks),
        loss_dice=_dice_loss(dice), train_cfg=_matching(hf, weight, masks, dice),
    )  # fmt: skip
    return dict(type="EoMT", backbone=backbone, decode_head=head, num_blocks=hf["num_blocks"])
