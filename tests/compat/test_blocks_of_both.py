"""mmcv's ConvModule and the blocks inside Segue's components. Counts: mmseg 1.2.2's."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

BN = {"type": "BN"}
HEAD = {"channels": 4, "num_classes": 3, "norm_cfg": BN}
COUNTS: list[tuple[str, dict[str, Any], int]] = [
    ("MobileNetV2", {}, 51),
    ("CGNet", {"num_channels": (8, 16, 32)}, 27),
    ("FastSCNN", {}, 40),
    ("BiSeNetV2", {}, 54),
    ("UNet", {"base_channels": 4}, 22),
    ("PIDNet", {"channels": 8}, 73),
    ("DDRNet", {"channels": 8}, 48),
    ("MobileNetV3", {"arch": "small"}, 52),
    ("FPN", {"in_channels": [4, 8], "out_channels": 4, "num_outs": 2}, 4),
    ("MultiLevelNeck", {"in_channels": [4, 8], "out_channels": 4, "scales": [1, 1]}, 4),
    ("FCNHead", HEAD | {"in_channels": 8}, 3),
    ("ASPPHead", HEAD | {"in_channels": 8, "dilations": (1, 2)}, 4),
    ("UPerHead", HEAD | {"in_channels": [4, 8], "in_index": [0, 1], "pool_scales": (1, 2)}, 6),
    ("SegformerHead", HEAD | {"in_channels": [4, 8], "in_index": [0, 1]}, 3),
    ("OCRHead", HEAD | {"in_channels": 8, "ocr_channels": 4}, 8),
    ("NLHead", HEAD | {"in_channels": 8}, 7),
    ("APCHead", HEAD | {"in_channels": 8}, 21),
    ("ISAHead", HEAD | {"in_channels": 8, "isa_channels": 4}, 12),
    ("DepthwiseSeparableFCNHead", HEAD | {"in_channels": 8}, 6),
]


@pytest.mark.parametrize(("name", "arguments", "count"), COUNTS, ids=[case[0] for case in COUNTS])
def test_blocks_are_known(name: str, arguments: dict[str, Any], count: int) -> None:
    from mmcv.cnn import ConvModule
    from mmseg.registry import MODELS

    found = [module for module in MODELS.build({"type": name, **arguments}).modules() if isinstance(module, ConvModule)]
    assert len(found) == count
    for block in found:
        conv = block.conv
        assert (block.in_channels, block.out_channels, block.groups) == (
            conv.in_channels,
            conv.out_channels,
            conv.groups,
        )
        assert (block.kernel_size, block.stride, block.dilation) == (conv.kernel_size, conv.stride, conv.dilation)
        assert block.with_bias == (conv.bias is not None)
        assert block.with_norm == (block.norm is not None) == (block.norm_name is not None)
        assert not block.with_activation or isinstance(block.activate, nn.Module)


def test_attributes_as_the_reference_has_them() -> None:
    from mmseg.registry import MODELS

    block = MODELS.build({"type": "PSPHead", "in_channels": 8, **HEAD}).bottleneck
    assert (block.with_norm, block.with_activation, block.norm_name, block.with_bias) == (True, True, "bn", False)
    assert (block.in_channels, block.out_channels, block.kernel_size, block.stride) == (24, 4, (3, 3), (1, 1))
    assert (block.padding, block.dilation, block.groups) == (1, (1, 1), 1)  # the padding as it was given
    assert isinstance(block.norm, nn.BatchNorm2d) and isinstance(block.activate, nn.ReLU)
    plain = MODELS.build({"type": "FCNHead", "in_channels": 8, **HEAD, "norm_cfg": None}).convs[0]
    assert not plain.with_norm and plain.norm is None and plain.with_bias


def test_separable_blocks_and_what_is_neither() -> None:
    from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
    from mmseg.registry import MODELS

    head = MODELS.build({"type": "DepthwiseSeparableASPPHead", **HEAD, "in_channels": 8, "dilations": (1, 2),
                         "c1_in_channels": 4, "c1_channels": 4})  # fmt: skip
    assert sum(isinstance(module, DepthwiseSeparableConvModule) for module in head.modules()) == 3
    assert sum(isinstance(module, ConvModule) for module in head.modules()) == 10
    assert not isinstance(nn.Conv2d(3, 4, 1), ConvModule) and isinstance(ConvModule(3, 4, 1), ConvModule)

    class Mine(ConvModule):
        """A user's."""

    assert isinstance(Mine(3, 4, 1), ConvModule) and not isinstance(head.sep_bottleneck[0].depthwise_conv, Mine)
