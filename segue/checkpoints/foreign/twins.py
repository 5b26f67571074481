"""Twins of their authors (github.com/Meituan-AutoML/Twins): PCPVT and SVT."""

from __future__ import annotations

from segue.checkpoints.foreign.rules import Rule, Source

COMMON = (
    Rule(r"patch_embeds\.(\d+)\.proj\.(.+)", r"patch_embeds.\1.projection.\2"),
    Rule(r"blocks\.(\d+\.\d+)\.attn\.q\.(.+)", r"layers.\1.attn.attn.in_proj_\2", None, (0, 2)),
    Rule(r"blocks\.(\d+\.\d+)\.attn\.kv\.(.+)", r"layers.\1.attn.attn.in_proj_\2", None, (1, 2)),
    Rule(r"blocks\.(\d+\.\d+)\.mlp\.fc1\.(.+)", r"layers.\1.ffn.layers.0.0.\2"),
    Rule(r"blocks\.(\d+\.\d+)\.mlp\.fc2\.(.+)", r"layers.\1.ffn.layers.1.\2"),
    Rule(r"pos_block\.(\d+)\.proj\.0\.(.+)", r"position_encodings.\1.proj.\2"),
    Rule(r"head\..+", None),
)
REST = Rule(r"blocks\.(.+)", r"layers.\1")
POSITIONS = r"pos_block\.0\.proj\.0\.weight$"

SOURCES = (
    Source(
        "twins-pcpvt",
        "Twins-PCPVT weights of its authors",
        (POSITIONS, r"blocks\.0\.0\.attn\.q\.weight$"),
        (*COMMON, Rule(r"blocks\.(\d+\.\d+)\.attn\.proj\.(.+)", r"layers.\1.attn.attn.out_proj.\2"), REST),
    ),
    Source(
        "twins-svt",
        "Twins-SVT weights of its authors",
        (POSITIONS, r"blocks\.0\.0\.attn\.qkv\.weight$"),
        # Every second block, the first not among them, attends to a coarser grid.
        (*COMMON, Rule(r"blocks\.(\d+\.\d*[13579])\.attn\.proj\.(.+)", r"layers.\1.attn.attn.out_proj.\2"), REST),
    ),
)
