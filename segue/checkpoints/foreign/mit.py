"""Mix transformers of SegFormer's authors (github.com/NVlabs/SegFormer): the encoders, and whole SegFormers.

Queries, and keys with values, are two layers there. Its head has linear layers with a bias where mmseg's has
convolutions with batch normalization and ReLU: a normalization that changes nothing but adds the bias stands for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from segue.checkpoints.foreign.layouts import as_convolution, joined_reversed
from segue.checkpoints.foreign.rules import Rule, Source, below

STAGES = 4
EPS = 1e-5  # of batch normalization

STAGE_RULES = (
    rule
    for i in range(STAGES)
    for rule in (
        Rule(rf"patch_embed{i + 1}\.proj\.(.+)", rf"layers.{i}.0.projection.\1"),
        Rule(rf"patch_embed{i + 1}\.(.+)", rf"layers.{i}.0.\1"),
        Rule(rf"block{i + 1}\.(\d+)\.attn\.q\.(.+)", rf"layers.{i}.1.\1.attn.attn.in_proj_\2", None, (0, 2)),
        Rule(rf"block{i + 1}\.(\d+)\.attn\.kv\.(.+)", rf"layers.{i}.1.\1.attn.attn.in_proj_\2", None, (1, 2)),
        Rule(rf"block{i + 1}\.(\d+)\.attn\.proj\.(.+)", rf"layers.{i}.1.\1.attn.attn.out_proj.\2"),
        Rule(rf"block{i + 1}\.(\d+)\.mlp\.fc1\.weight", rf"layers.{i}.1.\1.ffn.layers.0.weight", as_convolution),
        Rule(rf"block{i + 1}\.(\d+)\.mlp\.fc1\.(.+)", rf"layers.{i}.1.\1.ffn.layers.0.\2"),
        Rule(rf"block{i + 1}\.(\d+)\.mlp\.dwconv\.dwconv\.(.+)", rf"layers.{i}.1.\1.ffn.layers.1.\2"),
        Rule(rf"block{i + 1}\.(\d+)\.mlp\.fc2\.weight", rf"layers.{i}.1.\1.ffn.layers.4.weight", as_convolution),
        Rule(rf"block{i + 1}\.(\d+)\.mlp\.fc2\.(.+)", rf"layers.{i}.1.\1.ffn.layers.4.\2"),
        Rule(rf"block{i + 1}\.(.+)", rf"layers.{i}.1.\1"),
        Rule(rf"norm{i + 1}\.(.+)", rf"layers.{i}.2.\1"),
    )
)
ENCODER = (*STAGE_RULES, Rule(r"head\..+", None))

HEAD = (
    *(
        rule
        for i in range(STAGES)
        for rule in (
            Rule(rf"decode_head\.linear_c{i + 1}\.proj\.weight", f"decode_head.convs.{i}.conv.weight", as_convolution),
            Rule(rf"decode_head\.linear_c{i + 1}\.proj\.bias", f"decode_head.convs.{i}.bn.bias"),
        )
    ),
    Rule(r"decode_head\.linear_fuse\.conv\.weight", "decode_head.fusion_conv.conv.weight", joined_reversed),
    Rule(r"decode_head\.linear_fuse\.bn\.(.+)", r"decode_head.fusion_conv.bn.\1"),
    Rule(r"decode_head\.linear_pred\.(.+)", r"decode_head.conv_seg.\1"),
    Rule(r"decode_head\.conv_seg\..+", None),  # the original has one that it does not use
)
NOTE = "the head has no activation before its maps are joined: its config needs act_cfg=None"


def identity_norms(given: Mapping[str, Tensor], result: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The rest of the batch normalizations that add the biases of the head's linear layers."""
    made: dict[str, Tensor] = {}
    for key, bias in result.items():
        if re.fullmatch(r"decode_head\.convs\.\d\.bn\.bias", key):
            norm = key.removesuffix("bias")
            made[norm + "weight"] = torch.ones_like(bias)
            made[norm + "running_mean"] = torch.zeros_like(bias)
            made[norm + "running_var"] = torch.full_like(bias, 1 - EPS)
            made[norm + "num_batches_tracked"] = torch.tensor(0)
    return made


SOURCES = (
    Source(
        "mit",
        "MiT weights of SegFormer's authors",
        (r"patch_embed1\.proj\.weight$", r"block1\.0\.attn\.q\.weight$", r"block1\.0\.mlp\.dwconv\.dwconv\.weight$"),
        ENCODER,
    ),
    Source(
        "segformer",
        "SegFormer weights of its authors",
        (r"backbone\.patch_embed1\.proj\.weight$", r"decode_head\.linear_c1\.proj\.weight$"),
        (*below("backbone.", "backbone.", ENCODER), *HEAD),
        complete=identity_norms,
        note=NOTE,
    ),
)
