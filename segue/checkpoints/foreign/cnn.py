"""Convolutional networks of timm and torchvision, and ConvNeXt of its authors.

The ResNets of torchvision have mmseg's names already. timm counts a stem of three convolutions as one module.
"""

from __future__ import annotations

from segue.checkpoints.foreign.layouts import flat
from segue.checkpoints.foreign.rules import Rule, Source

#: MobileNetV2: blocks per layer
MOBILENET_V2 = (1, 2, 3, 4, 3, 3, 1)

RESNET = (
    Rule(r"conv1\.(\d+)\.(.+)", r"stem.\1.\2"),
    Rule(r"(?:fc|classifier)\..+", None),
)
DEEP_RESNET = (Rule(r"bn1\.(.+)", r"stem.7.\1"), *RESNET)

CONVNEXT_BLOCK = (
    Rule(r"stages\.(\d+)\.(\d+)\.dwconv\.(.+)", r"stages.\1.\2.depthwise_conv.\3"),
    Rule(r"stages\.(\d+)\.(\d+)\.pwconv([12])\.(.+)", r"stages.\1.\2.pointwise_conv\3.\4"),
    Rule(r"stages\.(\d+)\.(\d+)\.grn\.(gamma|beta)", r"stages.\1.\2.grn.\3", flat),
    Rule(r"norm\.(.+)", r"norm3.\1"),
    Rule(r"head\..+|norms\.3\..+", None),  # DINOv3's hold the last norm twice
)
#: DINOv3's (arXiv:2508.10104)
CONVNEXT_TRANSFORMERS = (
    Rule(r"(?:model\.)?stages\.(\d+)\.downsample_layers\.(.+)", r"downsample_layers.\1.\2"),
    Rule(r"(?:model\.)?stages\.(\d+)\.layers\.(\d+)\.layer_norm\.(.+)", r"stages.\1.\2.norm.\3"),
    Rule(r"(?:model\.)?stages\.(\d+)\.layers\.(.+)", r"stages.\1.\2"),
    Rule(r"layer_norm\.(.+)", r"norm3.\1"),
)
CONVNEXT_TIMM = (
    Rule(r"stem\.([01])\.(.+)", r"downsample_layers.0.\1.\2"),
    Rule(r"stages\.(\d+)\.downsample\.(.+)", r"downsample_layers.\1.\2"),
    Rule(r"stages\.(\d+)\.blocks\.(\d+)\.conv_dw\.(.+)", r"stages.\1.\2.depthwise_conv.\3"),
    Rule(r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc([12])\.(.+)", r"stages.\1.\2.pointwise_conv\3.\4"),
    Rule(r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.grn\.weight", r"stages.\1.\2.grn.gamma"),
    Rule(r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.grn\.bias", r"stages.\1.\2.grn.beta"),
    Rule(r"stages\.(\d+)\.blocks\.(.+)", r"stages.\1.\2"),
    Rule(r"head\.norm\.(.+)", r"norm3.\1"),
    Rule(r"head\..+", None),
)
CONVNEXT_TORCHVISION = (
    Rule(r"features\.0\.([01])\.(.+)", r"downsample_layers.0.\1.\2"),
    *(
        rule
        for i in range(4)
        for rule in (
            Rule(rf"features\.{2 * i}\.([01])\.(.+)", rf"downsample_layers.{i}.\1.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.block\.0\.(.+)", rf"stages.{i}.\1.depthwise_conv.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.block\.2\.(.+)", rf"stages.{i}.\1.norm.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.block\.3\.(.+)", rf"stages.{i}.\1.pointwise_conv1.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.block\.5\.(.+)", rf"stages.{i}.\1.pointwise_conv2.\2"),
            Rule(rf"features\.{2 * i + 1}\.(\d+)\.layer_scale", rf"stages.{i}.\1.gamma", flat),
        )
    ),
    Rule(r"classifier\.0\.(.+)", r"norm3.\1"),
    Rule(r"classifier\..+", None),
)


def mobilenet_v2() -> tuple[Rule, ...]:
    """torchvision's blocks are numbered through, and only some of their convolutions are modules with their norm."""
    places = [(layer, i) for layer, count in enumerate(MOBILENET_V2, 1) for i in range(count)]
    rules = [
        Rule(r"features\.0\.0\.(.+)", r"conv1.conv.\1"),
        Rule(r"features\.0\.1\.(.+)", r"conv1.bn.\1"),
    ]
    for number, (layer, i) in enumerate(places, 1):
        old, new = rf"features\.{number}\.conv\.", f"layer{layer}.{i}.conv."
        last = 1 if number == 1 else 2  # the first block does not widen its input
        rules += [
            Rule(rf"{old}([0-{last - 1}])\.0\.(.+)", rf"{new}\1.conv.\2"),
            Rule(rf"{old}([0-{last - 1}])\.1\.(.+)", rf"{new}\1.bn.\2"),
            Rule(rf"{old}{last}\.(.+)", rf"{new}{last}.conv.\1"),
            Rule(rf"{old}{last + 1}\.(.+)", rf"{new}{last}.bn.\1"),
        ]
    return (*rules, Rule(rf"features\.{len(places) + 1}\..+|classifier\..+", None))


#: timm's blocks: the first one of all does not widen its input
MOBILENET_V2_TIMM = (
    Rule(r"conv_stem\.(.+)", r"conv1.conv.\1"),
    Rule(r"bn1\.(.+)", r"conv1.bn.\1"),
    Rule(r"blocks\.0\.0\.conv_dw\.(.+)", r"layer1.0.conv.0.conv.\1"),
    Rule(r"blocks\.0\.0\.bn1\.(.+)", r"layer1.0.conv.0.bn.\1"),
    Rule(r"blocks\.0\.0\.conv_pw\.(.+)", r"layer1.0.conv.1.conv.\1"),
    Rule(r"blocks\.0\.0\.bn2\.(.+)", r"layer1.0.conv.1.bn.\1"),
    *(
        rule
        for i in range(1, len(MOBILENET_V2))
        for rule in (
            Rule(rf"blocks\.{i}\.(\d)\.conv_pw\.(.+)", rf"layer{i + 1}.\1.conv.0.conv.\2"),
            Rule(rf"blocks\.{i}\.(\d)\.bn1\.(.+)", rf"layer{i + 1}.\1.conv.0.bn.\2"),
            Rule(rf"blocks\.{i}\.(\d)\.conv_dw\.(.+)", rf"layer{i + 1}.\1.conv.1.conv.\2"),
            Rule(rf"blocks\.{i}\.(\d)\.bn2\.(.+)", rf"layer{i + 1}.\1.conv.1.bn.\2"),
            Rule(rf"blocks\.{i}\.(\d)\.conv_pwl\.(.+)", rf"layer{i + 1}.\1.conv.2.conv.\2"),
            Rule(rf"blocks\.{i}\.(\d)\.bn3\.(.+)", rf"layer{i + 1}.\1.conv.2.bn.\2"),
        )
    ),
    Rule(r"conv_head\..+|bn2\..+|classifier\..+", None),
)

SOURCES = (
    Source(
        "resnet-d", "ResNet weights of timm with a stem of three convolutions", (r"conv1\.6\.weight$",), DEEP_RESNET
    ),
    Source(
        "resnet",
        "ResNet weights of torchvision or timm",
        (r"conv1\.weight$", r"layer1\.0\.conv1\.weight$", r"fc\.weight$"),
        RESNET,
    ),
    Source(
        "convnext",
        "ConvNeXt weights of its authors",
        (r"downsample_layers\.0\.0\.weight$", r"stages\.0\.0\.dwconv\.weight$"),
        CONVNEXT_BLOCK,
    ),
    Source(
        "dinov3-convnext-transformers",
        "DINOv3 ConvNeXt weights of transformers",
        (r"(?:model\.)?stages\.0\.downsample_layers\.0\.weight$", r"layer_norm\.weight$"),
        CONVNEXT_TRANSFORMERS,
    ),
    Source(
        "timm-convnext",
        "ConvNeXt weights of timm",
        (r"stem\.0\.weight$", r"stages\.0\.blocks\.0\.conv_dw\.weight$"),
        CONVNEXT_TIMM,
    ),
    Source(
        "torchvision-convnext",
        "ConvNeXt weights of torchvision",
        (r"features\.1\.0\.layer_scale$", r"features\.1\.0\.block\.5\.weight$"),
        CONVNEXT_TORCHVISION,
    ),
    Source(
        "torchvision-mobilenet-v2",
        "MobileNetV2 weights of torchvision",
        (r"features\.1\.conv\.0\.0\.weight$", r"features\.2\.conv\.3\.weight$"),
        mobilenet_v2(),
    ),
    Source(
        "timm-mobilenet-v2",
        "MobileNetV2 weights of timm",
        (r"conv_stem\.weight$", r"blocks\.6\.0\.conv_pwl\.weight$", r"conv_head\.weight$"),
        MOBILENET_V2_TIMM,
        never=(r"blocks\.\d\.\d\.se\.",),
    ),
)
