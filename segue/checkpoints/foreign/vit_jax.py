"""Vision transformers of github.com/google-research/vision_transformer: ``.npz`` files of JAX.

JAX multiplies from the right, so matrices are transposed, and keeps heads as an axis of their own.
"""

from __future__ import annotations

from torch import Tensor

from segue.checkpoints.foreign.layouts import transposed
from segue.checkpoints.foreign.rules import Rule, Source

BLOCK = r"Transformer/encoderblock_(\d+)/"
ATTENTION = BLOCK + "MultiHeadDotProductAttention_1/"


def convolution(x: Tensor) -> Tensor:
    """(height, width, in, out) to (out, in, height, width)."""
    return x.permute(3, 2, 0, 1)


def to_heads(x: Tensor) -> Tensor:
    """(in, heads, width of a head) to (out, in)."""
    return x.flatten(1).t()


def from_heads(x: Tensor) -> Tensor:
    """(heads, width of a head, out) to (out, in)."""
    return x.flatten(0, 1).t()


def of_heads(x: Tensor) -> Tensor:
    """(heads, width of a head) to (out,)."""
    return x.flatten()


RULES = (
    Rule("cls", "cls_token"),
    Rule("embedding/kernel", "patch_embed.projection.weight", convolution),
    Rule("embedding/bias", "patch_embed.projection.bias"),
    Rule("Transformer/posembed_input/pos_embedding", "pos_embed"),
    Rule("Transformer/encoder_norm/scale", "ln1.weight"),
    Rule("Transformer/encoder_norm/bias", "ln1.bias"),
    Rule(BLOCK + "LayerNorm_0/scale", r"layers.\1.ln1.weight"),
    Rule(BLOCK + "LayerNorm_0/bias", r"layers.\1.ln1.bias"),
    Rule(BLOCK + "LayerNorm_2/scale", r"layers.\1.ln2.weight"),
    Rule(BLOCK + "LayerNorm_2/bias", r"layers.\1.ln2.bias"),
    *(
        rule
        for i, name in enumerate(("query", "key", "value"))
        for rule in (
            Rule(f"{ATTENTION}{name}/kernel", r"layers.\1.attn.attn.in_proj_weight", to_heads, (i, 3)),
            Rule(f"{ATTENTION}{name}/bias", r"layers.\1.attn.attn.in_proj_bias", of_heads, (i, 3)),
        )
    ),
    Rule(ATTENTION + "out/kernel", r"layers.\1.attn.attn.out_proj.weight", from_heads),
    Rule(ATTENTION + "out/bias", r"layers.\1.attn.attn.out_proj.bias"),
    Rule(BLOCK + "MlpBlock_3/Dense_0/kernel", r"layers.\1.ffn.layers.0.0.weight", transposed),
    Rule(BLOCK + "MlpBlock_3/Dense_0/bias", r"layers.\1.ffn.layers.0.0.bias"),
    Rule(BLOCK + "MlpBlock_3/Dense_1/kernel", r"layers.\1.ffn.layers.1.weight", transposed),
    Rule(BLOCK + "MlpBlock_3/Dense_1/bias", r"layers.\1.ffn.layers.1.bias"),
    Rule(r"(pre_logits|head)/.+", None),
)

SOURCES = (
    Source(
        "vitjax",
        "ViT weights of JAX",
        ("embedding/kernel$", "Transformer/encoderblock_0/LayerNorm_0/scale$"),
        RULES,
    ),
)
