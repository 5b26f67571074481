"""BiSeNetV2: details and semantics, aggregated with guidance. https://arxiv.org/abs/2004.02147"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, Encoder
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head
from segue.recipes.schedules import sgd, warm_poly

BACKBONE = dict(
    type="BiSeNetV2", detail_channels=(64, 64, 128), semantic_channels=(16, 32, 64, 128), semantic_expansion_ratio=6,
    bga_channels=128, out_indices=(0, 1, 2, 3, 4), init_cfg=None, align_corners=False,
)


def recipe(ask: Request) -> Recipe:
    """bisenetv2_fcn."""
    ask.components("fcn")
    stages = ((16, 16), (32, 64), (64, 256), (128, 1024))
    auxiliary = [
        fcn_head(channels, index, width, num_convs=2, dropout_ratio=ABSENT)
        for index, (channels, width) in enumerate(stages, 1)
    ]
    model = encoder_decoder(Encoder(BACKBONE, (), None), fcn_head(128, 0, 1024), auxiliary)
    return Recipe(model=model, optim=sgd(lr=0.05), schedule=warm_poly(ask.iters))
