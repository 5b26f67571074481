"""Every decode head of mmseg: arguments, features, logits, losses; what is refused."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor

from tests.compat.reference import mask_heads
from tests.compat.reference.facts import look, named, pattern, seed_all, tried
from tests.compat.reference.modules import described, filled

BN, CE = {"type": "BN"}, {"type": "CrossEntropyLoss", "loss_weight": 1.0}
USUAL: dict[str, Any] = {"in_channels": 8, "channels": 4, "num_classes": 3, "norm_cfg": BN, "dropout_ratio": 0}
ONE: tuple[Any, ...] = ((8, 6, 6),)
TWO: tuple[Any, ...] = ((4, 12, 12), (8, 6, 6))
FOUR: tuple[Any, ...] = ((2, 24, 24), (4, 12, 12), (6, 6, 6), (8, 3, 3))
SEVERAL = {"in_channels": [4, 8], "in_index": [0, 1]}
SELECT = {**SEVERAL, "input_transform": "multiple_select"}
ALL = {"in_channels": [2, 4, 6, 8], "in_index": [0, 1, 2, 3]}
SIGMOID = {"num_classes": 2, "out_channels": 1, "threshold": 0.4,
           "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": True}}  # fmt: skip
SCALES = {"pool_scales": (1, 2)}
STDC = [{"type": "CrossEntropyLoss", "loss_name": "loss_ce", "use_sigmoid": True}, {"type": "DiceLoss",
        "loss_name": "loss_dice"}]  # fmt: skip
KERNELS = {"type": "KernelUpdateHead", "num_classes": 3, "num_ffn_fcs": 2, "num_heads": 2, "num_mask_fcs": 1,
           "feedforward_channels": 16, "in_channels": 8, "out_channels": 8, "dropout": 0.0, "conv_kernel_size": 1,
           "ffn_act_cfg": {"type": "ReLU", "inplace": True}, "with_ffn": True, "feat_transform_cfg": {"conv_cfg":
           {"type": "Conv2d"}, "act_cfg": None}, "kernel_updator_cfg": {"type": "KernelUpdator", "in_channels": 8,
           "feat_channels": 8, "out_channels": 8, "act_cfg": {"type": "ReLU", "inplace": True}, "norm_cfg":
           {"type": "LN"}}}  # fmt: skip
GENERATE = {"type": "FCNHead", "in_channels": 8, "channels": 8, "num_classes": 3, "num_convs": 1, "concat_input": False,
            "norm_cfg": BN, "dropout_ratio": 0, "in_index": 0}  # fmt: skip
DPT = {"in_channels": [8, 8, 8, 8], "in_index": [0, 1, 2, 3], "input_transform": "multiple_select", "embed_dims": 8,
       "post_process_channels": [2, 4, 6, 8]}  # fmt: skip
DEPTH = {"in_channels": [16, 16, 16, 16], "embed_dim": 4, "feature_dim": 32, "num_deconv_layers": 1,
         "num_deconv_filters": (4,)}  # fmt: skip
MAPS = ((16, 16, 16), (16, 8, 8), (16, 4, 4), (16, 2, 2))
#: class -> why it has no cases
LEFT: dict[str, str] = {}
#: class -> arguments beside USUAL, shapes of the features
CASES: dict[str, list[tuple[Any, ...]]] = {
    "FCNHead": [({}, ONE), ({"num_convs": 0, "channels": 8, "concat_input": False}, ONE), ({"num_convs": 1,
                "kernel_size": 1},
                ONE), ({"dilation": 3, "align_corners": True}, ONE), ({**SELECT, "in_channels": [4, 8],
                "input_transform": "resize_concat"}, TWO), ({**SIGMOID}, ONE), ({"in_index": 1}, TWO),
                ({"loss_decode": [CE, {"type": "LovaszLoss", "per_image": True}]}, ONE),
                ({"norm_cfg": None, "act_cfg": {"type": "LeakyReLU"}}, ONE), ({"out_channels": 3}, ONE),
                ({"sampler": {"type": "OHEMPixelSampler", "thresh": 0.7, "min_kept": 20}}, ONE)],
    "PSPHead": [(SCALES, ONE), ({"pool_scales": (1, 2, 3), "align_corners": True}, ONE)],
    "ASPPHead": [({"dilations": (1, 2, 3)}, ONE), ({"dilations": (1, 12)}, ONE)],
    "DepthwiseSeparableASPPHead": [({"dilations": (1, 2), "c1_in_channels": 4, "c1_channels": 2}, TWO),
                                   ({"dilations": (1, 2), "c1_in_channels": 0, "c1_channels": 0}, ONE)],
    "DepthwiseSeparableFCNHead": [({"num_convs": 1, "concat_input": False}, ONE), ({"num_convs": 2, "concat_input":
                                  True, "in_channels": 8, "channels": 8, "dw_act_cfg": {"type": "ReLU"}}, ONE)],
    "UPerHead": [({**ALL, **SCALES}, FOUR), ({**SEVERAL, "pool_scales": (1,)}, TWO)],
    "SegformerHead": [({**ALL}, FOUR), ({**SEVERAL, "interpolate_mode": "nearest"}, None)],
    "FPNHead": [({**ALL, "feature_strides": [4, 8, 16, 32]}, FOUR), ({**SEVERAL, "feature_strides": [4, 8]}, TWO)],
    "LRASPPHead": [({**ALL, "in_channels": [2, 4, 6], "in_index": [0, 1, 2], "input_transform": "multiple_select",
                     "branch_channels": (2, 3)}, ((2, 128, 128), (4, 64, 64), (6, 64, 64)))],
    "DDRHead": [({"loss_decode": [CE, CE]}, ((4, 12, 12), (8, 6, 6)), "branches")],
    "PIDHead": [({"loss_decode": [CE, CE, {"type": "BoundaryLoss", "loss_weight": 20.0}, CE]}, None)],
    "STDCHead": [({"num_classes": 2, "num_convs": 1, "concat_input": False, "loss_decode": STDC}, ONE),
                 ({"num_classes": 2, "num_convs": 1, "boundary_threshold": 0.2, "loss_decode": STDC}, ONE)],
    "LightHamHead": [({**SEVERAL, "ham_channels": 8, "ham_kwargs": {"MD_R": 2, "rand_init": False}, "norm_cfg":
                      {"type": "GN", "num_groups": 2}}, TWO)],
    "OCRHead": [({"ocr_channels": 2}, ONE, "previous")],
    "PointHead": [({"in_channels": [8], "in_index": [0], "num_fcs": 1, "norm_cfg": None}, None),
                  ({"in_channels": [8], "in_index": [0], "num_fcs": 2, "coarse_pred_each_layer": False,
                    "norm_cfg": None}, None)],
    "SETRUPHead": [({"num_convs": 1, "up_scale": 4}, ONE), ({"num_convs": 2, "up_scale": 2, "kernel_size": 1,
                   "norm_layer": {"type": "LN", "eps": 1e-6}}, ONE)],
    "SETRMLAHead": [({"in_channels": [8, 8], "in_index": [0, 1], "mla_channels": 4, "up_scale": 2, "channels": 8},
                ONE + ONE),
                    ({"in_channels": (8, 8, 8, 8), "in_index": (0, 1, 2, 3), "mla_channels": 2, "channels":
                      8}, ONE * 4)],
    "SegmenterMaskTransformerHead": [({"num_layers": 1, "num_heads": 2, "embed_dims": 8, "channels": 8, "norm_cfg":
                                       {"type": "LN"}, "drop_path_rate": 0.0}, ONE)],
    "ANNHead": [({"project_channels": 4, "query_scales": (1,), "key_pool_scales": (1, 3), "dropout_ratio": 0.1,
                "in_channels": [4, 8], "in_index": [0, 1]}, TWO)],
    "APCHead": [({**SCALES}, ONE), ({**SCALES, "fusion": False}, ONE)],
    "CCHead": [({"channels": 8}, ONE), ({"channels": 16, "recurrence": 1, "concat_input": False}, ONE)],
    "DAHead": [({"pam_channels": 2}, ONE)],
    "DMHead": [({"filter_sizes": (1, 3)}, ONE), ({"filter_sizes": (1, 3), "fusion": True}, ONE)],
    "DNLHead": [({}, ONE), ({"mode": "dot_product", "temperature": 0.1}, ONE), ({"reduction": 1, "use_scale": False},
                ONE)],
    "DPTHead": [({**DPT, "readout_type": readout}, ((8, 3, 3),) * 4, "tokens") for readout in ("ignore", "add",
                "project")] + [({**DPT, "align_corners": True, "act_cfg": {"type": "GELU"}, "patch_size": 8},
                ((8, 3, 3),) * 4, "tokens")],
    "EMAHead": [({"ema_channels": 4, "num_bases": 3, "num_stages": 2}, ONE), ({"ema_channels": 4, "num_bases": 3,
                "num_stages": 1, "concat_input": False, "momentum": 0.5}, ONE)],
    "EncHead": [({"num_codes": 4, "in_channels": [8], "in_index": [0]}, ONE), ({"num_codes": 4, "use_se_loss": False,
                "in_channels": [4, 8], "in_index": [0, 1], "add_lateral": True}, None)],
    "GCHead": [({"ratio": 0.5}, ONE), ({"ratio": 0.5, "pooling_type": "avg", "fusion_types": ("channel_mul",)}, ONE)],
    "ISAHead": [({"isa_channels": 4, "down_factor": (2, 3)}, ONE)],
    "NLHead": [({}, ONE), ({"mode": "gaussian", "reduction": 1, "channels": 8}, ONE), ({"mode": "concatenation"},
                None)],
    "PSAHead": [],  # PSAMask is compiled in mmcv; what the head refuses is compared
    "IterativeDecodeHead": [({"num_stages": 2, "kernel_generate_head": GENERATE, "kernel_update_head": [KERNELS] * 2},
                            ONE, "alone")],
    "KernelUpdateHead": [({key: value for key, value in KERNELS.items() if key != "type"}, None, "alone")],
    "KernelUpdator": [({"in_channels": 8, "feat_channels": 4, "out_channels": 8}, None, "alone")],
    "VPDDepthHead": [(DEPTH, MAPS, "depths"), ({**DEPTH, "fmap_border": (0, 1), "max_depth": 3.0}, MAPS, "depths"),
                     ({**DEPTH, "fmap_border": 1, "align_corners": True, "loss_decode": {"type": "SiLogLoss",
                       "loss_weight": 0.4}}, MAPS, "depths")],
    **mask_heads.CASES,
}  # fmt: skip
#: class -> arguments beside USUAL that are tried for being refused
BAD: dict[str, list[dict[str, Any]]] = {
    "FCNHead": [{"num_convs": -1}, {"dilation": -1}, {"dilation": "a"}, {"in_channels": [4, 8]}, {"in_channels": [4, 8],
                "in_index": 0, "input_transform": "resize_concat"}, {"in_channels": [4, 8], "in_index": [0],
                "input_transform": "multiple_select"}, {"input_transform": "concat"}, {"loss_decode": "CE"},
                {"loss_decode": 1.0}, {"threshold": 0.5, "num_classes": 2, "out_channels": 3}, {"num_convs": 0,
                "channels": 4, "concat_input": False}],
    "PSPHead": [{"pool_scales": 1}],
    "ASPPHead": [{"dilations": 1}],
    "UPerHead": [{"in_channels": 8}, {"in_channels": [4, 8], "in_index": [0]}],
    "SegformerHead": [{"in_channels": [4, 8], "in_index": [0]}, {"in_channels": 8}],
    "FPNHead": [{**SEVERAL, "feature_strides": [4]}, {**SEVERAL, "feature_strides": [8, 4]}],
    "LRASPPHead": [{"branch_channels": (2, 3)}, {"in_channels": [2, 4], "in_index": [0, 1], "input_transform":
                   "multiple_select", "branch_channels": (2, 3)}, {"in_channels": [2, 4, 6], "in_index": [0, 1, 2],
                   "input_transform": "resize_concat", "branch_channels": (2, 3)}],
    "APCHead": [{"pool_scales": 1}],
    "ANNHead": [{"project_channels": 4, "in_channels": 8}],
    "DMHead": [{"filter_sizes": 1}],
    "DNLHead": [{"mode": "unsupported"}],
    "NLHead": [{"mode": "unsupported"}],
    "EncHead": [{"in_channels": 8}],
    "SETRUPHead": [{"kernel_size": 2}, {"kernel_size": [1]}],
    "SETRMLAHead": [{"in_channels": [8, 8], "in_index": [0, 1], "channels": 6, "mla_channels": 4}],
    "PSAHead": [{"mask_size": (6, 6), "psa_type": "gather"}],
    "IterativeDecodeHead": [{"num_stages": 3, "kernel_generate_head": GENERATE, "kernel_update_head": [KERNELS] * 2}],
    "SegmenterMaskTransformerHead": [],
    "DPTHead": [{**DPT, "in_channels": 8}],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "DPTHead/*.norm_cfg": "the one that its convolutions have",
    "DPTHead/*.act_cfg*": "the one that its convolutions have",
    "DPTHead/*.num_*_blocks": "always four",
    "DPTHead/*.num_post_process_channels": "always four",
    "VPDDepthHead/*.fmap_border*": "as given",
    "FCNHead/5.losses.acc_seg": "the sign of the logit decides",
    "LightHamHead/0.*": "the bases of evaluation come from a fixed seed",
    "OCRHead/*.children": "regions are gathered by a function",
}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a head shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for number, case in enumerate(CASES[name]):
        found[str(number)] = tried(lambda: seen(made_by, *case))  # noqa: B023
    for number, more in enumerate(BAD.get(name, [])):
        alone = "kernel_update_head" in more
        found[f"bad {number}"] = tried(lambda: seen(made_by, more, None, "alone" if alone else ""))  # noqa: B023
    return found


def seen(made_by: Any, more: dict[str, Any], shapes: Any, kind: str = "") -> dict[str, Any]:
    """Attributes and layers, logits, losses and a prediction."""
    if kind in ("masks", "clip"):
        return mask_heads.seen(made_by, more, shapes, samples(3, True))
    seed_all(0)
    arguments = more if kind in ("alone", "depths") else USUAL | more
    head = filled(made_by(**arguments))
    found = described(head)
    if hasattr(head, "conv_seg"):
        found["logits"] = getattr(head.conv_seg, "out_channels", None)
    if shapes is None:
        return found
    features = [pattern(2, *shape, seed=number) for number, shape in enumerate(shapes)]
    if kind == "tokens":  # of a ViT, each map with its class token
        features = [[each, pattern(2, each.shape[1], seed=7)] for each in features]  # type: ignore[misc]
    classes = arguments.get("num_classes", 3)
    previous = [pattern(2, classes, *shapes[-1][1:], seed=9)] if kind == "previous" else []
    with torch.no_grad():
        given = features[1] if kind == "branches" else features  # these have one output outside of training
        found["out"] = look(head.eval()(given, *previous))
        metas = [{"img_shape": (24, 24), "pad_shape": (24, 24), "ori_shape": (24, 24)}] * 2
        found["predicted"] = look(head.predict(given, *previous, metas, {"mode": "whole"}))
    seed_all(0)
    losses = head.train().loss(features, *previous, samples(classes, kind != "branches", kind == "depths"), {})
    found["losses"] = {key: look(value.squeeze()) for key, value in losses.items()}
    return found


def samples(classes: int, ignored: bool, depths: bool = False) -> list[Any]:
    """Two annotated images (24, 24)."""
    structures: Any = importlib.import_module("mmengine.structures")
    sample: Any = importlib.import_module("mmseg.structures").SegDataSample
    made = []
    for seed in range(2):
        labels: Tensor = (torch.arange(576).view(1, 24, 24) // (5 + seed)) % classes
        if ignored:
            labels[:, 0] = 255
        edges = (torch.arange(576).view(1, 24, 24) % 7 == 0).long()
        each = sample(metainfo={"img_shape": (24, 24), "ori_shape": (24, 24)})
        each.gt_sem_seg = structures.PixelData(data=labels)
        each.gt_edge_map = structures.PixelData(data=edges)
        if depths:
            each.gt_depth_map = structures.PixelData(data=1 + 2 * pattern(1, 24, 24, seed=seed).abs())
        made.append(each)
    return made
