"""DINOv2 and DINOv3 as transformers' and timm's files name them. Those of the authors have Segue's names already."""

from __future__ import annotations

import torch
from torch import Tensor

from segue.checkpoints.foreign.rules import Rule, Source


def without_keys(x: Tensor) -> Tensor:
    """The bias of the queries, and the zeros that stand for that of the keys."""
    return torch.cat([x, torch.zeros_like(x)])


def with_class(x: Tensor) -> Tensor:
    """Position embeddings (1, N, C) of patches alone, after that of the class token, which is 0."""
    return torch.cat([torch.zeros_like(x[:, :1]), x], dim=1)


BLOCK = r"(?:model\.|encoder\.)*layers?\.(\d+)\."
QKV = tuple(enumerate(("query", "key", "value")))
TRANSFORMERS = (
    Rule(r"embeddings\.(cls_token|register_tokens)", r"\1"),
    Rule(r"embeddings\.position_embeddings", "pos_embed"),
    Rule(r"embeddings\.patch_embeddings\.(?:projection\.)?(.+)", r"patch_embed.proj.\1"),
    Rule(r"embeddings\.mask_token", None),
    Rule(BLOCK + r"norm([12])\.(.+)", r"blocks.\1.norm\2.\3"),
    Rule(BLOCK + r"layer_scale([12])\.lambda1", r"blocks.\1.ls\2.gamma"),
    Rule(BLOCK + r"attention\.(?:o_proj|out_proj|output\.dense)\.(.+)", r"blocks.\1.attn.proj.\2"),
    Rule(BLOCK + r"mlp\.fc([12])\.(.+)", r"blocks.\1.mlp.fc\2.\3"),
    Rule(r"(?:layernorm|norm)\.(.+)", r"norm.\1"),
)
DINOV2 = (
    *(Rule(rf"{BLOCK}attention\.attention\.{name}\.(.+)", r"blocks.\1.attn.qkv.\2", None, (i, 3)) for i, name in QKV),
    *(Rule(rf"{BLOCK}attention\.{name[0]}_proj\.(.+)", r"blocks.\1.attn.qkv.\2", None, (i, 3)) for i, name in QKV),
    Rule(BLOCK + r"mlp\.weights_in\.(.+)", r"blocks.\1.mlp.w12.\2"),
    Rule(BLOCK + r"mlp\.gate_proj\.(.+)", r"blocks.\1.mlp.w12.\2", None, (0, 2)),
    Rule(BLOCK + r"mlp\.up_proj\.(.+)", r"blocks.\1.mlp.w12.\2", None, (1, 2)),
    Rule(BLOCK + r"mlp\.(?:weights_out|down_proj)\.(.+)", r"blocks.\1.mlp.w3.\2"),
    *TRANSFORMERS,
)
DINOV3_BIAS = (
    Rule(BLOCK + r"attention\.q_proj\.bias", r"blocks.\1.attn.qkv.bias", without_keys, (0, 2)),
    Rule(BLOCK + r"attention\.v_proj\.bias", r"blocks.\1.attn.qkv.bias", None, (1, 2)),
    *(
        Rule(rf"{BLOCK}attention\.{name[0]}_proj\.weight", r"blocks.\1.attn.qkv.weight", None, (i, 3))
        for i, name in QKV
    ),
)
DINOV3 = (
    *DINOV3_BIAS,
    Rule(BLOCK + r"mlp\.up_proj\.(.+)", r"blocks.\1.mlp.fc1.\2"),
    Rule(BLOCK + r"mlp\.down_proj\.(.+)", r"blocks.\1.mlp.fc2.\2"),
    *TRANSFORMERS,
)
DINOV3_GATED = (
    *DINOV3_BIAS,
    Rule(BLOCK + r"mlp\.gate_proj\.(.+)", r"blocks.\1.mlp.w1.\2"),
    Rule(BLOCK + r"mlp\.up_proj\.(.+)", r"blocks.\1.mlp.w2.\2"),
    Rule(BLOCK + r"mlp\.down_proj\.(.+)", r"blocks.\1.mlp.w3.\2"),
    *TRANSFORMERS,
)
TIMM_V2 = (Rule("reg_token", "register_tokens"),)
TIMM_V2_GATED = (
    Rule(r"blocks\.(\d+)\.mlp\.fc1\.(.+)", r"blocks.\1.mlp.w12.\2"),
    Rule(r"blocks\.(\d+)\.mlp\.fc2\.(.+)", r"blocks.\1.mlp.w3.\2"),
    *TIMM_V2,
)
TIMM_V3 = (
    *TIMM_V2,
    Rule(r"blocks\.(\d+)\.gamma_([12])", r"blocks.\1.ls\2.gamma"),
    Rule(r"blocks\.(\d+)\.attn\.q_bias", r"blocks.\1.attn.qkv.bias", without_keys, (0, 2)),
    Rule(r"blocks\.(\d+)\.attn\.v_bias", r"blocks.\1.attn.qkv.bias", None, (1, 2)),
)
TIMM_V3_GATED = (
    Rule(r"blocks\.(\d+)\.mlp\.fc1_g\.(.+)", r"blocks.\1.mlp.w1.\2"),
    Rule(r"blocks\.(\d+)\.mlp\.fc1_x\.(.+)", r"blocks.\1.mlp.w2.\2"),
    Rule(r"blocks\.(\d+)\.mlp\.fc2\.(.+)", r"blocks.\1.mlp.w3.\2"),
    *TIMM_V3,
)
REGISTERS = (Rule("pos_embed", "pos_embed", with_class),)
GATED = BLOCK + r"mlp\.gate_proj\.weight$"
V2_KEYS = r"embeddings\.position_embeddings$"
V3_KEYS = (r"embeddings\.register_tokens$", BLOCK + r"attention\.o_proj\.weight$")
LS = r"blocks\.0\.ls1\.gamma$"
HALF = "timm's files have no bias of queries and values unless their name has qkvb: set qkv_bias=False for the others"

SOURCES = (
    Source(
        "dinov2-transformers", "DINOv2 weights of transformers", (V2_KEYS, BLOCK + r"layer_scale1\.lambda1$"), DINOV2
    ),
    Source(
        "dinov3-gated-transformers",
        "DINOv3 weights of transformers with gated MLPs",
        (*V3_KEYS, GATED),
        DINOV3_GATED,
        never=(V2_KEYS,),
    ),
    Source("dinov3-transformers", "DINOv3 weights of transformers", V3_KEYS, DINOV3, never=(V2_KEYS, GATED)),
    Source(
        "dinov2-timm", "DINOv2 weights of timm with registers", ("reg_token$", "pos_embed$", LS), (*REGISTERS, *TIMM_V2)
    ),
    Source(
        "dinov2-g-timm",
        "weights of timm's DINOv2 giant",
        (LS, "pos_embed$", r"blocks\.0\.mlp\.fc1\.weight$"),
        TIMM_V2_GATED,
        never=("reg_token$",),
    ),
    Source(
        "dinov2-g-reg-timm",
        "weights of timm's DINOv2 giant with registers",
        (LS, "pos_embed$", "reg_token$"),
        (*REGISTERS, *TIMM_V2_GATED),
    ),
    Source(
        "dinov3-timm",
        "DINOv3 weights of timm",
        ("reg_token$", r"blocks\.0\.gamma_1$", r"blocks\.0\.mlp\.fc1\.weight$"),
        TIMM_V3,
        note=HALF,
    ),
    Source(
        "dinov3-gated-timm",
        "DINOv3 weights of timm with gated MLPs",
        ("reg_token$", r"blocks\.0\.gamma_1$", r"blocks\.0\.mlp\.fc1_g\.weight$"),
        TIMM_V3_GATED,
        note=HALF,
    ),
)
