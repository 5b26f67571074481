"""BNHead: keys of the published probes, several maps, and the message."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.config.builder.build import build
from segue.errors import ConfigError

MAPS: dict[str, Any] = {"in_channels": [4, 4], "in_index": [0, 1], "input_transform": "resize_concat", "num_classes": 3}


def test_keys_and_shape() -> None:
    head = build({"h": {"type": "BNHead", "channels": 8, "dropout_ratio": 0, **MAPS}}, "h", "heads").eval()
    assert {"bn.weight", "bn.running_mean", "conv_seg.weight", "conv_seg.bias"} <= set(head.state_dict())
    x = torch.randn(1, 4, 5, 7)
    want = head.conv_seg(head.bn(torch.cat([x, 2 * x], dim=1)))
    torch.testing.assert_close(head([x, 2 * x]), want)


def test_message() -> None:
    with pytest.raises(ConfigError, match="channels=4 must be the width of its input, 8"):
        build({"h": {"type": "BNHead", "channels": 4, **MAPS}}, "h", "heads")
