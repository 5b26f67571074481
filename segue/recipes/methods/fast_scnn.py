"""Fast-SCNN: a shared first part of two branches. https://arxiv.org/abs/1902.04502"""

from __future__ import annotations

from typing import Any

from segue.recipes.encoders import ABSENT, Encoder, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, cross_entropy, encoder_decoder, fcn_head, head
from segue.recipes.schedules import sgd

NORM = sync_bn(momentum=0.01)
BACKBONE = dict(
    type="FastSCNN", downsample_dw_channels=(32, 48), global_in_channels=64, global_block_channels=(64, 96, 128),
    global_block_strides=(2, 2, 1), global_out_channels=128, higher_in_channels=64, lower_in_channels=128,
    fusion_out_channels=128, out_indices=(0, 1, 2), norm_cfg=NORM, align_corners=False,
)


def recipe(ask: Request) -> Recipe:
    """fast_scnn: each class against the rest, a high rate and little weight decay."""
    ask.components()
    form: dict[str, Any] = dict(norm_cfg=NORM, dropout_ratio=ABSENT)
    weak = dict(form, loss_decode=cross_entropy(0.4, use_sigmoid=True))
    decode_head = head(
        *("DepthwiseSeparableFCNHead", 128, -1, 128), concat_input=False,
        **dict(form, loss_decode=cross_entropy(1, use_sigmoid=True)),
    )
    auxiliary = [fcn_head(128, -2, 32, **weak), fcn_head(64, -3, 32, **weak)]
    model = encoder_decoder(Encoder(BACKBONE, ()), decode_head, auxiliary)
    return Recipe(model=model, optim=sgd(lr=0.12, weight_decay=4e-5))
