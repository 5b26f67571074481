"""Small models as configs."""

from __future__ import annotations

import copy
from typing import Any

NORM = {"type": "BN", "requires_grad": True}
HEAD = {"channels": 8, "num_classes": 3, "norm_cfg": NORM}
BACKBONE = {"type": "ResNet", "depth": 18, "base_channels": 8, "stem_channels": 8, "norm_cfg": NORM}
FCN = {"type": "FCNHead", "in_channels": 32, "in_index": 2, "num_convs": 1, "concat_input": False, **HEAD}
PSP = {"type": "PSPHead", "in_channels": 64, "in_index": 3, "pool_scales": (1, 2), **HEAD}


def encoder_decoder(**changes: Any) -> dict[str, Any]:
    """PSP head and an auxiliary FCN head on a narrow ResNet-18, 3 classes."""
    model = {"type": "EncoderDecoder", "backbone": BACKBONE, "decode_head": PSP, "auxiliary_head": FCN}
    return copy.deepcopy({"model": model | changes})


def ocrnet(**changes: Any) -> dict[str, Any]:
    """OCRNet on a narrow, dilated ResNet-18, 3 classes."""
    backbone = BACKBONE | {"strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4)}
    region = FCN | {"loss_decode": {"type": "CrossEntropyLoss", "loss_weight": 0.4}}
    ocr = {"type": "OCRHead", "in_channels": 64, "in_index": 3, "ocr_channels": 4, **HEAD}
    model = {"type": "CascadeEncoderDecoder", "num_stages": 2, "backbone": backbone, "decode_head": [region, ocr]}
    return copy.deepcopy({"model": model | changes})
