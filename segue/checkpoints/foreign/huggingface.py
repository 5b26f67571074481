"""Segmentors of Hugging Face's transformers, as files on its hub name their keys: SegFormer, UPerNet, Mask2Former."""

from __future__ import annotations

from segue.checkpoints.foreign.layouts import as_convolution, joined_reversed, merged_patches
from segue.checkpoints.foreign.mit import NOTE, identity_norms
from segue.checkpoints.foreign.rules import Rule, Source, below

QKV = tuple(enumerate(("query", "key", "value")))

SWIN = (
    Rule(r"embeddings\.patch_embeddings\.projection\.(.+)", r"patch_embed.projection.\1"),
    Rule(r"embeddings\.norm\.(.+)", r"patch_embed.norm.\1"),
    Rule(r"embeddings\.position_embeddings", "absolute_pos_embed"),
    *(
        Rule(
            rf"encoder\.layers\.(\d+\.blocks\.\d+)\.attention\.self\.{name}\.(.+)",
            r"stages.\1.attn.w_msa.qkv.\2",
            None,
            (i, 3),
        )
        for i, name in QKV
    ),
    Rule(r"encoder\.layers\.(\d+\.blocks\.\d+)\.attention\.self\.(rel.+)", r"stages.\1.attn.w_msa.\2"),
    Rule(r"encoder\.layers\.(\d+\.blocks\.\d+)\.attention\.output\.dense\.(.+)", r"stages.\1.attn.w_msa.proj.\2"),
    Rule(r"encoder\.layers\.(\d+\.blocks\.\d+)\.intermediate\.dense\.(.+)", r"stages.\1.ffn.layers.0.0.\2"),
    Rule(r"encoder\.layers\.(\d+\.blocks\.\d+)\.output\.dense\.(.+)", r"stages.\1.ffn.layers.1.\2"),
    Rule(r"encoder\.layers\.(\d+\.blocks\.\d+)\.layernorm_before\.(.+)", r"stages.\1.norm1.\2"),
    Rule(r"encoder\.layers\.(\d+\.blocks\.\d+)\.layernorm_after\.(.+)", r"stages.\1.norm2.\2"),
    Rule(r"encoder\.layers\.(\d+)\.downsample\.(.+)", r"stages.\1.downsample.\2", merged_patches),
    *(Rule(rf"hidden_states_norms\.stage{i + 1}\.(.+)", rf"norm{i}.\1") for i in range(4)),
    Rule(r"(swin\.)?layernorm\..+", None),
)
CONVNEXT = (
    Rule(r"embeddings\.patch_embeddings\.(.+)", r"downsample_layers.0.0.\1"),
    Rule(r"embeddings\.layernorm\.(.+)", r"downsample_layers.0.1.\1"),
    Rule(r"encoder\.stages\.(\d+)\.downsampling_layer\.(.+)", r"downsample_layers.\1.\2"),
    Rule(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.dwconv\.(.+)", r"stages.\1.\2.depthwise_conv.\3"),
    Rule(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.layernorm\.(.+)", r"stages.\1.\2.norm.\3"),
    Rule(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.pwconv([12])\.(.+)", r"stages.\1.\2.pointwise_conv\3.\4"),
    Rule(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.layer_scale_parameter", r"stages.\1.\2.gamma"),
    *(Rule(rf"hidden_states_norms\.stage{i + 1}\.(.+)", rf"norm{i}.\1") for i in range(4)),
)
UPERNET_HEADS = (
    Rule(r"(decode_head|auxiliary_head)\.classifier\.(.+)", r"\1.conv_seg.\2"),
    Rule(r"(decode_head|auxiliary_head)\.(.+)\.batch_norm\.(.+)", r"\1.\2.bn.\3"),
)

BLOCK = r"segformer\.encoder\.block\.(\d+)\.(\d+)\."
SEGFORMER = (
    Rule(r"segformer\.encoder\.patch_embeddings\.(\d+)\.proj\.(.+)", r"backbone.layers.\1.0.projection.\2"),
    Rule(r"segformer\.encoder\.patch_embeddings\.(\d+)\.layer_norm\.(.+)", r"backbone.layers.\1.0.norm.\2"),
    Rule(r"segformer\.encoder\.layer_norm\.(\d+)\.(.+)", r"backbone.layers.\1.2.\2"),
    *(
        Rule(rf"{BLOCK}attention\.self\.{name}\.(.+)", r"backbone.layers.\1.1.\2.attn.attn.in_proj_\3", None, (i, 3))
        for i, name in QKV
    ),
    Rule(BLOCK + r"attention\.self\.sr\.(.+)", r"backbone.layers.\1.1.\2.attn.sr.\3"),
    Rule(BLOCK + r"attention\.self\.layer_norm\.(.+)", r"backbone.layers.\1.1.\2.attn.norm.\3"),
    Rule(BLOCK + r"attention\.output\.dense\.(.+)", r"backbone.layers.\1.1.\2.attn.attn.out_proj.\3"),
    Rule(BLOCK + r"layer_norm_([12])\.(.+)", r"backbone.layers.\1.1.\2.norm\3.\4"),
    Rule(BLOCK + r"mlp\.dense1\.weight", r"backbone.layers.\1.1.\2.ffn.layers.0.weight", as_convolution),
    Rule(BLOCK + r"mlp\.dense1\.bias", r"backbone.layers.\1.1.\2.ffn.layers.0.bias"),
    Rule(BLOCK + r"mlp\.dwconv\.dwconv\.(.+)", r"backbone.layers.\1.1.\2.ffn.layers.1.\3"),
    Rule(BLOCK + r"mlp\.dense2\.weight", r"backbone.layers.\1.1.\2.ffn.layers.4.weight", as_convolution),
    Rule(BLOCK + r"mlp\.dense2\.bias", r"backbone.layers.\1.1.\2.ffn.layers.4.bias"),
    Rule(r"decode_head\.linear_c\.(\d)\.proj\.weight", r"decode_head.convs.\1.conv.weight", as_convolution),
    Rule(r"decode_head\.linear_c\.(\d)\.proj\.bias", r"decode_head.convs.\1.bn.bias"),
    Rule(r"decode_head\.linear_fuse\.weight", "decode_head.fusion_conv.conv.weight", joined_reversed),
    Rule(r"decode_head\.batch_norm\.(.+)", r"decode_head.fusion_conv.bn.\1"),
    Rule(r"decode_head\.classifier\.(.+)", r"decode_head.conv_seg.\1"),
    Rule(r"classifier\..+", None),
)

PIXELS = r"model.pixel_level_module.decoder."
QUERIES = r"model.transformer_module."
MASK2FORMER = (
    *below("model.pixel_level_module.encoder.", "backbone.", SWIN),
    *below(
        PIXELS,
        "decode_head.pixel_decoder.",
        (
            Rule(r"input_projections\.(\d+)\.0\.(.+)", r"input_convs.\1.conv.\2"),
            Rule(r"input_projections\.(\d+)\.1\.(.+)", r"input_convs.\1.gn.\2"),
            Rule(r"encoder\.layers\.(\d+)\.self_attn\.(.+)", r"encoder.layers.\1.self_attn.\2"),
            Rule(r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.(.+)", r"encoder.layers.\1.norms.0.\2"),
            Rule(r"encoder\.layers\.(\d+)\.fc1\.(.+)", r"encoder.layers.\1.ffn.layers.0.0.\2"),
            Rule(r"encoder\.layers\.(\d+)\.fc2\.(.+)", r"encoder.layers.\1.ffn.layers.1.\2"),
            Rule(r"encoder\.layers\.(\d+)\.final_layer_norm\.(.+)", r"encoder.layers.\1.norms.1.\2"),
            Rule("level_embed", "level_encoding.weight"),
            Rule(r"adapter_1\.0\.(.+)", r"lateral_convs.0.conv.\1"),
            Rule(r"adapter_1\.1\.(.+)", r"lateral_convs.0.gn.\1"),
            Rule(r"layer_1\.0\.(.+)", r"output_convs.0.conv.\1"),
            Rule(r"layer_1\.1\.(.+)", r"output_convs.0.gn.\1"),
            Rule(r"mask_projection\.(.+)", r"mask_feature.\1"),
        ),
    ),
    *below(
        QUERIES,
        "decode_head.",
        (
            Rule(r"queries_embedder\.(.+)", r"query_embed.\1"),
            Rule(r"queries_features\.(.+)", r"query_feat.\1"),
            Rule(r"level_embed\.(.+)", r"level_embed.\1"),
            Rule(r"input_projections\.(.+)", r"decoder_input_projs.\1"),
            Rule(r"decoder\.layernorm\.(.+)", r"transformer_decoder.post_norm.\1"),
            *(
                Rule(rf"decoder\.mask_predictor\.mask_embedder\.{i}\.0\.(.+)", rf"mask_embed.{2 * i}.\1")
                for i in range(3)
            ),
        ),
    ),
    *below(
        QUERIES + "decoder.",
        "decode_head.transformer_decoder.",
        (
            *(
                Rule(
                    rf"layers\.(\d+)\.self_attn\.{name}_proj\.(.+)",
                    r"layers.\1.self_attn.attn.in_proj_\2",
                    None,
                    (i, 3),
                )
                for i, name in enumerate("qkv")
            ),
            Rule(r"layers\.(\d+)\.self_attn\.out_proj\.(.+)", r"layers.\1.self_attn.attn.out_proj.\2"),
            Rule(r"layers\.(\d+)\.cross_attn\.(.+)", r"layers.\1.cross_attn.attn.\2"),
            Rule(r"layers\.(\d+)\.cross_attn_layer_norm\.(.+)", r"layers.\1.norms.0.\2"),
            Rule(r"layers\.(\d+)\.self_attn_layer_norm\.(.+)", r"layers.\1.norms.1.\2"),
            Rule(r"layers\.(\d+)\.final_layer_norm\.(.+)", r"layers.\1.norms.2.\2"),
            Rule(r"layers\.(\d+)\.fc1\.(.+)", r"layers.\1.ffn.layers.0.0.\2"),
            Rule(r"layers\.(\d+)\.fc2\.(.+)", r"layers.\1.ffn.layers.1.\2"),
        ),
    ),
    Rule(r"class_predictor\.(.+)", r"decode_head.cls_embed.\1"),
    Rule(r"criterion\..+", None),
)

FPN = PIXELS + "fpn."
MASKFORMER = (
    *below("model.pixel_level_module.encoder.model.", "backbone.", SWIN),
    Rule(r"model\.pixel_level_module\.encoder\.hidden_states_norms\.(\d)\.(.+)", r"backbone.norm\1.\2"),
    *below(
        FPN,
        "decode_head.pixel_decoder.",
        (
            Rule(r"stem\.0\.(.+)", r"last_feat_conv.conv.\1"),
            Rule(r"stem\.1\.(.+)", r"last_feat_conv.gn.\1"),
            *(
                Rule(rf"layers\.{2 - i}\.{old}\.{j}\.(.+)", rf"{new}.{i}.{kind}.\1")
                for i in range(3)
                for old, new in (("proj", "lateral_convs"), ("block", "output_convs"))
                for j, kind in enumerate(("conv", "gn"))
            ),
        ),
    ),
    Rule(r"model\.pixel_level_module\.decoder\.mask_projection\.(.+)", r"decode_head.pixel_decoder.mask_feature.\1"),
    *below(
        QUERIES,
        "decode_head.",
        (
            Rule(r"queries_embedder\.(.+)", r"query_embed.\1"),
            Rule(r"input_projection\.(.+)", r"decoder_input_proj.\1"),
            Rule(r"decoder\.layernorm\.(.+)", r"transformer_decoder.post_norm.\1"),
        ),
    ),
    *below(
        QUERIES + "decoder.",
        "decode_head.transformer_decoder.",
        (
            *(
                Rule(rf"layers\.(\d+)\.{old}\.{name}_proj\.(.+)", rf"layers.\1.{new}.attn.in_proj_\2", None, (i, 3))
                for old, new in (("self_attn", "self_attn"), ("encoder_attn", "cross_attn"))
                for i, name in enumerate("qkv")
            ),
            Rule(r"layers\.(\d+)\.self_attn\.(?:out|o)_proj\.(.+)", r"layers.\1.self_attn.attn.out_proj.\2"),
            Rule(r"layers\.(\d+)\.encoder_attn\.(?:out|o)_proj\.(.+)", r"layers.\1.cross_attn.attn.out_proj.\2"),
            Rule(r"layers\.(\d+)\.self_attn_layer_norm\.(.+)", r"layers.\1.norms.0.\2"),
            Rule(r"layers\.(\d+)\.encoder_attn_layer_norm\.(.+)", r"layers.\1.norms.1.\2"),
            Rule(r"layers\.(\d+)\.final_layer_norm\.(.+)", r"layers.\1.norms.2.\2"),
            Rule(r"layers\.(\d+)\.fc1\.(.+)", r"layers.\1.ffn.layers.0.0.\2"),
            Rule(r"layers\.(\d+)\.fc2\.(.+)", r"layers.\1.ffn.layers.1.\2"),
        ),
    ),
    Rule(r"class_predictor\.(.+)", r"decode_head.cls_embed.\1"),
    *(Rule(rf"mask_embedder\.{i}\.0\.(.+)", rf"decode_head.mask_embed.{2 * i}.\1") for i in range(3)),
    Rule(r"criterion\..+", None),
)

SOURCES = (
    Source(
        "hf-segformer",
        "SegFormer weights of transformers",
        (r"segformer\.encoder\.patch_embeddings\.0\.proj\.weight$",),
        SEGFORMER,
        complete=identity_norms,
        note=NOTE,
    ),
    Source(
        "hf-upernet-swin",
        "UPerNet weights of transformers with a Swin encoder",
        (r"backbone\.hidden_states_norms\.stage1\.weight$", r"backbone\.encoder\.layers\.0\.blocks\.0\.attention\."),
        (*below("backbone.", "backbone.", SWIN), *UPERNET_HEADS),
    ),
    Source(
        "hf-upernet-convnext",
        "UPerNet weights of transformers with a ConvNeXt encoder",
        (r"backbone\.hidden_states_norms\.stage1\.weight$", r"backbone\.encoder\.stages\.0\.layers\.0\.dwconv\."),
        (*below("backbone.", "backbone.", CONVNEXT), *UPERNET_HEADS),
    ),
    Source(
        "hf-mask2former",
        "Mask2Former weights of transformers with a Swin encoder",
        (r"model\.pixel_level_module\.decoder\.adapter_1\.", r"model\.pixel_level_module\.encoder\.encoder\.layers\."),
        MASK2FORMER,
    ),
    Source(
        "hf-maskformer",
        "MaskFormer weights of transformers with a Swin encoder",
        (
            r"model\.pixel_level_module\.decoder\.fpn\.stem\.",
            r"model\.pixel_level_module\.encoder\.model\.encoder\.layers\.",
        ),
        MASKFORMER,
    ),
)
