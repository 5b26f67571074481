"""The config of a segmentor of transformers as one of Segue's, from its ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.checkpoints.foreign.huggingface_encoders import ALONE, Section, encoder, mit, need, refuse_encoder
from segue.errors import CheckpointError

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BN: Section = dict(type="SyncBN", requires_grad=True)
CROSS_ENTROPY: Section = dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0)


def config_of(hf: Mapping[str, Any], processor: Mapping[str, Any] | None = None) -> Section:
    """A config with the model and the pipeline that tests it.

    Args:
        hf: what ``config.json`` holds.
        processor: what ``preprocessor_config.json`` holds; without one, images are normalized by ImageNet's statistics
            and resized to 512 x 512, as transformers does by default.

    Raises:
        CheckpointError: a kind of model or an option that Segue has no counterpart of.
    """
    kind = str(hf.get("model_type"))
    try:
        if kind not in MODELS:
            refuse_encoder(hf)
            raise CheckpointError(
                f"config.json: model_type is {kind!r}; Segue converts {', '.join(MODELS)}, and the encoders "
                f"{', '.join(ALONE)}"
            )
        model = MODELS[kind](hf)
        pipeline, normalize = images(processor or {})
    except KeyError as error:
        raise CheckpointError(
            f"config.json: {error.args[0]!r} is missing; take the file of the model's folder"
        ) from None
    except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        raise CheckpointError(f"config.json: a value of {kind} is of another kind than expected ({error})") from error
    if kind == "mask2former":
        normalize["test_cfg"] = dict(size_divisor=32)
    normalize = dict(type="SegDataPreProcessor", bgr_to_rgb=True, pad_val=0, seg_pad_val=255, **normalize)
    return dict(
        model=dict(type="EncoderDecoder", data_preprocessor=normalize, **model, test_cfg=dict(mode="whole")),
        test_pipeline=pipeline,
    )


def classes_of(hf: Mapping[str, Any]) -> list[str]:
    """The names of the classes, in order.

    Raises:
        CheckpointError: their numbers have gaps.
    """
    try:
        names = {int(key): str(name) for key, name in dict(hf.get("id2label") or {}).items()}
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"config.json: id2label must number the classes: {error}") from error
    if sorted(names) != list(range(len(names))):
        raise CheckpointError("config.json: id2label must number the classes from 0 without gaps")
    return [names[i] for i in range(len(names))]


def images(processor: Mapping[str, Any]) -> tuple[list[Section], Section]:
    """The test pipeline, and mean and standard deviation in units of 8 bits."""
    resize: list[Section] = []
    if processor.get("do_resize", True):
        size = processor.get("size") or 512
        size = dict(height=size, width=size) if isinstance(size, int) else dict(size)
        if "shortest_edge" in size:
            short = int(size["shortest_edge"])
            scale, keep = (int(size.get("longest_edge") or 4 * short), short), True
        else:
            scale, keep = (int(size["width"]), int(size["height"])), False
        resize = [dict(type="Resize", scale=scale, keep_ratio=keep, backend="pillow")]
    mean, std = (
        [round(255 * value, 3) for value in processor.get(key) or default]
        for key, default in zip(("image_mean", "image_std"), IMAGENET, strict=True)
    )
    return [dict(type="LoadImageFromFile"), *resize, dict(type="PackSegInputs")], dict(mean=mean, std=std)


def segformer(hf: Mapping[str, Any]) -> Section:
    """SegFormer. Its head has no activation before its maps are joined: ``act_cfg=None``."""
    backbone, sizes = mit(hf), hf["hidden_sizes"]
    head = dict(
        type="SegformerHead", in_channels=sizes, in_index=[0, 1, 2, 3], channels=hf["decoder_hidden_size"],
        dropout_ratio=hf.get("classifier_dropout_prob", 0.1), num_classes=len(classes_of(hf)), norm_cfg=BN,
        act_cfg=None, align_corners=False, loss_decode=CROSS_ENTROPY,
    )  # fmt: skip
    return dict(backbone=backbone, decode_head=head)


def upernet(hf: Mapping[str, Any]) -> Section:
    """UPerNet on Swin or ConvNeXt."""
    backbone, channels = encoder(hf)
    shared = dict(num_classes=len(classes_of(hf)), dropout_ratio=0.1, norm_cfg=BN, align_corners=False)
    model: Section = dict(
        backbone=backbone,
        decode_head=dict(
            type="UPerHead", in_channels=channels, in_index=[0, 1, 2, 3], channels=hf["hidden_size"],
            pool_scales=hf.get("pool_scales", (1, 2, 3, 6)), loss_decode=CROSS_ENTROPY, **shared,
        ),
    )  # fmt: skip
    if hf.get("use_auxiliary_head", True):
        model["auxiliary_head"] = dict(
            type="FCNHead", in_channels=channels[2], in_index=2, channels=hf["auxiliary_channels"],
            num_convs=hf.get("auxiliary_num_convs", 1), concat_input=hf.get("auxiliary_concat_input", False),
            loss_decode=dict(CROSS_ENTROPY, loss_weight=hf.get("auxiliary_loss_weight", 0.4)), **shared,
        )  # fmt: skip
    return model


def mask2former(hf: Mapping[str, Any]) -> Section:
    """Mask2Former on Swin."""
    backbone, channels = encoder(hf)
    need(hf, activation_function="relu", common_stride=4, feature_strides=[4, 8, 16, 32], pre_norm=False)
    need(hf, hidden_dim=hf["feature_size"])
    if backbone["type"] != "SwinTransformer":
        raise CheckpointError("config.json: the backbone of mask2former must be 'swin'")
    width, heads, dropout = hf["hidden_dim"], hf["num_attention_heads"], hf.get("dropout", 0.0)
    position = dict(num_feats=width // 2, normalize=True)
    attention = dict(embed_dims=width, num_heads=heads, attn_drop=dropout, proj_drop=dropout)

    def feed_forward(hidden: int) -> Section:
        return dict(embed_dims=width, feedforward_channels=hidden, num_fcs=2, ffn_drop=dropout)

    deformable = dict(embed_dims=width, num_heads=heads, num_levels=3, num_points=4, dropout=dropout)
    encoder_layer = dict(self_attn_cfg=deformable, ffn_cfg=feed_forward(hf["encoder_feedforward_dim"]))
    layer = dict(self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=feed_forward(hf["dim_feedforward"]))
    count = len(classes_of(hf))
    weight, masks, dice = (float(hf.get(f"{name}_weight", d)) for name, d in (("class", 2), ("mask", 5), ("dice", 5)))
    costs = [
        dict(type="ClassificationCost", weight=weight),
        dict(type="CrossEntropyLossCost", weight=masks, use_sigmoid=True),
        dict(type="DiceCost", weight=dice, pred_act=True, eps=1.0),
    ]
    head = dict(
        type="Mask2FormerHead", in_channels=channels, strides=[4, 8, 16, 32], feat_channels=width,
        out_channels=hf["mask_feature_size"], num_classes=count, num_queries=hf["num_queries"],
        num_transformer_feat_level=3, enforce_decoder_input_project=hf.get("enforce_input_projection", False),
        pixel_decoder=dict(
            type="MSDeformAttnPixelDecoder", num_outs=3, norm_cfg=dict(type="GN", num_groups=32),
            act_cfg=dict(type="ReLU"), encoder=dict(num_layers=hf["encoder_layers"], layer_cfg=encoder_layer),
            positional_encoding=position,
        ),
        positional_encoding=position,
        # transformers counts the masks before the first layer as a layer
        transformer_decoder=dict(return_intermediate=True, num_layers=hf["decoder_layers"] - 1, layer_cfg=layer),
        loss_cls=dict(
            type="CrossEntropyLoss", use_sigmoid=False, loss_weight=weight, reduction="mean",
            class_weight=[1.0] * count + [float(hf.get("no_object_weight", 0.1))],
        ),
        loss_mask=dict(type="CrossEntropyLoss", use_sigmoid=True, reduction="mean", loss_weight=masks),
        loss_dice=dict(
            type="DiceLoss", use_sigmoid=True, activate=True, reduction="mean", naive_dice=True, eps=1.0,
            loss_weight=dice,
        ),
        train_cfg=dict(
            num_points=hf.get("train_num_points", 12544), oversample_ratio=hf.get("oversample_ratio", 3.0),
            importance_sample_ratio=hf.get("importance_sample_ratio", 0.75),
            assigner=dict(type="HungarianAssigner", match_costs=costs), sampler=dict(type="MaskPseudoSampler"),
        ),
    )  # fmt: skip
    return dict(backbone=backbone, decode_head=head)


MODELS = {"segformer": segformer, "upernet": upernet, "mask2former": mask2former}
