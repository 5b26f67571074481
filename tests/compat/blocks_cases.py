"""Blocks to build and run under the reference and under Segue: module, name, keyword arguments, inputs.

    python -P tests/compat/blocks_cases.py tests/compat/data/blocks.json

writes what the reference gives, under a Python that has mmseg 1.2.2 and mmcv(-lite) 2.1.0. Weights are filled by
their order and shape, so that both sides have the same.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import sys
import types
from pathlib import Path
from typing import Any

import torch

BN, RELU, LN = {"type": "BN"}, {"type": "ReLU"}, {"type": "LN"}
LAYERS: dict[str, Any] = {"conv_cfg": None, "norm_cfg": BN, "act_cfg": RELU}
MAP = (2, 8, 12, 10)
IMAGE = (2, 3, 32, 32)
TOKENS = (2, 120, 8)
UTILS, BACKBONES, HEADS = "mmseg.models.utils", "mmseg.models.backbones", "mmseg.models.decode_heads"
BRICKS = "mmcv.cnn.bricks.transformer"
ATTENTION = {"key_in_channels": 8, "query_in_channels": 8, "channels": 4, "out_channels": 6, "share_key_query": True,
             "query_downsample": None, "key_downsample": torch.nn.MaxPool2d(2), "key_query_num_convs": 2,
             "value_out_num_convs": 1, "key_query_norm": True, "value_out_norm": False, "matmul_norm": True,
             "with_out": True, **LAYERS}  # fmt: skip
LAYER = {"type": "BaseTransformerLayer", "batch_first": True,
         "attn_cfgs": {"type": "MultiheadAttention", "embed_dims": 8, "num_heads": 2},
         "ffn_cfgs": {"type": "FFN", "embed_dims": 8, "feedforward_channels": 16},
         "operation_order": ("self_attn", "norm", "cross_attn", "norm", "ffn", "norm")}  # fmt: skip
#: name of a case -> module, name, keyword arguments, inputs (a shape is a tensor of it)
CASES: dict[str, tuple[str, str, dict[str, Any], list[Any]]] = {
    "embed": (UTILS, "PatchEmbed", {"in_channels": 8, "embed_dims": 6, "kernel_size": 4, "norm_cfg": LN}, [MAP]),
    "embed same": (UTILS, "PatchEmbed", {"in_channels": 8, "embed_dims": 6, "kernel_size": 7, "stride": 4,
                                         "padding": "same", "input_size": 13}, [MAP]),
    "embed number": (UTILS, "PatchEmbed", {"in_channels": 8, "embed_dims": 6, "kernel_size": 7, "stride": 4,
                                           "padding": 3, "bias": False}, [MAP]),
    "merge": (f"{UTILS}.embed", "PatchMerging", {"in_channels": 8, "out_channels": 6}, [(2, 99, 8), (11, 9)]),
    "merge wide": (f"{UTILS}.embed", "PatchMerging", {"in_channels": 8, "out_channels": 6, "kernel_size": 3,
                                                      "stride": 2, "padding": 1}, [TOKENS, (12, 10)]),
    "pad": (f"{UTILS}.embed", "AdaptivePadding", {"kernel_size": 5, "stride": 4, "dilation": 2}, [(1, 1, 7, 9)]),
    "pad same": (f"{UTILS}.embed", "AdaptivePadding", {"kernel_size": 3, "stride": 2, "padding": "same"},
                 [(1, 1, 7, 9)]),
    "basic": (f"{BACKBONES}.resnet", "BasicBlock", {"inplanes": 8, "planes": 8, "dilation": 2}, [MAP]),
    "bottleneck": (f"{BACKBONES}.resnet", "Bottleneck",
                   {"inplanes": 8, "planes": 2, "style": "caffe",
                    "plugins": [{"cfg": {"type": "ContextBlock", "ratio": 0.5, "postfix": 1},
                                 "position": "after_conv3"}]}, [MAP]),
    "pair": (f"{UTILS}.basic_block", "BasicBlock", {"in_channels": 8, "channels": 8, "act_cfg_out": None}, [MAP]),
    "pair bottleneck": (f"{UTILS}.basic_block", "Bottleneck",
                        {"in_channels": 8, "channels": 4, "act_cfg_out": RELU}, [MAP]),
    "dappm": (UTILS, "DAPPM", {"in_channels": 8, "branch_channels": 4, "out_channels": 6, "num_scales": 5},
              [(2, 8, 32, 32)]),
    "pappm": (UTILS, "PAPPM", {"in_channels": 8, "branch_channels": 4, "out_channels": 6, "num_scales": 5},
              [(2, 8, 32, 32)]),
    "inverted": (UTILS, "InvertedResidual", {"in_channels": 8, "out_channels": 8, "stride": 1, "expand_ratio": 3,
                                             "dilation": 2}, [MAP]),
    "inverted 3": (UTILS, "InvertedResidualV3", {"in_channels": 8, "out_channels": 6, "mid_channels": 16, "stride": 2,
                                                 "kernel_size": 5, "se_cfg": {"channels": 16, "ratio": 4}}, [MAP]),
    "squeeze": (UTILS, "SELayer", {"channels": 8, "ratio": 2}, [MAP]),
    "encoding": (UTILS, "Encoding", {"channels": 8, "num_codes": 5}, [MAP]),
    "attention": (UTILS, "SelfAttentionBlock", ATTENTION, [MAP, (2, 8, 6, 6)]),
    "upsample": (UTILS, "Upsample", {"scale_factor": 1.5, "mode": "bilinear", "align_corners": False}, [MAP]),
    "perceptron": (f"{UTILS}.san_layers", "MLP", {"input_dim": 8, "hidden_dim": 5, "output_dim": 3, "num_layers": 3},
                   [TOKENS]),
    "norm map": (f"{UTILS}.san_layers", "LayerNorm2d", {"normalized_shape": 8}, [MAP]),
    "vit": (f"{BACKBONES}.vit", "TransformerEncoderLayer",
            {"embed_dims": 8, "num_heads": 2, "feedforward_channels": 16}, [TOKENS]),
    "mix": (f"{BACKBONES}.mit", "TransformerEncoderLayer",
            {"embed_dims": 8, "num_heads": 2, "feedforward_channels": 16, "sr_ratio": 2}, [TOKENS, (12, 10)]),
    "mix ffn": (f"{BACKBONES}.mit", "MixFFN", {"embed_dims": 8, "feedforward_channels": 16}, [TOKENS, (12, 10)]),
    "window": (f"{BACKBONES}.swin", "WindowMSA", {"embed_dims": 8, "num_heads": 2, "window_size": (3, 4)},
               [(4, 12, 8)]),
    "swin": (f"{BACKBONES}.swin", "SwinBlockSequence",
             {"embed_dims": 8, "num_heads": 2, "feedforward_channels": 16, "depth": 2, "window_size": 5},
             [TOKENS, (12, 10)]),
    "aspp": (f"{HEADS}.aspp_head", "ASPPModule", {"dilations": (1, 3), "in_channels": 8, "channels": 4, **LAYERS},
             [MAP]),
    "separable aspp": (f"{HEADS}.sep_aspp_head", "DepthwiseSeparableASPPModule",
                       {"dilations": (1, 3), "in_channels": 8, "channels": 4, **LAYERS}, [MAP]),
    "interlaced": (f"{HEADS}.isa_head", "SelfAttentionBlock", {"in_channels": 8, "channels": 4, **LAYERS}, [MAP]),
    "ppm": (f"{HEADS}.psp_head", "PPM", {"pool_scales": (1, 3), "in_channels": 8, "channels": 4,
                                         "align_corners": False, **LAYERS}, [MAP]),
    "multihead": (BRICKS, "MultiheadAttention", {"embed_dims": 8, "num_heads": 2}, [(5, 2, 8)]),
    "layers": (BRICKS, "TransformerLayerSequence", {"transformerlayers": LAYER, "num_layers": 2},
               [(2, 5, 8), (2, 7, 8), (2, 7, 8)]),
    "layer before": (BRICKS, "BaseTransformerLayer",
                     {"attn_cfgs": {"type": "MultiheadAttention", "embed_dims": 8, "num_heads": 2},
                      "ffn_cfgs": {"type": "FFN", "embed_dims": 8, "feedforward_channels": 16},
                      "operation_order": ("norm", "self_attn", "norm", "ffn")}, [(5, 2, 8)]),
    "ffn": (BRICKS, "FFN", {"embed_dims": 8, "feedforward_channels": 16, "num_fcs": 3}, [TOKENS]),
    "non-local": ("mmcv.cnn", "NonLocal2d", {"in_channels": 8, "sub_sample": True, "norm_cfg": BN}, [MAP]),
    "non-local gaussian": ("mmcv.cnn", "NonLocal2d", {"in_channels": 8, "mode": "gaussian", "reduction": 1}, [MAP]),
    "non-local product": ("mmcv.cnn", "NonLocal1d", {"in_channels": 8, "mode": "dot_product"}, [(2, 8, 7)]),
    "non-local pairs": ("mmcv.cnn", "NonLocal3d", {"in_channels": 8, "mode": "concatenation"}, [(1, 8, 2, 3, 4)]),
    "context": ("mmcv.cnn", "ContextBlock", {"in_channels": 8, "ratio": 0.5,
                                             "fusion_types": ("channel_add", "channel_mul")}, [MAP]),
    "context mean": ("mmcv.cnn", "ContextBlock", {"in_channels": 8, "ratio": 0.5, "pooling_type": "avg"}, [MAP]),
    "standardized": ("mmcv.cnn", "ConvWS2d", {"in_channels": 8, "out_channels": 4, "kernel_size": 3}, [MAP]),
    "adaptive": ("mmcv.cnn.bricks", "Conv2dAdaptivePadding", {"in_channels": 8, "out_channels": 4, "kernel_size": 4,
                                                              "stride": 3, "dilation": 2}, [MAP]),
    "layer scale": ("mmcv.cnn.bricks", "LayerScale", {"dim": 8, "data_format": "channels_first"}, [MAP]),
    "deformable": ("mmcv.ops.multi_scale_deform_attn", "MultiScaleDeformableAttention",
                   {"embed_dims": 8, "num_heads": 2, "num_levels": 2, "num_points": 3, "batch_first": True},
                   ["deformable"]),
    "spatial path": (f"{BACKBONES}.bisenetv1", "SpatialPath", {"num_channels": (4, 4, 4, 8)}, [IMAGE]),
    "refinement": (f"{BACKBONES}.bisenetv1", "AttentionRefinementModule", {"in_channels": 8, "out_channel": 6}, [MAP]),
    "fusion": (f"{BACKBONES}.bisenetv1", "FeatureFusionModule", {"in_channels": 16, "out_channels": 6}, [MAP, MAP]),
    "detail branch": (f"{BACKBONES}.bisenetv2", "DetailBranch", {"detail_channels": (4, 4, 8)}, [IMAGE]),
    "stem block": (f"{BACKBONES}.bisenetv2", "StemBlock", {"out_channels": 4}, [IMAGE]),
    "gather": (f"{BACKBONES}.bisenetv2", "GELayer", {"in_channels": 8, "out_channels": 8, "exp_ratio": 2}, [MAP]),
    "gather strided": (f"{BACKBONES}.bisenetv2", "GELayer", {"in_channels": 8, "out_channels": 6, "stride": 2}, [MAP]),
    "embedding": (f"{BACKBONES}.bisenetv2", "CEBlock", {"in_channels": 8, "out_channels": 8}, [MAP]),
    "semantic branch": (f"{BACKBONES}.bisenetv2", "SemanticBranch", {"semantic_channels": (4, 4, 8, 8), "exp_ratio":
                        2}, [(2, 3, 64, 64)]),
    "guided": (f"{BACKBONES}.bisenetv2", "BGALayer", {"out_channels": 8}, [(2, 8, 16, 16), (2, 8, 4, 4)]),
    "context guided": (f"{BACKBONES}.cgnet", "ContextGuidedBlock", {"in_channels": 8, "out_channels": 8, "reduction":
                       2}, [MAP]),
    "context strided": (f"{BACKBONES}.cgnet", "ContextGuidedBlock", {"in_channels": 8, "out_channels": 12,
                        "downsample": True, "reduction": 2}, [MAP]),
    "extractor": (f"{BACKBONES}.cgnet", "GlobalContextExtractor", {"channel": 8, "reduction": 2}, [MAP]),
    "injection": (f"{BACKBONES}.cgnet", "InputInjection", {"num_downsampling": 2}, [MAP]),
    "downsampler": (f"{BACKBONES}.erfnet", "DownsamplerBlock", {"in_channels": 8, "out_channels": 12}, [MAP]),
    "upsampler": (f"{BACKBONES}.erfnet", "UpsamplerBlock", {"in_channels": 8, "out_channels": 4}, [MAP]),
    "non-bottleneck": (f"{BACKBONES}.erfnet", "NonBottleneck1d", {"channels": 8, "dilation": 2}, [MAP]),
    "learning": (f"{BACKBONES}.fast_scnn", "LearningToDownsample", {"in_channels": 8, "dw_channels": (4, 6),
                 "out_channels": 8}, [(2, 8, 32, 32)]),
    "strips": (f"{BACKBONES}.mscan", "MSCAAttention", {"channels": 8}, [MAP]),
    "spatial attention": (f"{BACKBONES}.mscan", "MSCASpatialAttention", {"in_channels": 8}, [MAP]),
    "stem": (f"{BACKBONES}.mscan", "StemConv", {"in_channels": 8, "out_channels": 4, "norm_cfg": BN}, [MAP]),
    "deconvolution": (f"{BACKBONES}.unet", "DeconvModule", {"in_channels": 8, "out_channels": 4}, [MAP]),
}  # fmt: skip


def pattern(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Numbers between -1 and 1 that look random, the same everywhere."""
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898 + seed * 0.7).float().view(shape)


def run(case: str) -> dict[str, Any]:
    """The keys of a block's state, and the sizes, sums and first numbers of what it gives."""
    module, name, arguments, inputs = CASES[case]
    block = getattr(importlib.import_module(module), name)(**arguments).eval()
    state = block.state_dict()
    for number, (key, value) in enumerate(state.items()):
        if value.is_floating_point():
            filled = 0.3 * pattern(tuple(value.shape), number)
            state[key] = filled.abs() + 0.5 if key.endswith("running_var") else filled
    block.load_state_dict(state)
    given: list[Any] = []
    for number, item in enumerate(inputs):
        is_shape = isinstance(item, tuple) and len(item) > 2
        given.append(pattern(item, number) if is_shape else item)
    with torch.no_grad():
        out = deformable(block) if inputs == ["deformable"] else block(*given)
    flat = out if isinstance(out, (list, tuple)) else [out]
    return {
        "keys": {key: list(value.shape) for key, value in state.items()},
        "out": [
            {"shape": list(x.shape), "sum": x.double().sum().item(), "first": x.flatten()[:6].tolist()}
            if isinstance(x, torch.Tensor)
            else [int(n) for n in (x if isinstance(x, (list, tuple)) else [x])]
            for x in flat
        ],
    }


def deformable(block: Any) -> torch.Tensor:
    """Deformable attention of 5 queries to maps of 3 x 4 and 2 x 2."""
    query, value = pattern((2, 5, 8), 1), pattern((2, 16, 8), 2)
    shapes = torch.tensor([[3, 4], [2, 2]])
    return block(query, value=value, query_pos=pattern((2, 5, 8), 3),
                 reference_points=pattern((2, 5, 2, 2), 4).abs(), spatial_shapes=shapes,
                 level_start_index=torch.tensor([0, 12]))  # fmt: skip


class _Compiled(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


if __name__ == "__main__":
    stub = _Compiled("mmcv._ext")
    stub.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
    sys.modules["mmcv._ext"] = stub
    found = {case: run(case) for case in CASES}
    Path(sys.argv[1]).write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
