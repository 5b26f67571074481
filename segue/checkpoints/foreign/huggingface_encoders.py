"""Encoders of transformers as backbones of Segue's configs, from their ``config.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from segue.errors import CheckpointError

Section = dict[str, Any]


def need(hf: Mapping[str, Any], **wanted: Any) -> None:
    """Raise unless options have the only values that Segue's modules can follow."""
    for key, value in wanted.items():
        if hf.get(key, value) != value:
            raise CheckpointError(f"config.json: {key}={hf[key]!r}; Segue's counterpart only has {value!r}")


def channels_of_stages(backbone: Mapping[str, Any]) -> list[int]:
    """The channels of the four stages."""
    if "hidden_sizes" in backbone:
        return list(backbone["hidden_sizes"])
    return [int(backbone["embed_dim"]) * 2**i for i in range(4)]


def swin(hf: Mapping[str, Any]) -> Section:
    """A Swin transformer."""
    need(hf, hidden_act="gelu", num_layers=4)
    return dict(
        type="SwinTransformer", pretrain_img_size=hf.get("image_size", 224), in_channels=hf.get("num_channels", 3),
        embed_dims=hf["embed_dim"], depths=hf["depths"], num_heads=hf["num_heads"], window_size=hf["window_size"],
        patch_size=hf.get("patch_size", 4), strides=(hf.get("patch_size", 4), 2, 2, 2),
        mlp_ratio=hf.get("mlp_ratio", 4), qkv_bias=hf.get("qkv_bias", True), out_indices=(0, 1, 2, 3),
        drop_rate=hf.get("hidden_dropout_prob", 0.0), attn_drop_rate=hf.get("attention_probs_dropout_prob", 0.0),
        drop_path_rate=hf.get("drop_path_rate", 0.1), use_abs_pos_embed=hf.get("use_absolute_embeddings", False),
        norm_cfg=dict(type="LN", eps=hf.get("layer_norm_eps", 1e-5)),
    )  # fmt: skip


def convnext(hf: Mapping[str, Any]) -> Section:
    """A ConvNeXt."""
    need(hf, hidden_act="gelu", num_stages=4)
    return dict(
        type="ConvNeXt", arch=dict(depths=hf["depths"], channels=hf["hidden_sizes"]), out_indices=(0, 1, 2, 3),
        in_channels=hf.get("num_channels", 3), stem_patch_size=hf.get("patch_size", 4),
        drop_path_rate=hf.get("drop_path_rate", 0.0), layer_scale_init_value=hf.get("layer_scale_init_value", 1e-6),
        gap_before_final_norm=False,
    )  # fmt: skip


def mit(hf: Mapping[str, Any]) -> Section:
    """SegFormer's encoder."""
    sizes, heads, ratios = hf["hidden_sizes"], hf["num_attention_heads"], hf.get("mlp_ratios", [4] * 4)
    width = sizes[0] // heads[0]
    if [width * count for count in heads] != list(sizes) or len(set(ratios)) != 1:
        raise CheckpointError(
            f"config.json: hidden_sizes={sizes}, num_attention_heads={heads}, mlp_ratios={ratios}; Segue's MiT has "
            "heads of one width and one ratio"
        )
    need(hf, hidden_act="gelu", reshape_last_stage=True, num_encoder_blocks=4)
    return dict(
        type="MixVisionTransformer", in_channels=hf.get("num_channels", 3), embed_dims=width, num_stages=4,
        num_layers=hf["depths"], num_heads=heads, patch_sizes=hf["patch_sizes"], strides=hf["strides"],
        sr_ratios=hf["sr_ratios"], mlp_ratio=ratios[0], drop_rate=hf.get("hidden_dropout_prob", 0.0),
        attn_drop_rate=hf.get("attention_probs_dropout_prob", 0.0), drop_path_rate=hf.get("drop_path_rate", 0.1),
        norm_cfg=dict(type="LN", eps=1e-5),  # whatever its layer_norm_eps says
    )  # fmt: skip


def _quarters(blocks: int) -> list[int]:
    return [blocks * (i + 1) // 4 - 1 for i in range(4)] if blocks >= 4 else list(range(blocks))


def _vit(hf: Mapping[str, Any], **more: Any) -> Section:
    return dict(
        type="DinoVisionTransformer", img_size=hf.get("image_size", 224), patch_size=hf.get("patch_size", 16),
        in_channels=hf.get("num_channels", 3), embed_dim=hf["hidden_size"], depth=hf["num_hidden_layers"],
        num_heads=hf["num_attention_heads"], init_values=hf.get("layerscale_value", 1.0),
        drop_path_rate=hf.get("drop_path_rate", 0.0), out_indices=_quarters(hf["num_hidden_layers"]), **more,
    )  # fmt: skip


def dinov2(hf: Mapping[str, Any]) -> Section:
    """DINOv2, with registers or without."""
    gated = hf.get("use_swiglu_ffn", False)
    if not gated:
        need(hf, hidden_act="gelu")
    registers = hf.get("num_register_tokens", 4) if hf.get("model_type") != "dinov2" else 0
    return _vit(
        hf, rope=False, mlp_ratio=hf.get("mlp_ratio", 4), ffn_layer="swiglufused" if gated else "mlp",
        qkv_bias=hf.get("qkv_bias", True), num_register_tokens=registers, norm_eps=hf.get("layer_norm_eps", 1e-6),
    )  # fmt: skip


def dinov3(hf: Mapping[str, Any]) -> Section:
    """DINOv3's vision transformers."""
    gated = hf.get("use_gated_mlp", False)
    need(hf, hidden_act="silu" if gated else "gelu", key_bias=False)
    need(hf, value_bias=hf.get("query_bias", True))
    ratio = hf["intermediate_size"] / hf["hidden_size"]
    return _vit(
        hf, rope=True, mlp_ratio=1.5 * ratio if gated else ratio, ffn_layer="swiglu" if gated else "mlp",
        qkv_bias=hf.get("query_bias", True), proj_bias=hf.get("proj_bias", True), ffn_bias=hf.get("mlp_bias", True),
        num_register_tokens=hf.get("num_register_tokens", 0), norm_eps=hf.get("layer_norm_eps", 1e-5),
        rope_base=_rope_base(hf), rope_rescale=hf.get("pos_embed_rescale") or 1,
    )  # fmt: skip


def _rope_base(hf: Mapping[str, Any]) -> float:
    nested = hf.get("rope_parameters") or {}
    return float(hf.get("rope_theta") or nested.get("rope_theta") or 100.0)


def dinov3_convnext(hf: Mapping[str, Any]) -> Section:
    """DINOv3's ConvNeXts."""
    return convnext({**hf, "patch_size": 4})


def beit_encoder(hf: Mapping[str, Any]) -> Section:
    """BEiT."""
    need(hf, hidden_act="gelu", use_absolute_position_embeddings=False)
    if not (hf.get("use_relative_position_bias") or hf.get("use_shared_relative_position_bias")):
        raise CheckpointError("config.json: use_relative_position_bias=False; Segue's BEiT has relative positions")
    return dict(
        type="BEiT", img_size=hf.get("image_size", 224), patch_size=hf.get("patch_size", 16),
        in_channels=hf.get("num_channels", 3), embed_dims=hf["hidden_size"], num_layers=hf["num_hidden_layers"],
        num_heads=hf["num_attention_heads"], mlp_ratio=hf["intermediate_size"] / hf["hidden_size"], qv_bias=True,
        init_values=hf.get("layer_scale_init_value", 0.1), drop_path_rate=hf.get("drop_path_rate", 0.1),
        norm_cfg=dict(type="LN", eps=hf.get("layer_norm_eps", 1e-12)), out_indices=_quarters(hf["num_hidden_layers"]),
    )  # fmt: skip


Encoder = Callable[[Mapping[str, Any]], Section]
#: what gives a segmentor of transformers its maps
ENCODERS: dict[str, Encoder] = {"swin": swin, "maskformer-swin": swin, "convnext": convnext}
#: encoders that are published by themselves
ALONE: dict[str, Encoder] = {
    "dinov2": dinov2, "dinov2_with_registers": dinov2, "dinov3_vit": dinov3, "dinov3_convnext": dinov3_convnext,
    "swin": swin, "convnext": convnext, "beit": beit_encoder, "segformer": mit,
}  # fmt: skip


def encoder(hf: Mapping[str, Any]) -> tuple[Section, list[int]]:
    """The backbone of a model that has one of its own, and its channels."""
    inner = hf.get("backbone_config") or {}
    kind = str(inner.get("model_type"))
    if kind not in ENCODERS:
        raise CheckpointError(f"config.json: the backbone is {kind!r}; Segue converts {', '.join(ENCODERS)}")
    need(inner, out_features=["stage1", "stage2", "stage3", "stage4"])
    return ENCODERS[kind](inner), channels_of_stages(inner)


def refuse_encoder(hf: Mapping[str, Any]) -> None:
    """Say where an encoder without a head belongs.

    Raises:
        CheckpointError: it is one.
    """
    kind = str(hf.get("model_type"))
    if kind in ALONE:
        section = ALONE[kind](hf)
        head = ", ".join(f"{key}={value!r}" for key, value in section.items())
        raise CheckpointError(
            f"config.json: {kind} is an encoder and has no head: it gives no labels. In the config of a segmentor, "
            f"name it as backbone=dict({head}, init_cfg=dict(type='Pretrained', checkpoint=...))"
        )
