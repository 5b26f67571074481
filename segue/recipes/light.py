"""Light encoders of timm under the head of EfficientViT: what methods in real time are made of.

The training is a usual one (AdamW, polynomial decay, hard pixels), and not that of a paper: no accuracy of it is
measured. Weights that it starts from are timm's, of ImageNet, which timm fetches when the model is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from segue.recipes.encoders import ABSENT, Encoder, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.methods.ddrnet import hard_pixels
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, head
from segue.recipes.schedules import adamw, poly, warmup

WARM = 1500


@dataclass(frozen=True, kw_only=True)
class Light:
    """An encoder, and the head on it.

    Attributes:
        name: timm's, with the tag of its weights.
        stages: of 1/8, 1/16 and 1/32, as timm counts.
        channels: of these.
        width, depth: of the head.
        bicubic: whether maps are resized as in EfficientViT's paper; bilinear takes less time.
    """

    name: str
    stages: tuple[int, int, int]
    channels: tuple[int, int, int]
    width: int
    depth: int
    bicubic: bool = False


def light(ask: Request, chosen: Light) -> Recipe:
    """The recipe of an encoder."""
    backbone = dict(type="TIMMBackbone", model_name=chosen.name, pretrained=True, out_indices=chosen.stages)
    net = Encoder(backbone, chosen.channels)
    form = dict(
        norm_cfg=sync_bn(), act_cfg=dict(type="HSwish"), dropout_ratio=ABSENT, loss_decode=[hard_pixels(ask, 1.0)]
    )
    decode_head = head(
        "EfficientViTHead",
        list(chosen.channels),
        [0, 1, 2],
        4 * chosen.width,
        width=chosen.width,
        depth=chosen.depth,
        interpolate_mode="bicubic" if chosen.bicubic else "bilinear",
        **form,
    )
    side = fcn_head(chosen.channels[1], 1, chosen.width, loss_decode=[hard_pixels(ask, 0.4)])
    return Recipe(
        model=encoder_decoder(net, decode_head, side),
        optim=adamw(1e-3, 0.05),
        schedule=[warmup(WARM, 1e-6), poly(ask.iters, begin=WARM, eta_min=0.0)],
    )
