"""DeepLabV3: dilated convolutions of several rates. https://arxiv.org/abs/1706.05587"""

from __future__ import annotations

from segue.recipes.encoders import Encoder
from segue.recipes.parts import Section, head

RATES = {"8": (1, 12, 24, 36), "16": (1, 6, 12, 18)}  # by the stride of the backbone


def rates(net: Encoder) -> Section:
    """Dilations for the backbone's stride; multi-grid forms are trained on hard pixels."""
    backbone = net.backbone
    pixels = dict(sampler=dict(type="OHEMPixelSampler", min_kept=100000)) if "multi_grid" in backbone else {}
    return dict(dilations=RATES["16" if backbone.get("strides") == (1, 2, 2, 1) else "8"], **pixels)


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("ASPPHead", net.channels[3], 3, net.width(512), **rates(net))
