"""Swin transformers: the authors' (github.com/microsoft/Swin-Transformer), timm's and torchvision's.

All three concatenate merged patches in another order than unfolding does, see ``layouts.merged_patches``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from segue.checkpoints.foreign.layouts import merged_patches
from segue.checkpoints.foreign.rules import Rule, Source

STAGES = 4

BLOCK = (
    Rule(r"layers\.(\d+)\.blocks\.(\d+)\.attn_mask", None),  # a buffer that follows from the size of the image
    Rule(r"layers\.(\d+)\.blocks\.(\d+)\.attn\.(.+)", r"stages.\1.blocks.\2.attn.w_msa.\3"),
    Rule(r"layers\.(\d+)\.blocks\.(\d+)\.mlp\.fc1\.(.+)", r"stages.\1.blocks.\2.ffn.layers.0.0.\3"),
    Rule(r"layers\.(\d+)\.blocks\.(\d+)\.mlp\.fc2\.(.+)", r"stages.\1.blocks.\2.ffn.layers.1.\3"),
    Rule(r"layers\.(\d+)\.blocks\.(.+)", r"stages.\1.blocks.\2"),
    Rule(r"patch_embed\.proj\.(.+)", r"patch_embed.projection.\1"),
    Rule(r"head\..+", None),
)


def rules(state: Mapping[str, Tensor]) -> Sequence[Rule]:
    """timm since 0.9 counts a merging to the stage that follows it, the authors to the one before."""
    later = not any(re.match(r"layers\.0\.downsample\.", key) for key in state)
    merging = (
        Rule(
            rf"layers\.{i + later}\.downsample\.(reduction|norm)\.(.+)", rf"stages.{i}.downsample.\1.\2", merged_patches
        )
        for i in range(STAGES)
    )
    return (*merging, *BLOCK)


TORCHVISION = (
    Rule(r"features\.0\.0\.(.+)", r"patch_embed.projection.\1"),
    Rule(r"features\.0\.2\.(.+)", r"patch_embed.norm.\1"),
    *(
        rule
        for i in range(STAGES)
        for rule in (
            Rule(rf"features\.{2 * i + 1}\.\d+\.attn\.relative_position_index", None),  # flat there; it can be computed
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.attn\.(.+)", rf"stages.{i}.blocks.\1.attn.w_msa.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.mlp\.0\.(.+)", rf"stages.{i}.blocks.\1.ffn.layers.0.0.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.mlp\.3\.(.+)", rf"stages.{i}.blocks.\1.ffn.layers.1.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.(norm[12]\..+)", rf"stages.{i}.blocks.\1.\2"),
            Rule(rf"features\.{2 * i + 2}\.(.+)", rf"stages.{i}.downsample.\1", merged_patches),
        )
    ),
    Rule(r"head\..+", None),
)

SOURCES = (
    Source(
        "swin",
        "Swin weights of its authors or of timm",
        (r"layers\.0\.blocks\.0\.attn\.relative_position_bias_table$", r"layers\.\d+\.downsample\.reduction\.weight$"),
        rules,
    ),
    Source(
        "torchvision-swin",
        "Swin weights of torchvision",
        (r"features\.1\.0\.attn\.relative_position_bias_table$", r"features\.2\.reduction\.weight$"),
        TORCHVISION,
        never=(r".*\.attn\.logit_scale$",),
    ),
)
