"""Every backbone of mmseg: arguments, an image, maps, what training freezes; what is refused."""

from __future__ import annotations

from typing import Any

import torch

from tests.compat.reference.facts import look, named, pattern, tried
from tests.compat.reference.modules import described, filled, outputs

BN = {"type": "BN"}
R18, R50 = {"depth": 18, "base_channels": 8, "stem_channels": 8}, {"depth": 50, "base_channels": 8, "stem_channels": 8}
VIT = {"img_size": 32, "embed_dims": 16, "num_layers": 2, "num_heads": 2}
SWIN = {"embed_dims": 16, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2), "window_size": 4, "drop_path_rate": 0.0}
MIT = {"embed_dims": 8, "num_layers": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1], "sr_ratios": [4, 2, 2, 1]}
HR = {"stage1": {"num_modules": 1, "num_branches": 1, "block": "BOTTLENECK", "num_blocks": (1,), "num_channels": (8,)},
      **{f"stage{n}": {"num_modules": 1, "num_branches": n, "block": "BASIC", "num_blocks": (1,) * n,
                       "num_channels": tuple(4 * 2 ** i for i in range(n))} for n in (2, 3, 4)}}  # fmt: skip
PCPVT = {"embed_dims": [8, 16, 16, 16], "num_heads": [1, 2, 2, 2], "depths": [1, 1, 1, 1], "sr_ratios": [4, 2, 2, 1]}
SVT = {"embed_dims": [8, 16, 16], "num_heads": [1, 2, 2], "depths": [2, 2, 2], "sr_ratios": [4, 2, 1],
       "windiow_sizes": [4, 4, 4], "drop_path_rate": 0.0}  # fmt: skip
STDC = {"stdc_type": "STDCNet1", "in_channels": 3, "channels": (4, 8, 16, 16, 16), "bottleneck_type": "cat",
        "num_convs": 4, "norm_cfg": BN, "act_cfg": {"type": "ReLU"}, "with_final_conv": False}  # fmt: skip
BISE = {"spatial_channels": (4, 4, 4, 8), "context_channels": (8, 16, 32), "out_channels": 16}
UNET = {"base_channels": 4}
THREE = {**UNET, "num_stages": 3, "strides": (1, 1, 1), "enc_num_convs": (2, 2, 2), "dec_num_convs": (2, 2),
         "downsamples": (True, True), "enc_dilations": (1, 1, 1), "dec_dilations": (1, 1)}  # fmt: skip
TIMM = {"model_name": "resnet10t", "pretrained": False}
#: class -> why it has no cases
LEFT = {"VPD": "stable diffusion's network, which the reference takes from a package of its own"}
#: class -> the package that it is made of
NEEDS = {"TIMMBackbone": "timm"}
#: class -> arguments, and the side of the image where it is not 64
CASES: dict[str, list[tuple[Any, ...]]] = {
    "ResNet": [(R18,), ({**R18, "out_indices": (0, 3), "frozen_stages": 1, "norm_eval": True},), ({**R18, "strides":
               (1, 2, 1, 1), "dilations": (1, 1, 2, 4), "contract_dilation": True, "multi_grid": (1, 2)},),
               ({**R50, "style": "caffe"},), ({**R18, "deep_stem": True, "avg_down": True},), ({**R18, "in_channels":
               4, "num_stages": 2, "strides": (1, 2), "dilations": (1, 1), "out_indices": (0, 1)},), ({**R50,
               "zero_init_residual": False, "frozen_stages": 0, "with_cp": False},)],
    "ResNetV1c": [(R18,)],
    "ResNetV1d": [({**R50},)],
    "ResNeXt": [({**R50, "groups": 4, "base_width": 4},)],
    "ResNeSt": [({"depth": 50, "base_channels": 8, "stem_channels": 8, "radix": 2, "reduction_factor": 4},)],
    "HRNet": [({"extra": HR},), ({"extra": HR, "norm_eval": True, "frozen_stages": 2, "multiscale_output": True},)],
    "MobileNetV2": [({"widen_factor": 0.25},), ({"widen_factor": 0.25, "out_indices": (1, 2), "strides": (1, 2, 2, 1,
                1, 1, 1), "dilations": (1, 1, 1, 2, 2,
                    4, 4), "frozen_stages": 2, "norm_eval": True},)],
    "MobileNetV3": [({},), ({"arch": "large", "out_indices": (1, 3, 16)},), ({"reduction_factor": 2, "norm_eval":
                    True, "frozen_stages": 3},)],
    "UNet": [(UNET,), (THREE,), ({**THREE, "upsample_cfg": {"type": "DeconvModule"}, "norm_eval": True},), ({**THREE,
             "downsamples": (True, False), "strides": (1, 1, 2), "enc_dilations": (1, 2, 1)}, None)],
    "CGNet": [({"num_channels": (8, 16, 32), "num_blocks": (2, 2)},), ({"num_channels": (8, 16, 32), "num_blocks": (2,
              2), "dilations": (1, 3), "norm_eval": True},)],
    "ERFNet": [({"enc_downsample_channels": (4, 8, 16), "enc_non_bottleneck_channels": (8, 16),
                "enc_stage_non_bottlenecks": (1, 4), "dec_upsample_channels": (8, 4),
                 "dec_non_bottleneck_channels": (8, 4)},)],
    "FastSCNN": [({"downsample_dw_channels": (4, 8), "global_in_channels": 8, "global_block_channels": (8, 12, 16),
                   "global_out_channels": 16, "higher_in_channels": 8, "lower_in_channels": 16, "fusion_out_channels":
                   16},)],
    "BiSeNetV1": [({"backbone_cfg": {"type": "ResNet", "depth": 18, "base_channels": 4, "stem_channels": 4}, **BISE},)],
    "BiSeNetV2": [({"detail_channels": (4, 4, 8), "semantic_channels": (4, 4, 8, 8), "bga_channels": 8,
                    "semantic_expansion_ratio": 2},), ({"detail_channels": (4, 4, 8), "semantic_channels": (4, 4, 8,
                8), "bga_channels": 8, "out_indices": (0, 2)},)],
    "DDRNet": [({"channels": 4, "ppm_channels": 4}, 128)],
    "PIDNet": [({"channels": 4, "ppm_channels": 4, "num_stem_blocks": 1, "num_branch_blocks": 1}, 128, False)],
    "STDCNet": [(STDC,), ({**STDC, "stdc_type": "STDCNet2", "with_final_conv": True},), ({**STDC,
                "bottleneck_type": "add"},)],
    "STDCContextPathNet": [({"backbone_cfg": {"type": "STDCNet", **STDC}, "last_in_channels": (16, 16),
                             "out_channels": 8, "ffm_cfg": {"in_channels": 24, "out_channels": 16, "scale_factor":
                             4}},)],
    "ICNet": [({"backbone_cfg": {"type": "ResNetV1c", "depth": 18, "base_channels": 4, "stem_channels": 4,
                "dilations": (1, 1, 2, 4), "strides": (1, 2, 1, 1)}, "layer_channels": (8, 32),
                "light_branch_middle_channels": 4, "psp_out_channels": 8, "out_channels": (4, 8, 8)},)],
    "VisionTransformer": [(VIT, 32), (VIT, 48), ({**VIT, "out_indices": (0, 1), "final_norm": True, "patch_norm":
                          True}, 32), ({**VIT, "with_cls_token": True, "output_cls_token": True}, 32), ({**VIT,
                          "with_cls_token": False, "out_origin": False}, 32), ({**VIT, "norm_eval": True,
                          "interpolate_mode": "bilinear", "img_size": (32, 48)}, 32), ({**VIT, "qkv_bias": False,
                          "pre_norm": True}, 32), ({**VIT, "frozen_exclude": ["all"]}, 32)],
    "BEiT": [({**VIT, "out_indices": -1}, 32), ({**VIT, "out_indices": (0, 1), "qv_bias": False, "init_values": 0.2,
                "final_norm": True}, 32)],
    "MAE": [({**VIT, "out_indices": -1}, 32), ({**VIT, "out_indices": [0, 1]}, 32)],
    "SwinTransformer": [(SWIN,), ({**SWIN, "patch_norm": False, "out_indices": (1, 2), "qkv_bias": False,
                        "frozen_stages": 2},), ({**SWIN, "use_abs_pos_embed": True, "pretrain_img_size": 64},),
                        ({**SWIN, "depths": (2, 2, 1, 1), "strides": (2, 2, 2, 2), "patch_size": 2}, 40)],
    "MixVisionTransformer": [(MIT,), ({**MIT, "out_indices": (1, 3), "qkv_bias": False, "mlp_ratio": 2},)],
    "MSCAN": [({"embed_dims": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "norm_cfg": BN},)],
    "PCPVT": [(PCPVT,), ({**PCPVT, "norm_after_stage": True, "out_indices": (0, 2)},)],
    "SVT": [(SVT,)],
    "TIMMBackbone": [(TIMM,), ({**TIMM, "out_indices": (1, 3)},), ({**TIMM, "in_channels": 4, "output_stride": 16},)],
    "DeconvModule": [({"in_channels": 3, "out_channels": 4}, 16), ({"in_channels": 3, "out_channels": 4, "kernel_size":
                     2, "scale_factor": 2, "act_cfg": {"type": "LeakyReLU"}}, 16)],
    "InterpConv": [({"in_channels": 3, "out_channels": 4}, 16), ({"in_channels": 3, "out_channels": 4, "conv_first":
                   True, "kernel_size": 3, "padding": 1}, 16)],
}  # fmt: skip
BAD: dict[str, list[tuple[Any, ...]]] = {
    "ResNet": [({"depth": 20},), ({"depth": 50, "num_stages": 0},), ({"depth": 50, "num_stages": 5},), ({"depth": 50,
               "strides": (1,), "dilations": (1, 1), "num_stages": 3},), ({**R18, "pretrained": 0},),
               ({"depth": 50, "style": "tensorflow"},), ({"depth": 50, "out_indices": (5,)},), ({"depth": 50, "dcn":
               {"type": "DCN"}, "stage_with_dcn": (True,)},)],
    "ResNeXt": [],
    "ResNeSt": [({"depth": 18},)],
    "HRNet": [({"extra": {"stage1": HR["stage1"]}},), ({"extra": {**HR, "stage2": {**HR["stage2"], "num_blocks": (1,)}}
              },), ({"extra": {**HR, "stage2": {**HR["stage2"], "num_channels": (4,)}}},)],
    "MobileNetV2": [({"out_indices": (8,)},), ({"frozen_stages": 8},), ({"pretrained": 0},)],
    "MobileNetV3": [({"arch": "big"},), ({"reduction_factor": 0},), ({"out_indices": (0, 13)},), ({"frozen_stages":
                    14},), ({"pretrained": 0},)],
    "UNet": [({**UNET, "num_stages": 4},), ({**THREE, "strides": (1, 1)},), ({**THREE, "enc_num_convs": (2, 2)},),
             ({**THREE, "dec_num_convs": (2,)},), ({**THREE, "downsamples": (True,)},), ({**THREE, "enc_dilations":
             (1,)},), ({**THREE, "dec_dilations": (1,)},), ({**THREE, "pretrained": 0},)],
    "CGNet": [({"num_channels": (8, 16)},), ({"num_blocks": (1,)},), ({"dilations": 2},), ({"reductions": (8,)},),
              ({"pretrained": 0},)],
    "ERFNet": [({"enc_downsample_channels": (4, 8)},), ({"enc_stage_non_bottlenecks": (1,)},),
               ({"dec_upsample_channels": (8,)},), ({"enc_non_bottleneck_channels": (4,)},)],
    "FastSCNN": [({"global_out_channels": 127},), ({"higher_in_channels": 33},), ({"lower_in_channels": 65},)],
    "BiSeNetV1": [({"backbone_cfg": {"type": "ResNet", "depth": 18}, "spatial_channels": (4, 4)},), ({"backbone_cfg":
                  {"type": "ResNet", "depth": 18}, "context_channels": (4, 4)},)],
    "STDCNet": [({**STDC, "stdc_type": "STDCNet3"},), ({**STDC, "bottleneck_type": "mul"},), ({**STDC, "channels":
                (4, 8)},)],
    "ICNet": [({},)],
    "VisionTransformer": [({**VIT, "pretrained": 0},), ({**VIT, "with_cls_token": False, "output_cls_token": True},),
                          ({**VIT, "img_size": (32, 32, 32)},), ({**VIT, "out_indices": "last"},)],
    "BEiT": [({**VIT, "pretrained": 0},), ({**VIT, "img_size": (32, 32, 32)},), ({**VIT, "out_indices": "last"},)],
    "MAE": [({**VIT, "pretrained": 0},), ({**VIT, "img_size": (32, 32, 32)},)],
    "SwinTransformer": [({**SWIN, "pretrained": 0},), ({**SWIN, "pretrain_img_size": (32, 32, 32)},), ({**SWIN,
                        "strides": (4, 2, 2)}, 64), ({**SWIN, "patch_size": 3},)],
    "MixVisionTransformer": [({**MIT, "pretrained": 0},), ({**MIT, "num_layers": [1, 1]},)],
    "MSCAN": [({"embed_dims": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "pretrained": 0},)],
    "PCPVT": [({**PCPVT, "pretrained": 0},)],
    "SVT": [({**SVT, "pretrained": 0},)],
    "DeconvModule": [({"in_channels": 3, "out_channels": 4, "kernel_size": 5},), ({"in_channels": 3, "out_channels":
                     4, "kernel_size": 2, "scale_factor": 4},)],
}  # fmt: skip
DESIGNED: dict[str, str] = {
    "DDRNet/0.maps": "both maps in evaluation, too",
    "PIDNet/0.maps": "all maps in evaluation, too",
    "PCPVT/*.children": "a dropout of 0 has no module",
    "BEiT/*.img_size": "as given",
    "VisionTransformer/*.img_size": "as given",
    "VisionTransformer/*.norm1_name": "the name of a part that is called otherwise here",
    "VisionTransformer/*.pre_ln_name": "the name of a part that is called otherwise here",
    "MAE/*.img_size": "as given",
    "CGNet/*.act_cfg.num_parameters": "the argument stays as it was",
    "CGNet/*.children": "means of the image need no module",
    "MobileNetV2/*.attributes.in_channels": "not the width of the last stage",
    "ResNe[SX]*/*.attributes.*": "groups and widths are known to the blocks",
    "SVT/*.children": "a dropout of 0 has no module",
    "SVT/0.attributes.out_indices": "as many as there are stages",
    "STDCNet/*.stage_strides": "known to the function that makes a stage",
    "SwinTransformer/bad 2.error": "the index that is missing there is not looked up here",
}


def observe(name: str, module: str) -> dict[str, Any]:
    """What a backbone shows by each of its cases."""
    made_by = named(module, name)
    found: dict[str, Any] = {}
    for number, case in enumerate(CASES[name]):
        found[str(number)] = tried(lambda: seen(made_by, *case))  # noqa: B023
    for number, (arguments, *side) in enumerate(BAD.get(name, [])):
        found[f"bad {number}"] = tried(lambda: seen(made_by, arguments, *(side or [None])))  # noqa: B023
    return found


def seen(made_by: Any, arguments: dict[str, Any], side: int | None = 64, in_training: bool = True) -> dict[str, Any]:
    """Attributes and layers, what training leaves alone, maps in training and in evaluation."""
    backbone = filled(made_by(**arguments))
    found = described(backbone)
    if side is None:
        return found
    image = pattern(2, arguments.get("in_channels", 3), side, side)
    backbone.train()
    found["frozen"] = sum(not weight.requires_grad for weight in backbone.parameters())
    if in_training and not any(
        isinstance(each, (torch.nn.Dropout, torch.nn.Dropout2d)) and each.p for each in backbone.modules()
    ):
        with torch.no_grad():
            found["trained"] = sums(look(backbone(image)))
    found["maps"] = outputs(backbone, image)
    return found


def sums(seen_maps: Any) -> Any:
    """The absolute sum of each map: single numbers of a normalized batch are too sensitive."""
    return [sums(each) for each in seen_maps] if isinstance(seen_maps, list) else seen_maps["sum"][1]
