"""The config of a segmentor of transformers as one of Segue's, from its ``config.json``."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from segue.checkpoints.foreign.huggingface_encoders import (
    ALONE,
    Section,
    beit_encoder,
    encoder,
    mit,
    need,
    refuse_encoder,
)
from segue.checkpoints.foreign.huggingface_masks import eomt, mask2former, maskformer
from segue.errors import CheckpointError

_log = logging.getLogger("segue")

#: the classes of transformers that segment by classes
SEGMENTORS = re.compile("ForSemanticSegmentation|ForUniversalSegmentation|ForInstanceSegmentation")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BILINEAR = 2
#: Pillow's numbers of interpolations
RESAMPLE = {0: "nearest", 1: "lanczos", BILINEAR: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
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
    built = " and ".join(map(str, hf.get("architectures") or ()))
    try:
        if kind not in MODELS or (built and not SEGMENTORS.search(built)):
            refuse_encoder(hf)
            raise CheckpointError(
                f"config.json: model_type is {kind!r}{f' ({built})' if built else ''}; Segue converts "
                f"{', '.join(MODELS)} where they segment, and the encoders {', '.join(ALONE)}"
            )
        model = MODELS[kind](hf, len(classes_of(hf)))
        pipeline, normalize = images(processor or {})
        test = windows(kind, processor or {})
    except KeyError as error:
        raise CheckpointError(
            f"config.json: {error.args[0]!r} is missing; take the file of the model's folder"
        ) from None
    except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        raise CheckpointError(f"config.json: a value of {kind} is of another kind than expected ({error})") from error
    if kind in ("mask2former", "maskformer"):
        normalize["test_cfg"] = dict(size_divisor=32)
    normalize = dict(type="SegDataPreProcessor", bgr_to_rgb=True, pad_val=0, seg_pad_val=255, **normalize)
    wiring = dict(type="EncoderDecoder", data_preprocessor=normalize)
    return dict(model={**wiring, **model, "test_cfg": test}, test_pipeline=pipeline)


def windows(kind: str, processor: Mapping[str, Any]) -> Section:
    """How an image is looked at: EoMT's processor cuts it into squares as high as its short side."""
    if not kind.startswith("eomt") or not processor.get("do_split_image"):
        return dict(mode="whole")
    size = processor.get("size") or 512
    side = int(size.get("shortest_edge") or size.get("height") or 512) if isinstance(size, Mapping) else int(size)
    return dict(mode="slide", crop_size=(side, side), stride=(side, side), even=True)


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
        if processor.get("resample", BILINEAR) not in RESAMPLE:
            raise CheckpointError(f"preprocessor_config.json: resample={processor['resample']!r:.40}; it is 0 to 5")
        if processor.get("resample", BILINEAR) != BILINEAR:
            resize[0]["interpolation"] = RESAMPLE[int(processor["resample"])]
    for key in ("do_center_crop", "keep_aspect_ratio"):
        if processor.get(key):
            _log.warning("preprocessor_config.json: %s is not done: images are resized, and predicted whole", key)
    factor = float(processor.get("rescale_factor", 1 / 255)) if processor.get("do_rescale", True) else 1.0
    given = processor if processor.get("do_normalize", True) else dict(image_mean=[0.0] * 3, image_std=[1.0] * 3)
    mean, std = (
        [round(value / factor, 3) for value in given.get(key) or default]
        for key, default in zip(("image_mean", "image_std"), IMAGENET, strict=True)
    )
    return [dict(type="LoadImageFromFile"), *resize, dict(type="PackSegInputs")], dict(mean=mean, std=std)


def segformer(hf: Mapping[str, Any], count: int) -> Section:
    """SegFormer. Its head has no activation before its maps are joined: ``act_cfg=None``."""
    backbone, sizes = mit(hf), hf["hidden_sizes"]
    head = dict(
        type="SegformerHead", in_channels=sizes, in_index=[0, 1, 2, 3], channels=hf["decoder_hidden_size"],
        dropout_ratio=hf.get("classifier_dropout_prob", 0.1), num_classes=count, norm_cfg=BN,
        act_cfg=None, align_corners=False, loss_decode=CROSS_ENTROPY,
    )  # fmt: skip
    return dict(backbone=backbone, decode_head=head)


def auxiliary_head(hf: Mapping[str, Any], channels: int, shared: Section) -> Section:
    """The head of training, on the third map."""
    return dict(
        type="FCNHead", in_channels=channels, in_index=2, channels=hf["auxiliary_channels"],
        num_convs=hf.get("auxiliary_num_convs", 1), concat_input=hf.get("auxiliary_concat_input", False),
        loss_decode=dict(CROSS_ENTROPY, loss_weight=hf.get("auxiliary_loss_weight", 0.4)), **shared,
    )  # fmt: skip


def upernet(hf: Mapping[str, Any], count: int) -> Section:
    """UPerNet on Swin or ConvNeXt."""
    backbone, channels = encoder(hf)
    shared = dict(num_classes=count, dropout_ratio=0.1, norm_cfg=BN, align_corners=False)
    model: Section = dict(
        backbone=backbone,
        decode_head=dict(
            type="UPerHead", in_channels=channels, in_index=[0, 1, 2, 3], channels=hf["hidden_size"],
            pool_scales=hf.get("pool_scales", (1, 2, 3, 6)), loss_decode=CROSS_ENTROPY, **shared,
        ),
    )  # fmt: skip
    if hf.get("use_auxiliary_head", True):
        model["auxiliary_head"] = auxiliary_head(hf, channels[2], shared)
    return model


def dpt(hf: Mapping[str, Any], count: int) -> Section:
    """DPT on a plain vision transformer."""
    if hf.get("is_hybrid") or hf.get("backbone_config"):
        kind = "a hybrid" if hf.get("is_hybrid") else repr((hf.get("backbone_config") or {}).get("model_type"))
        raise CheckpointError(f"config.json: the encoder of dpt is {kind}; Segue converts its plain ViT only")
    need(hf, hidden_act="gelu", reassemble_factors=[4, 2, 1, 0.5], neck_ignore_stages=[], head_in_index=-1)
    need(hf, add_projection=False, use_batch_norm_in_fusion_residual=True)
    if hf.get("use_bias_in_fusion_residual"):
        need(hf, use_bias_in_fusion_residual=False)
    width, norm = hf["hidden_size"], dict(type="LN", eps=hf.get("layer_norm_eps", 1e-12))
    backbone = dict(
        type="VisionTransformer", img_size=hf.get("image_size", 384), patch_size=hf.get("patch_size", 16),
        in_channels=hf.get("num_channels", 3), embed_dims=width, num_layers=hf["num_hidden_layers"],
        num_heads=hf["num_attention_heads"], mlp_ratio=hf["intermediate_size"] / width,
        qkv_bias=hf.get("qkv_bias", True), out_indices=hf["backbone_out_indices"], final_norm=False, norm_cfg=norm,
        patch_bias=True, with_cls_token=True, output_cls_token=hf.get("readout_type", "project") != "ignore",
        interpolate_mode="bilinear",
    )  # fmt: skip
    head = dict(
        type="DPTHead", in_channels=[width] * 4, in_index=[0, 1, 2, 3], channels=hf["fusion_hidden_size"],
        input_transform="multiple_select", embed_dims=width, post_process_channels=hf["neck_hidden_sizes"],
        readout_type=hf.get("readout_type", "project"), patch_size=hf.get("patch_size", 16), num_classes=count,
        dropout_ratio=hf.get("semantic_classifier_dropout", 0.1), norm_cfg=BN, align_corners=True,
        loss_decode=CROSS_ENTROPY,
    )  # fmt: skip
    return dict(backbone=backbone, decode_head=head)


def beit(hf: Mapping[str, Any], count: int) -> Section:
    """BEiT under UPerNet. Its maps are those that transformers takes, of two blocks before ``out_indices``."""
    backbone, width = beit_encoder(hf), hf["hidden_size"]
    chosen = [index - 2 for index in hf.get("out_indices") or (3, 5, 7, 11)]
    if len(chosen) != 4 or min(chosen) < 0:
        raise CheckpointError(f"config.json: out_indices={hf.get('out_indices')}; four numbers from 2 on are expected")
    shared = dict(num_classes=count, dropout_ratio=0.1, norm_cfg=BN, align_corners=False)
    model: Section = dict(
        backbone=dict(backbone, out_indices=chosen),
        neck=dict(type="Feature2Pyramid", embed_dim=width, rescales=[4, 2, 1, 0.5]),
        decode_head=dict(
            type="UPerHead", in_channels=[width] * 4, in_index=[0, 1, 2, 3], channels=width,
            pool_scales=hf.get("pool_scales", (1, 2, 3, 6)), loss_decode=CROSS_ENTROPY, **shared,
        ),
    )  # fmt: skip
    if hf.get("use_auxiliary_head", True):
        model["auxiliary_head"] = auxiliary_head(hf, width, shared)
    return model


Model = Callable[[Mapping[str, Any], int], Section]
MODELS: dict[str, Model] = {
    "segformer": segformer, "upernet": upernet, "mask2former": mask2former, "maskformer": maskformer, "eomt": eomt,
    "eomt_dinov3": eomt, "dpt": dpt, "beit": beit,
}  # fmt: skip
