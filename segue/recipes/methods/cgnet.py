"""CGNet: local, surrounding and global context in few parameters. https://arxiv.org/abs/1811.08201"""

from __future__ import annotations

from segue.recipes.data import Step
from segue.recipes.encoders import ABSENT, Encoder, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, cross_entropy, encoder_decoder, fcn_head

NORM = sync_bn(eps=1e-03)
BACKBONE = dict(
    type="CGNet", norm_cfg=NORM, in_channels=3, num_channels=(32, 64, 128), num_blocks=(3, 21), dilations=(2, 4),
    reductions=(8, 16),
)
RARITY = [  # weights of Cityscapes' classes
    *(2.5959933, 6.7415504, 3.5354059, 9.8663225, 9.690899, 9.369352, 10.289121, 9.953208, 4.3097677, 9.490387),
    *(7.674431, 9.396905, 10.347791, 6.3927646, 10.226669, 10.241062, 10.280587, 10.396974, 10.055647),
]


def plain_steps(steps: list[Step]) -> list[Step]:
    """Neither colors nor classes decide over the crop."""
    for step in steps:
        step.pop("cat_max_ratio", None)
    return [step for step in steps if step["type"] != "PhotoMetricDistortion"]


def recipe(ask: Request) -> Recipe:
    """cgnet_fcn; Adam, and only the mean is subtracted from images."""
    ask.components("fcn")
    weights = dict(class_weight=RARITY) if ask.data.num_classes == len(RARITY) else {}
    decode_head = fcn_head(
        *(256, 2, 256), num_convs=0, dropout_ratio=0, norm_cfg=NORM, align_corners=ABSENT,
        loss_decode=cross_entropy(**weights),
    )
    optimizer = dict(type="Adam", lr=0.001, eps=1e-08, weight_decay=5e-4)
    return Recipe(
        model=encoder_decoder(Encoder(BACKBONE, ()), decode_head, train_cfg=dict(sampler=None)),
        optim=dict(type="OptimWrapper", optimizer=optimizer),
        preprocessor=dict(mean=[72.39239876, 82.90891754, 73.15835921], std=[1, 1, 1]),
        interval=4000,
        workers=2 if ask.crop == (512, 1024) else 4,
        edit=plain_steps if ask.crop[0] == ask.crop[1] else None,  # as the reference's two files have it
        more=dict(default_hooks=dict(logger=dict(log_metric_by_epoch=ABSENT), visualization=ABSENT)),
    )
