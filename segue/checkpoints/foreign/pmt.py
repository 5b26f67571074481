"""PMT as its authors name it. Their files hold the decoder alone: the encoder is DINOv3 as it is."""

from __future__ import annotations

from segue.checkpoints.foreign.dino import DINOV3
from segue.checkpoints.foreign.eomt import BACKBONE, EMBEDDINGS, called_blocks
from segue.checkpoints.foreign.rules import Rule, Source, below

FUSED = Rule(r"blocks\.(\d+)\.attention\.qkv_proj\.(.+)", r"blocks.\1.attn.qkv.\2")  # as the authors compile it
DECODER = (
    Rule(r"attn_mask_probs", None),  # of training
    Rule(r"((?:lateral_projections|scalers|q|decoder_norm|upscale|mask_head|class_head)\..+)", r"\1"),
    FUSED,
    *called_blocks(DINOV3),
)
ALONE = "the authors' files hold the decoder alone: give DINOv3's weights, which are gated, with --base"

SOURCES = (
    Source(
        "pmt",
        "PMT weights of its authors",
        (r"network\.decoder\.q\.weight$", r"network\.decoder\.lateral_projections\.0\.0\.weight$"),
        (
            *below("network.decoder.", "decode_head.", DECODER),
            *below("network.bn.", "decode_head.bn.", (Rule(r"(.+)", r"\1"),)),
            Rule(r"criterion\.empty_weight|network\.encoder\.pixel_(?:mean|std)|network\.rope\..+", None),
            *below(BACKBONE, "backbone.", (FUSED, *EMBEDDINGS, *called_blocks(DINOV3))),
        ),
        note=ALONE,
    ),
)
