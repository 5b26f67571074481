"""EoMT as its authors and transformers name it. The authors' files on DINOv3 hold differences to its weights."""

from __future__ import annotations

import torch
from torch import Tensor

from segue.checkpoints.foreign.dino import DINOV2, DINOV3, DINOV3_GATED, REGISTERS, TIMM_V2, with_class
from segue.checkpoints.foreign.rules import Rule, Source, below


def with_class_as_image(x: Tensor) -> Tensor:
    """Position embeddings (N, C) of patches alone to (1, 1 + N, C)."""
    return with_class(torch.unsqueeze(x, 0))


HEAD = (
    Rule(r"query\.weight", "decode_head.q.weight"),
    Rule(r"class_predictor\.(.+)", r"decode_head.class_head.\1"),
    Rule(r"mask_head\.fc1\.(.+)", r"decode_head.mask_head.0.\1"),
    Rule(r"mask_head\.fc2\.(.+)", r"decode_head.mask_head.2.\1"),
    Rule(r"mask_head\.fc3\.(.+)", r"decode_head.mask_head.4.\1"),
    Rule(r"upscale_block\.block\.(\d+)\.layernorm2d\.(.+)", r"decode_head.upscale.\1.norm.\2"),
    Rule(r"upscale_block\.block\.(.+)", r"decode_head.upscale.\1"),
    Rule(r"attn_mask_probs|criterion\.empty_weight", None),  # of training
    Rule(r"embeddings\.position_embeddings\.weight", "backbone.pos_embed", with_class_as_image),
)
BACKBONE = "network.encoder.backbone."
AUTHORS = (
    Rule(r"network\.(q|class_head|mask_head|upscale)\.(.+)", r"decode_head.\1.\2"),
    Rule(r"network\.attn_mask_probs|criterion\.empty_weight|network\.encoder\.pixel_(?:mean|std)", None),
)
#: the authors keep transformers' embeddings under another name
EMBEDDINGS = (
    Rule(r"patch_embed\.(cls_token|register_tokens)", r"\1"),
    Rule(r"patch_embed\.patch_embeddings\.(.+)", r"patch_embed.proj.\1"),
    Rule(r"patch_embed\.mask_token|rope_embed(?:dings)?\..+", None),
)
QUERY = r"query\.weight$"
UPSCALE = r"upscale_block\.block\.0\.conv1\.weight$"
GATE = r"layers\.0\.mlp\.gate_proj\.weight$"
PLACES = r"embeddings\.position_embeddings\.weight$"
OURS = (r"network\.q\.weight$", r"network\.upscale\.0\.conv1\.weight$")
OURS_GATE = r"network\.encoder\.backbone\.blocks\.0\.mlp\.gate_proj\.weight$"
OURS_PLACES = r"network\.encoder\.backbone\.pos_embed$"
DELTA = (
    "the authors' files on DINOv3 hold differences to the backbone's weights, which are gated: give those with --base, "
    "or the model will not work"
)


def called_blocks(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """transformers' rules of blocks, for files that call them ``blocks``."""
    return tuple(Rule(r.pattern.replace("layers?", "blocks"), r.to, r.layout, r.part) for r in rules)


SOURCES = (
    Source(
        "hf-eomt-dinov2",
        "EoMT weights of transformers",
        (QUERY, UPSCALE, PLACES),
        (*HEAD, *below("", "backbone.", DINOV2)),
    ),
    Source(
        "hf-eomt-dinov3-gated",
        "EoMT weights of transformers on DINOv3 with gated MLPs",
        (QUERY, UPSCALE, GATE),
        (*HEAD, *below("", "backbone.", DINOV3_GATED)),
        never=(PLACES,),
    ),
    Source(
        "hf-eomt-dinov3",
        "EoMT weights of transformers on DINOv3",
        (QUERY, UPSCALE),
        (*HEAD, *below("", "backbone.", DINOV3)),
        never=(PLACES, GATE),
    ),
    Source(
        "eomt-dinov2",
        "EoMT weights of its authors",
        (*OURS, OURS_PLACES),
        (*AUTHORS, *below(BACKBONE, "backbone.", (*REGISTERS, *TIMM_V2, Rule(r"(.+)", r"\1")))),
    ),
    Source(
        "eomt-dinov3-gated",
        "EoMT weights of its authors on DINOv3 with gated MLPs",
        (*OURS, OURS_GATE),
        (*AUTHORS, *below(BACKBONE, "backbone.", (*EMBEDDINGS, *called_blocks(DINOV3_GATED)))),
        never=(OURS_PLACES,),
        note=DELTA,
    ),
    Source(
        "eomt-dinov3",
        "EoMT weights of its authors on DINOv3",
        OURS,
        (*AUTHORS, *below(BACKBONE, "backbone.", (*EMBEDDINGS, *called_blocks(DINOV3)))),
        never=(OURS_PLACES, OURS_GATE),
        note=DELTA,
    ),
)
