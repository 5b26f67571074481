"""Small things that projects' own tests ask of models: blocks, functions, preprocessors, assigners, registries."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.compat.reference.calls import Calls
from tests.compat.reference.calls_data import mm
from tests.compat.reference.facts import look, pattern, tried
from tests.compat.reference.heads import samples
from tests.compat.reference.modules import filled

_calls = Calls()
CASES, observe, case, several = _calls.cases, _calls.observe, _calls.case, _calls.several
DESIGNED: dict[str, str] = {
    "accuracy [23]/*": "no epsilon above the count",
    "initialized 0/*": "the usual first weights",
    "parts built 2/": "the trainer makes them one for all processes",
    "preprocessor [36]/": "refused when it is made",
    "preprocessor [89]/[[]0]": "padded to the largest image",
    "a_class_of_ones_own/[[]3]": "the same class once more is no other",
}
U = "mmseg.models.utils"
BN = {"type": "BN"}


def build(cfg: Any) -> Any:
    """A part of a model."""
    return mm("mmseg.registry").MODELS.build(cfg)


def run(module: Any, *inputs: Any) -> Any:
    """What a block gives in evaluation."""
    with torch.no_grad():
        return filled(module).eval()(*inputs)


MAP = pattern(2, 8, 12, 10)
#: module, class, arguments, inputs
BLOCKS: list[tuple[str, str, dict[str, Any], tuple[Any, ...]]] = [
    (U, "PatchEmbed", {"in_channels": 8, "embed_dims": 4, "kernel_size": 4, "stride": 4}, (MAP,)),
    (U, "PatchEmbed", {"in_channels": 8, "embed_dims": 4, "kernel_size": 3, "stride": 2, "padding": 1, "norm_cfg":
                       {"type": "LN"}}, (MAP,)),
    (U, "PatchEmbed", {"in_channels": 8, "embed_dims": 4, "kernel_size": 5, "stride": 5, "padding": "same"}, (MAP,)),
    (U, "PatchEmbed", {"in_channels": 8, "embed_dims": 4, "kernel_size": 5, "stride": 5, "dilation": 2, "input_size":
                       (12, 10), "padding": "corner"}, (MAP,)),
    (U + ".embed", "PatchMerging", {"in_channels": 8, "out_channels": 6}, (MAP.flatten(2).transpose(1, 2), (12, 10))),
    (U + ".embed", "PatchMerging", {"in_channels": 8, "out_channels": 6, "kernel_size": 3, "stride": 2, "padding":
     "same"}, (MAP.flatten(2).transpose(1, 2), (12, 10))),
    (U + ".embed", "PatchMerging", {"in_channels": 8, "out_channels": 6}, (MAP, (12, 10))),
    (U + ".embed", "PatchMerging", {"in_channels": 8, "out_channels": 6}, (MAP.flatten(2).transpose(1, 2), 12)),
    (U, "InvertedResidual", {"in_channels": 8, "out_channels": 8, "stride": 1, "expand_ratio": 2}, (MAP,)),
    (U, "InvertedResidual", {"in_channels": 8, "out_channels": 6, "stride": 2, "expand_ratio": 1}, (MAP,)),
    (U, "InvertedResidual", {"in_channels": 8, "out_channels": 6, "stride": 3, "expand_ratio": 1}, (MAP,)),
    (U, "InvertedResidualV3", {"in_channels": 8, "out_channels": 8, "mid_channels": 12}, (MAP,)),
    (U, "InvertedResidualV3", {"in_channels": 8, "out_channels": 8, "mid_channels": 8, "with_expand_conv": False,
                               "se_cfg": {"channels": 8, "ratio": 2}}, (MAP,)),
    (U, "SELayer", {"channels": 8, "ratio": 2}, (MAP,)),
    (U, "SELayer", {"channels": 8, "ratio": 2, "act_cfg": {"type": "ReLU"}}, (MAP,)),
    (U, "SELayer", {"channels": 8, "act_cfg": ({"type": "ReLU"},)}, (MAP,)),
    (U, "UpConvBlock", {"conv_block": None, "in_channels": 8, "skip_channels": 4, "out_channels": 4}, ()),
    (U, "SelfAttentionBlock", {"key_in_channels": 8, "query_in_channels": 8, "channels": 4, "out_channels": 6,
     "share_key_query": False, "query_downsample": None, "key_downsample": None, "key_query_num_convs": 1,
     "key_query_norm": True, "value_out_num_convs": 1, "value_out_norm": False, "matmul_norm": True, "with_out": True,
     "conv_cfg": None, "norm_cfg": None, "act_cfg": {"type": "ReLU"}}, (MAP, MAP)),
    (U, "DAPPM", {"in_channels": 8, "branch_channels": 4, "out_channels": 4, "num_scales": 5}, (MAP,)),
    (U, "PAPPM", {"in_channels": 8, "branch_channels": 4, "out_channels": 4, "num_scales": 5}, (MAP,)),
    (U, "BasicBlock", {"in_channels": 8, "channels": 8}, (MAP,)),
    (U, "Bottleneck", {"in_channels": 8, "channels": 4}, (MAP,)),
    (U, "Encoding", {"channels": 8, "num_codes": 3}, (MAP,)),
    (U, "LayerNorm2d", {"num_channels": 8}, (MAP,)),
    ("mmseg.models.backbones.resnet", "BasicBlock", {"inplanes": 8, "planes": 8, "norm_cfg": BN}, (MAP,)),
    ("mmseg.models.backbones.resnet", "BasicBlock", {"inplanes": 8, "planes": 8, "dcn": {"type": "DCN"}}, ()),
    ("mmseg.models.backbones.resnet", "Bottleneck", {"inplanes": 8, "planes": 2, "norm_cfg": BN}, (MAP,)),
    ("mmseg.models.backbones.resnet", "Bottleneck", {"inplanes": 8, "planes": 2, "style": "tensorflow"}, ()),
    ("mmseg.models.backbones.resnext", "Bottleneck", {"inplanes": 8, "planes": 64, "groups": 2, "base_width": 2,
     "norm_cfg": BN}, (MAP,)),
    ("mmseg.models.backbones.resnext", "Bottleneck", {"inplanes": 8, "planes": 8, "style": "tensorflow"}, ()),
    ("mmseg.models.backbones.resnest", "Bottleneck", {"inplanes": 32, "planes": 8}, (pattern(2, 32, 6, 6),)),
    ("mmseg.models.backbones.resnest", "Bottleneck", {"inplanes": 8, "planes": 8, "stride": 2, "radix": 1}, ()),
    ("mmseg.models.backbones.vit", "TransformerEncoderLayer", {"embed_dims": 8, "num_heads": 2,
     "feedforward_channels": 16}, (MAP.flatten(2).transpose(1, 2),)),
    ("mmseg.models.backbones.mit", "MixFFN", {"embed_dims": 8, "feedforward_channels": 16},
     (MAP.flatten(2).transpose(1, 2), (12, 10))),
    ("mmseg.models.backbones.mit", "EfficientMultiheadAttention", {"embed_dims": 8, "num_heads": 2, "sr_ratio": 2},
     (MAP.flatten(2).transpose(1, 2), (12, 10))),
    ("mmseg.models.backbones.unet", "BasicConvBlock", {"in_channels": 8, "out_channels": 4}, (MAP,)),
    ("mmseg.models.backbones.unet", "BasicConvBlock", {"in_channels": 8, "out_channels": 4, "dcn": {"type": "DCN"}},
     ()),
    ("mmseg.models.backbones.cgnet", "ContextGuidedBlock", {"in_channels": 8, "out_channels": 8, "reduction": 2},
     (MAP,)),
    ("mmseg.models.backbones.bisenetv1", "AttentionRefinementModule", {"in_channels": 8, "out_channel": 4}, (MAP,)),
    ("mmseg.models.backbones.bisenetv1", "FeatureFusionModule", {"in_channels": 8, "out_channels": 4},
     (MAP[:, :4], MAP[:, 4:])),
    ("mmseg.models.decode_heads.psp_head", "PPM", {"pool_scales": (1, 2), "in_channels": 8, "channels": 4, "conv_cfg":
     None, "norm_cfg": None, "act_cfg": {"type": "ReLU"}, "align_corners": False}, (MAP,)),
    ("mmseg.models.decode_heads.aspp_head", "ASPPModule", {"dilations": (1, 2), "in_channels": 8, "channels": 4,
     "conv_cfg": None, "norm_cfg": None, "act_cfg": {"type": "ReLU"}}, (MAP,)),
    ("mmcv.cnn", "ConvModule", {"in_channels": 8, "out_channels": 4, "kernel_size": 3, "norm_cfg": BN}, (MAP,)),
    ("mmcv.cnn", "DepthwiseSeparableConvModule", {"in_channels": 8, "out_channels": 4, "kernel_size": 3}, (MAP,)),
    ("mmcv.cnn", "Scale", {"scale": 2.0}, (MAP,)),
]  # fmt: skip


def block(given: tuple[str, str, dict[str, Any], tuple[Any, ...]]) -> Any:
    """What a block gives, or its weights."""
    module, name, arguments, inputs = given
    made = getattr(mm(module), name)(**arguments)
    return run(made, *inputs) if inputs else sorted(filled(made).state_dict())


several("block", block, BLOCKS)
TOKENS = MAP.flatten(2).transpose(1, 2)
several(
    "maps and tokens",
    lambda given: getattr(mm(U), given[0])(*given[1:]),
    [
        ("nlc_to_nchw", TOKENS, (12, 10)),
        ("nchw_to_nlc", MAP),
        ("nlc_to_nchw", TOKENS, (12, 9)),
        ("nlc_to_nchw", MAP, (12, 10)),
        ("nchw_to_nlc", TOKENS),
        ("nchw2nlc2nchw", nn.Identity(), MAP),
        ("nlc2nchw2nlc", nn.Identity(), TOKENS, (12, 10)),
    ],
)
several("make_divisible", lambda given: mm(U).make_divisible(*given), [(10, 4), (9, 8, 16), (10, 4, None, 0.9), (3, 8)])
several(
    "resize",
    lambda given: mm(U + ".wrappers").resize(MAP, **given),
    [
        {"size": (5, 7)},
        {"scale_factor": 2},
        {"size": (5, 7), "mode": "bilinear", "align_corners": True},
        {"size": (5, 7), "mode": "nope"},
    ],
)
several(
    "Upsample",
    lambda given: mm("mmseg.models.utils").Upsample(**given)(MAP),
    [{"size": (5, 7)}, {"scale_factor": 2.0, "mode": "bilinear", "align_corners": False}],
)
several(
    "padding",
    lambda given: mm(U + ".embed").AdaptivePadding(**given)(MAP),
    [
        {"kernel_size": 16, "stride": 16, "dilation": 1, "padding": "same"},
        {"kernel_size": 5, "stride": 3, "dilation": 2, "padding": "corner"},
        {"padding": "nope"},
        {"kernel_size": (3, 5), "stride": 4},
    ],
)
several(
    "accuracy",
    lambda given: mm("mmseg.models.losses").accuracy(pattern(3, 4), torch.tensor([0, 3, 255]), **given),
    [{}, {"ignore_index": 255}, {"topk": (1, 2)}, {"topk": (1, 2), "ignore_index": 255}, {"thresh": 0.5}, {"topk": 5}],
)
several(
    "Accuracy",
    lambda given: mm("mmseg.models.losses").Accuracy(**given)(pattern(3, 4), torch.tensor([0, 3, 1])),
    [{}, {"topk": (1, 2)}, {"thresh": 0.1}, {"ignore_index": 1}],
)
LOSS = pattern(4, 5).abs()
several(
    "reduced",
    lambda given: mm("mmseg.models.losses").weight_reduce_loss(LOSS, **given),
    [
        {},
        {"reduction": "sum"},
        {"reduction": "none"},
        {"weight": LOSS.flip(0)},
        {"weight": LOSS, "avg_factor": 3.0},
        {"reduction": "sum", "avg_factor": 3.0},
        {"reduction": "nope"},
        {"weight": LOSS[0]},
    ],
)
several("class weight", lambda given: mm("mmseg.models.losses.utils").get_class_weight(given), [None, [1.0, 2.0]])
PIX = (3 * pattern(2, 3, 4, 4), torch.arange(32).view(2, 4, 4) % 3)
several(
    "cross_entropy",
    lambda given: mm("mmseg.models.losses").cross_entropy(*PIX, **given),
    [
        {},
        {"reduction": "none"},
        {"ignore_index": 1},
        {"avg_factor": 7.0},
        {"avg_non_ignore": True, "ignore_index": 2},
        {"class_weight": torch.tensor([1.0, 2.0, 0.5])},
    ],
)
several(
    "binary_cross_entropy",
    lambda given: mm("mmseg.models.losses").binary_cross_entropy(*PIX, **given),
    [{}, {"reduction": "sum"}, {"ignore_index": 1}, {"avg_non_ignore": True}],
)


@case
def mask_cross_entropy() -> Any:
    pred, target = 3 * pattern(4, 8, 3, 3), torch.ones(4, 3, 3)
    return mm("mmseg.models.losses").mask_cross_entropy(pred, target, torch.ones(4).long())


@case
def mask_cross_entropy_refuses() -> Any:
    pred, target = 3 * pattern(4, 8, 3, 3), torch.ones(4, 3, 3)
    return mm("mmseg.models.losses").mask_cross_entropy(pred, target, torch.ones(4).long(), reduction="sum")


SIZES: dict[str, Any] = {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0], "bgr_to_rgb": True}
PREPROCESSORS: list[dict[str, Any]] = [
    {**SIZES, "size": (28, 30), "pad_val": 5, "seg_pad_val": 200}, {**SIZES, "size_divisor": 32}, {"size": (24, 24)},
    {**SIZES, "size": (28, 30), "size_divisor": 32}, {"mean": [1.0], "std": [2.0], "bgr_to_rgb": True, "rgb_to_bgr":
    True}, {"mean": [1.0, 2.0]}, {"std": [1.0]}, {**SIZES, "size": (20, 20)}, {**SIZES, "test_cfg": {"size_divisor":
    32}}, SIZES,
]  # fmt: skip


def preprocessed(given: dict[str, Any]) -> Any:
    """Two images of one size, in training and in a test."""
    made = mm("mmseg.models").SegDataPreProcessor(**given)
    found = []
    for training in (True, False):
        batch = {"inputs": [pattern(3, 24, 24) * 50, pattern(3, 24, 24, seed=1) * 50], "data_samples": samples(3, True)}
        out = tried(lambda: made(batch, training))  # noqa: B023
        found.append(out if "raises" in out else [out["inputs"], out["data_samples"][0].metainfo,
                     out["data_samples"][1].gt_sem_seg.data])  # fmt: skip
    return found


several("preprocessor", preprocessed, PREPROCESSORS)


@case
def preprocessor_of_two_sizes() -> Any:
    made = mm("mmseg.models").SegDataPreProcessor(**SIZES, size=(30, 30))
    batch = {"inputs": [pattern(3, 24, 24), pattern(3, 20, 28)], "data_samples": samples(3, True)}
    return made(batch, True)["inputs"]


@case
def stacked() -> Any:
    inputs, metas = mm("mmseg.utils").stack_batch([pattern(3, 6, 8), pattern(3, 4, 9)], None, size=(10, 12)), None
    return [inputs[0] if isinstance(inputs, tuple) else inputs, metas]


MATCH = {"type": "HungarianAssigner", "match_costs": [{"type": "ClassificationCost", "weight": 2.0}, {"type":
         "CrossEntropyLossCost", "weight": 5.0, "use_sigmoid": True}, {"type": "DiceCost", "weight": 5.0, "pred_act":
         True, "eps": 1.0}]}  # fmt: skip


@case
def matched() -> Any:
    instances = mm("mmengine.structures").InstanceData
    assigner = mm("mmseg.registry").TASK_UTILS.build(MATCH)
    pred, truth = instances(), instances()
    pred.scores, pred.masks = pattern(6, 4), 3 * pattern(6, 20)
    truth.labels, truth.masks = torch.tensor([0, 2]), (pattern(2, 20, seed=1) > 0).long()
    return assigner.assign(pred, truth)


@case
def matched_to_nothing() -> Any:
    instances = mm("mmengine.structures").InstanceData
    assigner = mm("mmseg.registry").TASK_UTILS.build(MATCH)
    pred, truth = instances(), instances()
    pred.scores, pred.masks = pattern(6, 4), 3 * pattern(6, 20)
    truth.labels, truth.masks = torch.zeros(0).long(), torch.zeros(0, 20).long()
    return assigner.assign(pred, truth)


several(
    "costs refuse",
    lambda given: mm("mmseg.registry").TASK_UTILS.build({"type": "HungarianAssigner", "match_costs": given}),
    [None, [], [3], [{"type": "Nope"}]],
)
several(
    "builders",
    lambda name: callable(getattr(mm("mmseg.models"), name)),
    ["build_backbone", "build_head", "build_loss", "build_segmentor"],
)
several(
    "parts built",
    lambda given: type(build(given)).__name__,
    [
        {"type": "FCNHead", "in_channels": 4, "channels": 4, "num_classes": 2},
        [{"type": "ReLU"}, {"type": "ReLU"}],
        {"type": "SyncBN", "num_features": 3},
        {"type": "Nope"},
        {},
        3,
        None,
        {"type": None},
    ],
)


@case
def a_class_of_ones_own() -> Any:
    registry = mm("mmseg.registry").MODELS

    @registry.register_module(name="OwnOfCalls", force=True)
    class Own(mm("mmengine.model").BaseModule):  # type: ignore[misc]
        def __init__(self, width: int = 3, init_cfg: Any = None) -> None:
            super().__init__(init_cfg)
            self.layer = nn.Linear(width, width)

    made = registry.build({"type": "OwnOfCalls", "width": 4})
    made.init_weights()
    with_twice = tried(lambda: registry.register_module(name="OwnOfCalls", module=Own))
    return [made.is_init, "OwnOfCalls" in registry, registry.get("OwnOfCalls") is Own, with_twice, made.init_cfg]


@case
def frozen_and_back() -> Any:
    made = build({"type": "ResNet", "depth": 18, "base_channels": 4, "stem_channels": 4, "frozen_stages": 1,
                  "norm_eval": True, "norm_cfg": BN})  # fmt: skip
    made.train()
    norms = [each.training for each in made.modules() if isinstance(each, nn.BatchNorm2d)]
    return [any(norms), [weight.requires_grad for weight in made.layer1.parameters()][:2],
            next(made.layer2.parameters()).requires_grad, made.norm1_name, type(made.norm1).__name__]  # fmt: skip


several(
    "head attributes",
    lambda key: getattr(
        build(
            {
                "type": "FCNHead",
                "in_channels": [2, 3],
                "in_index": [0, 1],
                "input_transform": "resize_concat",
                "channels": 4,
                "num_classes": 3,
            }
        ),
        key,
    ),
    [
        "in_channels",
        "in_index",
        "input_transform",
        "num_classes",
        "out_channels",
        "channels",
        "dropout_ratio",
        "align_corners",
        "ignore_index",
        "threshold",
        "conv_cfg",
        "norm_cfg",
        "act_cfg",
        "fp16_enabled",
        "num_convs",
        "concat_input",
        "kernel_size",
    ],
)
several(
    "initialized",
    lambda given: [look(p.data.std()) for p in started(given).parameters()],
    [
        None,
        {"type": "Constant", "layer": "Conv2d", "val": 2.0},
        [{"type": "Constant", "val": 1.0, "override": {"name": "conv_seg", "val": 3.0}}],
    ],
)


def started(init_cfg: Any) -> Any:
    """A head with its first weights."""
    head = build({"type": "FCNHead", "in_channels": 4, "channels": 4, "num_classes": 3, "num_convs": 1, "init_cfg":
                  init_cfg})  # fmt: skip
    head.init_weights()
    return head.conv_seg
