"""Heads that find masks: tiny ones by the reference's keywords, with the losses and matching of the zoo's configs."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import nn

from tests.compat.reference.facts import look, pattern, seed_all
from tests.compat.reference.modules import filled, layers

SHAPES = ((4, 16, 16), (6, 8, 8), (8, 4, 4), (10, 2, 2))
GROUPS = {"norm_cfg": {"type": "GN", "num_groups": 4}, "act_cfg": {"type": "ReLU"}}
SINE = {"num_feats": 16, "normalize": True}


def cross_entropy(scope: str, **more: Any) -> dict[str, Any]:
    """Of classes, "nothing" counting a tenth, or of masks with ``use_sigmoid``."""
    usual = {"use_sigmoid": False, "class_weight": [1.0, 1.0, 1.0, 0.1], "loss_weight": 2.0}
    return {"type": f"{scope}CrossEntropyLoss", "reduction": "mean", **usual, **more}


def dice(scope: str, weight: float, **more: Any) -> dict[str, Any]:
    """Overlap of masks."""
    return {"type": f"{scope}DiceLoss", "use_sigmoid": True, "activate": True, "reduction": "mean", "naive_dice": True,
            "eps": 1.0, "loss_weight": weight, **more}  # fmt: skip


def matching(scope: str, masks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """How masks find their targets."""
    costs = [{"type": f"{scope}ClassificationCost", "weight": 2.0}, {**masks, "type": f"{scope}{masks['type']}"},
             {"type": f"{scope}DiceCost", "weight": 5.0, "pred_act": True, "eps": 1.0}]  # fmt: skip
    return {"assigner": {"type": f"{scope}HungarianAssigner", "match_costs": costs}, **more}


def decoder(count: int) -> dict[str, Any]:
    """A transformer decoder without dropout."""
    attention = {"embed_dims": 32, "num_heads": 4, "attn_drop": 0.0, "proj_drop": 0.0, "dropout_layer": None,
                 "batch_first": True}  # fmt: skip
    ffn = {"embed_dims": 32, "feedforward_channels": 24, "num_fcs": 2, "act_cfg": {"type": "ReLU", "inplace": True},
           "ffn_drop": 0.0, "dropout_layer": None, "add_identity": True}  # fmt: skip
    layer = {"self_attn_cfg": attention, "cross_attn_cfg": dict(attention), "ffn_cfg": ffn}
    return {"return_intermediate": True, "num_layers": count, "layer_cfg": layer, "init_cfg": None}


SAMPLER = {"type": "mmdet.MaskPseudoSampler"}
SHARED: dict[str, Any] = {"in_channels": [4, 6, 8, 10], "feat_channels": 32, "out_channels": 32, "num_classes": 3,
                          "num_queries": 10, "enforce_decoder_input_project": False, "positional_encoding": SINE,
                          "transformer_decoder": decoder(3), "loss_cls": cross_entropy("mmdet."),
                          "loss_dice": dice("mmdet.", 5.0)}  # fmt: skip
MASKFORMER = {
    **SHARED, "in_index": [0, 1, 2, 3], "transformer_decoder": decoder(2),
    "pixel_decoder": {"type": "mmdet.PixelDecoder", **GROUPS},
    "loss_mask": {"type": "mmdet.FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25, "reduction": "mean",
                  "loss_weight": 20.0},
    "train_cfg": matching("mmdet.", {"type": "FocalLossCost", "weight": 20.0, "binary_input": True}, sampler=SAMPLER),
}  # fmt: skip
DEFORMABLE = {"embed_dims": 32, "num_heads": 4, "num_levels": 3, "num_points": 2, "im2col_step": 64, "dropout": 0.0,
              "batch_first": True, "norm_cfg": None, "init_cfg": None}  # fmt: skip
ENCODER = {"num_layers": 2, "layer_cfg": {"self_attn_cfg": DEFORMABLE, "ffn_cfg": {"embed_dims": 32,
           "feedforward_channels": 24, "num_fcs": 2, "ffn_drop": 0.0, "act_cfg": {"type": "ReLU", "inplace": True}}},
           "init_cfg": None}  # fmt: skip
POINTS = {"num_points": 4000, "oversample_ratio": 3.0, "importance_sample_ratio": 0.75}
BINARY = {"type": "CrossEntropyLossCost", "weight": 5.0, "use_sigmoid": True}
MASK2FORMER = {
    **SHARED, "strides": [4, 8, 16, 32], "num_transformer_feat_level": 3,
    "pixel_decoder": {"type": "mmdet.MSDeformAttnPixelDecoder", "num_outs": 3, **GROUPS, "encoder": ENCODER,
                      "positional_encoding": SINE, "init_cfg": None},
    "loss_mask": cross_entropy("mmdet.", use_sigmoid=True, class_weight=None, loss_weight=5.0),
    "train_cfg": matching("mmdet.", BINARY, sampler=SAMPLER, **POINTS),
}  # fmt: skip
LN = {"type": "LN", "eps": 1e-6}
SIDE = {
    "num_classes": 3, "deep_supervision_idxs": [2],
    "san_cfg": {"in_channels": 3, "clip_channels": 8, "embed_dims": 12, "patch_size": 16, "patch_bias": True,
                "num_queries": 6, "cfg_encoder": {"num_encode_layer": 3, "num_heads": 2, "mlp_ratio": 2},
                "fusion_index": [0, 1], "cfg_decoder": {"num_heads": 2, "num_layers": 1, "embed_channels": 8,
                "mlp_channels": 8, "num_mlp": 3, "rescale": True}, "norm_cfg": LN},
    "maskgen_cfg": {"sos_token_format": "cls_token", "sos_token_num": 6, "cross_attn": False, "num_layers": 2,
                    "embed_dims": 8, "num_heads": 2, "mlp_ratio": 2, "qkv_bias": True, "out_dims": 6,
                    "final_norm": True, "act_cfg": {"type": "QuickGELU"}, "norm_cfg": LN, "frozen_exclude": []},
    "train_cfg": matching("", BINARY, **POINTS),
    "loss_decode": [{"type": "CrossEntropyLoss", "loss_name": "loss_cls_ce", "loss_weight": 2.0, "class_weight":
                    [1.0, 1.0, 1.0, 0.1]}, {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_name":
                    "loss_mask_ce", "loss_weight": 5.0}, {"type": "DiceLoss", "ignore_index": None, "naive_dice": True,
                    "eps": 1, "loss_name": "loss_mask_dice", "loss_weight": 5.0}],
}  # fmt: skip
#: class -> whole arguments, shapes of the features
CASES: dict[str, list[tuple[Any, ...]]] = {
    "MaskFormerHead": [(MASKFORMER, SHAPES, "masks"), ({**MASKFORMER, "in_channels": [4, 6, 8, 32], "num_queries": 2},
                       (*SHAPES[:3], (32, 2, 2)), "masks"), ({**MASKFORMER, "enforce_decoder_input_project": True,
                       "in_channels": [4, 6, 8, 32]}, (*SHAPES[:3], (32, 2, 2)), "masks")],
    "Mask2FormerHead": [(MASK2FORMER, SHAPES, "masks"), ({**MASK2FORMER, "num_queries": 2, "transformer_decoder":
                        decoder(4)}, SHAPES, "masks")],
    "SideAdapterCLIPHead": [(SIDE, None, "clip"), ({**SIDE, "deep_supervision_idxs": [1, 2]}, None, "clip")],
}  # fmt: skip


def inputs_of(shapes: Any) -> Any:
    """Feature maps of two images, or the image, CLIP's features and the vectors of classes."""
    if shapes is not None:
        return [pattern(2, *shape, seed=number) for number, shape in enumerate(shapes)]
    clip = [[pattern(2, 8, 2, 2, seed=number), pattern(2, 8, seed=3 + number)] for number in range(2)]
    vectors = nn.functional.normalize(pattern(4, 6, seed=9), dim=-1)
    return [pattern(2, 3, 64, 64, seed=8), clip, vectors]


def seen(made_by: Any, arguments: dict[str, Any], shapes: Any, samples: list[Any]) -> dict[str, Any]:
    """Weights, scores and masks of every layer, losses (whose points come from the seed), and a prediction."""
    seed_all(0)
    config: Any = importlib.import_module("mmengine.config")
    head = filled(made_by(**config.ConfigDict(arguments)))
    found: dict[str, Any] = {"weights": layers(head)["weights"], "names": layers(head)["names"],
                             "num_classes": head.num_classes}  # fmt: skip
    metas = [{"img_shape": (24, 24), "pad_shape": (24, 24), "ori_shape": (24, 24), "batch_input_shape": (24, 24)}] * 2
    for sample, meta in zip(samples, metas, strict=True):
        sample.set_metainfo(meta)
    features = inputs_of(shapes)
    with torch.no_grad():
        given = samples if shapes is not None else arguments["deep_supervision_idxs"]
        found["out"] = look([list(each) for each in head.eval()(features, given)])
        found["predicted"] = look(head.predict(features, metas, {"mode": "whole"}))
    seed_all(0)
    losses = head.train().loss(features, samples, arguments["train_cfg"])
    found["losses"] = {key: look(value.squeeze()) for key, value in losses.items()}
    return found
