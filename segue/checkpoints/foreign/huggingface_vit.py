"""Segmentors of transformers on plain vision transformers: BEiT under UPerNet, DPT; and BEiT alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from segue.checkpoints.foreign.rules import Rule, Source, below

LAYER = r"encoder\.layer\.(\d+)\."
QKV = tuple(enumerate(("query", "key", "value")))
#: what both have, as they name it
VIT = (
    Rule(r"embeddings\.cls_token", "cls_token"),
    Rule(r"embeddings\.position_embeddings", "pos_embed"),
    Rule(r"embeddings\.patch_embeddings\.projection\.(.+)", r"patch_embed.projection.\1"),
    Rule(LAYER + r"layernorm_before\.(.+)", r"layers.\1.ln1.\2"),
    Rule(LAYER + r"layernorm_after\.(.+)", r"layers.\1.ln2.\2"),
    Rule(LAYER + r"intermediate\.dense\.(.+)", r"layers.\1.ffn.layers.0.0.\2"),
    Rule(LAYER + r"output\.dense\.(.+)", r"layers.\1.ffn.layers.1.\2"),
)
UNUSED = Rule(r"(layernorm|pooler|embeddings\.mask_token)\b.*", None)
DPT_ENCODER = (
    *VIT,
    *(
        Rule(rf"{LAYER}attention\.attention\.{name}\.(.+)", r"layers.\1.attn.attn.in_proj_\2", None, (i, 3))
        for i, name in QKV
    ),
    Rule(LAYER + r"attention\.output\.dense\.(.+)", r"layers.\1.attn.attn.out_proj.\2"),
    UNUSED,
)
TABLE = r"attention\.attention\.relative_position_bias\.(relative_position_.+)"
SHARED = "encoder.relative_position_bias.relative_position_bias_table"
BEIT_ENCODER = (
    *VIT,
    *(
        Rule(rf"{LAYER}attention\.attention\.{name}\.weight", r"layers.\1.attn.qkv.weight", None, (i, 3))
        for i, name in QKV
    ),
    Rule(LAYER + r"attention\.attention\.query\.bias", r"layers.\1.attn.q_bias"),
    Rule(LAYER + r"attention\.attention\.value\.bias", r"layers.\1.attn.v_bias"),
    Rule(LAYER + TABLE, r"layers.\1.attn.\2"),
    Rule(LAYER + r"attention\.output\.dense\.(.+)", r"layers.\1.attn.proj.\2"),
    Rule(LAYER + r"lambda_([12])", r"layers.\1.gamma_\2"),
    Rule(r"encoder\.relative_position_bias\..+", None),  # copied to every block
    UNUSED,
)
BEIT = (
    *below("beit.", "backbone.", BEIT_ENCODER),
    Rule(r"fpn1\.(.+)", r"neck.upsample_4x.\1"),
    Rule(r"fpn2\.(.+)", r"neck.upsample_2x.\1"),
    Rule(r"(decode_head|auxiliary_head)\.classifier\.(.+)", r"\1.conv_seg.\2"),
)

REASSEMBLE = r"neck\.reassemble_stage\."
FUSION = r"neck\.fusion_stage\.layers\.(\d)\."
DPT = (
    *below("dpt.", "backbone.", DPT_ENCODER),
    Rule(REASSEMBLE + r"readout_projects\.(.+)", r"decode_head.reassemble_blocks.readout_projects.\1"),
    Rule(REASSEMBLE + r"layers\.(\d)\.projection\.(.+)", r"decode_head.reassemble_blocks.projects.\1.conv.\2"),
    Rule(REASSEMBLE + r"layers\.(\d)\.resize\.(.+)", r"decode_head.reassemble_blocks.resize_layers.\1.\2"),
    Rule(r"neck\.convs\.(\d)\.(.+)", r"decode_head.convs.\1.conv.\2"),
    Rule(FUSION + r"projection\.(.+)", r"decode_head.fusion_blocks.\1.project.conv.\2"),
    Rule(r"neck\.fusion_stage\.layers\.0\.residual_layer1\..+", None),  # of the first block, which adds nothing
    Rule(
        FUSION + r"residual_layer([12])\.convolution([12])\.(.+)",
        r"decode_head.fusion_blocks.\1.res_conv_unit\2.conv\3.conv.\4",
    ),
    Rule(
        FUSION + r"residual_layer([12])\.batch_norm([12])\.(.+)",
        r"decode_head.fusion_blocks.\1.res_conv_unit\2.conv\3.bn.\4",
    ),
    Rule(r"head\.head\.0\.(.+)", r"decode_head.project.conv.\1"),
    Rule(r"head\.head\.1\.(.+)", r"decode_head.project.bn.\1"),
    Rule(r"head\.head\.4\.(.+)", r"decode_head.conv_seg.\1"),
    Rule(r"auxiliary_head\..+", None),  # of training
)


def _shared(prefix: str, target: str, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The table that some models have once, for each of the blocks."""
    if prefix + SHARED not in given:
        return {}
    found = (re.match(re.escape(prefix) + LAYER, key) for key in given)
    blocks = dict.fromkeys(match[1] for match in found if match)
    return {f"{target}layers.{i}.attn.relative_position_bias_table": given[prefix + SHARED].clone() for i in blocks}


PATCHES = r"embeddings\.patch_embeddings\.projection\.weight$"
LAMBDA = LAYER + r"lambda_1$"

SOURCES = (
    Source(
        "hf-beit",
        "BEiT weights of transformers with UPerNet's head",
        (r"beit\." + PATCHES, r"fpn1\.0\.weight$", r"decode_head\.psp_modules\."),
        BEIT,
        complete=lambda given, result: _shared("beit.", "backbone.", given),
    ),
    Source("hf-dpt", "DPT weights of transformers", (r"dpt\." + PATCHES, REASSEMBLE, r"head\.head\.4\."), DPT),
    Source(
        "beit-transformers",
        "BEiT weights of transformers",
        (r"(?:beit\.)?" + PATCHES, r"(?:beit\.)?" + LAMBDA),
        (*(Rule(r"(?:beit\.)?(?:" + r.pattern + ")", r.to, r.layout, r.part) for r in BEIT_ENCODER),
         Rule(r"(classifier|lm_head|layernorm)\..+", None)),
        never=(r"fpn1\.",),
        complete=lambda given, result: _shared("beit.", "", given) | _shared("", "", given),
    ),
)  # fmt: skip
