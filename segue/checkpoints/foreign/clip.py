"""CLIP (github.com/openai/CLIP) and SAN (github.com/MendelXu/SAN), which is built on it.

For SAN the first three quarters of CLIP's image encoder stay one, and the last quarter belongs to the head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from segue.checkpoints.foreign.layouts import as_token, transposed, with_batch
from segue.checkpoints.foreign.rules import Rule, Source, below

#: a block under the names of ``TransformerEncoderLayer``, and under those of ``CLIPLayer``
ATTN_MASK = Rule("attn_mask", None)  # a constant that files of torch.jit.save hold
ENCODER_LAYER = (
    ATTN_MASK,
    Rule(r"ln_([12])\.(.+)", r"ln\1.\2"),
    Rule(r"attn\.(.+)", r"attn.attn.\1"),
    Rule(r"mlp\.c_fc\.(.+)", r"ffn.layers.0.0.\1"),
    Rule(r"mlp\.c_proj\.(.+)", r"ffn.layers.1.\1"),
)
CLIP_LAYER = (
    ATTN_MASK,
    Rule(r"ln_1\.(.+)", r"norms.0.\1"),
    Rule(r"ln_2\.(.+)", r"norms.1.\1"),
    Rule(r"attn\.(.+)", r"attentions.0.attn.\1"),
    Rule(r"mlp\.c_fc\.(.+)", r"ffns.0.layers.0.0.\1"),
    Rule(r"mlp\.c_proj\.(.+)", r"ffns.0.layers.1.\1"),
)
STEM = (
    Rule("class_embedding", "cls_token", as_token),
    Rule("positional_embedding", "pos_embed", with_batch),
    Rule(r"conv1\.(.+)", r"patch_embed.projection.\1"),
    Rule(r"ln_pre\.(.+)", r"ln_pre.\1"),
)
TEXT = tuple(
    Rule(f"({name})", r"text_encoder.\1")
    for name in (
        "positional_embedding",
        "text_projection",
        "bg_embed",
        "logit_scale",
        r"token_embedding\..+",
        r"ln_final\..+",
    )
)


def numbered(old: str, new: str, layers: Sequence[int], rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of a block, for blocks with these numbers, which count from 0 in the result."""
    return tuple(r for i, layer in enumerate(layers) for r in below(f"{old}{layer}.", f"{new}{i}.", rules))


def depth(state: Mapping[str, Tensor], blocks: str) -> int:
    """How many blocks there are."""
    return 1 + max(int(match[1]) for key in state if (match := re.match(rf"{blocks}(\d+)\.", key)))


def clip_rules(state: Mapping[str, Tensor]) -> Sequence[Rule]:
    """For SAN: the image encoder, the last quarter of it, the text encoder."""
    count = depth(state, r"visual\.transformer\.resblocks\.")
    split = count - count // 4
    image, text = "visual.transformer.resblocks.", "transformer.resblocks."
    return (
        *below("visual.", "image_encoder.", STEM),
        *numbered(image, "image_encoder.layers.", range(split), ENCODER_LAYER),
        *numbered(image, "decode_head.rec_with_attnbias.layers.", range(split, count), CLIP_LAYER),
        Rule(r"visual\.ln_post\.(.+)", r"decode_head.rec_with_attnbias.ln_post.\1"),
        Rule(r"visual\.proj", "decode_head.rec_with_attnbias.proj.weight", transposed),
        *numbered(text, "text_encoder.transformer.", range(depth(state, r"transformer\.resblocks\.")), CLIP_LAYER),
        *TEXT,
        Rule(r"input_resolution|context_length|vocab_size", None),
    )


def vit_rules(state: Mapping[str, Tensor]) -> Sequence[Rule]:
    """For a plain ViT: the image encoder."""
    count = depth(state, r"visual\.transformer\.resblocks\.")
    return (
        *below("visual.", "", STEM),
        *numbered("visual.transformer.resblocks.", "layers.", range(count), ENCODER_LAYER),
        Rule(r"visual\.ln_post\.(.+)", r"ln1.\1"),
        Rule(r".+", None),
    )


def san_rules(state: Mapping[str, Tensor]) -> Sequence[Rule]:
    """The adapter, and CLIP as its authors cut it."""
    image, last = "clip_visual_extractor.resblocks.", "clip_rec_head.resblocks."
    text = "ov_classifier.transformer.resblocks."
    adapter, head = "side_adapter_network.", "decode_head.side_adapter_network."
    return (
        *below("clip_visual_extractor.", "image_encoder.", STEM),
        *numbered(image, "image_encoder.layers.", range(depth(state, re.escape(image))), ENCODER_LAYER),
        *numbered(last, "decode_head.rec_with_attnbias.layers.", range(depth(state, re.escape(last))), CLIP_LAYER),
        Rule(r"clip_rec_head\.proj", "decode_head.rec_with_attnbias.proj.weight", transposed),
        Rule(r"clip_rec_head\.(ln_post\..+)", r"decode_head.rec_with_attnbias.\1"),
        *numbered(text, "text_encoder.transformer.", range(depth(state, re.escape(text))), CLIP_LAYER),
        *below("ov_classifier.", "", TEXT),
        *below(
            adapter,
            head,
            (
                Rule(r"vit_model\.blocks\.(\d+)\.norm([12])\.(.+)", r"encode_layers.\1.ln\2.\3"),
                Rule(r"vit_model\.blocks\.(\d+)\.attn\.qkv\.(.+)", r"encode_layers.\1.attn.attn.in_proj_\2"),
                Rule(r"vit_model\.blocks\.(\d+)\.attn\.proj\.(.+)", r"encode_layers.\1.attn.attn.out_proj.\2"),
                Rule(r"vit_model\.blocks\.(\d+)\.mlp\.fc1\.(.+)", r"encode_layers.\1.ffn.layers.0.0.\2"),
                Rule(r"vit_model\.blocks\.(\d+)\.mlp\.fc2\.(.+)", r"encode_layers.\1.ffn.layers.1.\2"),
                Rule(r"vit_model\.patch_embed\.proj\.(.+)", r"patch_embed.projection.\1"),
                Rule(r"vit_model\.pos_embed", "pos_embed"),
                Rule(r"fusion_layers\.layer_(\d+)\.input_proj\.0\.(.+)", r"conv_clips.\1.0.\2"),
                Rule(r"fusion_layers\.layer_(\d+)\.input_proj\.1\.(.+)", r"conv_clips.\1.1.conv.\2"),
                Rule(r"(query_embed|query_pos_embed|mask_decoder\..+)", r"\1"),
            ),
        ),
        Rule(r"criterion\..+", None),
    )


MARKS = (r"visual\.class_embedding$", r"visual\.transformer\.resblocks\.0\.attn\.in_proj_weight$")

SOURCES = (
    Source("clip", "CLIP weights of OpenAI, for SAN", (*MARKS, r"transformer\.resblocks\.0\."), clip_rules),
    Source("clip-vit", "CLIP weights of OpenAI, for a ViT", MARKS, vit_rules),
    Source(
        "san",
        "SAN weights of its authors",
        (
            r"clip_visual_extractor\.resblocks\.0\.",
            r"clip_rec_head\.resblocks\.0\.",
            r"ov_classifier\.transformer\.resblocks\.0\.",
            r"side_adapter_network\.vit_model\.blocks\.0\.",
        ),
        san_rules,
    ),
)
