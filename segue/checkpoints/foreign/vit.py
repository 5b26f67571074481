"""Vision transformers: of timm and DeiT, of torchvision, of JAX; and BEiT and masked autoencoders of their authors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from segue.checkpoints.foreign.rules import Rule, Source

#: timm's blocks but for the attention, which BEiT has too
BLOCK = (
    Rule(r"patch_embed\.proj\.(.+)", r"patch_embed.projection.\1"),
    Rule(r"blocks\.(\d+)\.norm([12])\.(.+)", r"layers.\1.ln\2.\3"),
    Rule(r"blocks\.(\d+)\.mlp\.fc1\.(.+)", r"layers.\1.ffn.layers.0.0.\2"),
    Rule(r"blocks\.(\d+)\.mlp\.fc2\.(.+)", r"layers.\1.ffn.layers.1.\2"),
    Rule(r"norm\.(.+)", r"ln1.\1"),
)
VIT = (
    *BLOCK,
    Rule(r"blocks\.(\d+)\.attn\.qkv\.(.+)", r"layers.\1.attn.attn.in_proj_\2"),
    Rule(r"blocks\.(\d+)\.attn\.proj\.(.+)", r"layers.\1.attn.attn.out_proj.\2"),
    Rule(r"norm_pre\.(.+)", r"ln_pre.\1"),
    Rule(r"blocks\.(.+)", r"layers.\1"),
    Rule(r"head(_dist)?\..+", None),
)
BEIT = (
    *BLOCK,
    Rule(r"blocks\.(.+)", r"layers.\1"),
    Rule(r"rel_pos_bias\..+", None),  # copied to every block
    Rule(r"(head|lm_head|fc_norm|decoder\w*|mask_token)\b.*", None),
)
TORCHVISION = (
    Rule("class_token", "cls_token"),
    Rule(r"encoder\.pos_embedding", "pos_embed"),
    Rule(r"conv_proj\.(.+)", r"patch_embed.projection.\1"),
    Rule(r"encoder\.layers\.encoder_layer_(\d+)\.ln_([12])\.(.+)", r"layers.\1.ln\2.\3"),
    Rule(r"encoder\.layers\.encoder_layer_(\d+)\.self_attention\.(.+)", r"layers.\1.attn.attn.\2"),
    Rule(r"encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:0|linear_1)\.(.+)", r"layers.\1.ffn.layers.0.0.\2"),
    Rule(r"encoder\.layers\.encoder_layer_(\d+)\.mlp\.(?:3|linear_2)\.(.+)", r"layers.\1.ffn.layers.1.\2"),
    Rule(r"encoder\.ln\.(.+)", r"ln1.\1"),
    Rule(r"heads\..+", None),
)

SHARED = "rel_pos_bias.relative_position_bias_table"
PATCHES = r"patch_embed\.proj\.weight$"


def shared_biases(given: Mapping[str, Tensor], result: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The table of relative positions that pretrained BEiT has once, for each of its blocks."""
    if SHARED not in given:
        return {}
    blocks = dict.fromkeys(match[1] for key in given if (match := re.match(r"blocks\.(\d+)\.", key)))
    return {f"layers.{i}.attn.relative_position_bias_table": given[SHARED].clone() for i in blocks}


SOURCES = (
    Source(
        "beit",
        "BEiT weights of its authors",
        (PATCHES, r"blocks\.0\.attn\.q_bias$", r"blocks\.0\.attn\.qkv\.weight$"),
        BEIT,
        complete=shared_biases,
    ),
    Source(
        "vit",
        "ViT weights of timm or DeiT",
        (PATCHES, r"blocks\.0\.attn\.qkv\.weight$", r"blocks\.0\.norm1\.weight$"),
        VIT,
        never=(r"layers\.", r"stages\.", r"blocks\.0\.attn\.q_bias$", r"clip_visual_extractor\."),
    ),
    Source(
        "mae",
        "weights of masked autoencoders",
        (PATCHES, r"blocks\.0\.attn\.qkv\.bias$", r"blocks\.0\.norm1\.weight$", "pos_embed$"),
        BEIT,
        never=(r"blocks\.0\.attn\.q_bias$",),
    ),
    Source(
        "torchvision-vit",
        "ViT weights of torchvision",
        (r"conv_proj\.weight$", r"encoder\.layers\.encoder_layer_0\.self_attention\.in_proj_weight$"),
        TORCHVISION,
    ),
)
