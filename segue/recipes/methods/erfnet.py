"""ERFNet: factorized residual blocks. https://ieeexplore.ieee.org/document/8063438"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, Encoder
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head

BACKBONE = dict(
    type="ERFNet", in_channels=3, enc_downsample_channels=(16, 64, 128), enc_stage_non_bottlenecks=(5, 8),
    enc_non_bottleneck_dilations=(2, 4, 8, 16), enc_non_bottleneck_channels=(64, 128), dec_upsample_channels=(64, 16),
    dec_stages_non_bottleneck=(2, 2), dec_non_bottleneck_channels=(64, 16), dropout_ratio=0.1, init_cfg=None,
)


def recipe(ask: Request) -> Recipe:
    """erfnet_fcn."""
    ask.components("fcn")
    return Recipe(model=encoder_decoder(Encoder(BACKBONE, (), None), fcn_head(16, ABSENT, 128)))
