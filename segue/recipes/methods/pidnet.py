"""PIDNet: branches for detail, context and boundaries. https://arxiv.org/abs/2206.02066"""

from __future__ import annotations

from segue.recipes.data import Step
from segue.recipes.encoders import ABSENT, WEIGHTS, Encoder, pick, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.methods.ddrnet import class_weight, hard_pixels
from segue.recipes.parts import Recipe, cross_entropy, encoder_decoder, head, pretrained_init
from segue.recipes.schedules import poly

# channels, blocks of the stem and of the branches, channels of the pyramid pooling and of the head, weights
SIZES = {
    "s": (32, 2, 3, 96, 128, "20230306-715e6273"),
    "m": (64, 2, 3, 96, 128, "20230306-39893c52"),
    "l": (64, 3, 4, 112, 256, "20230306-67889109"),
}


def with_edges(steps: list[Step]) -> list[Step]:
    """The pipeline that also draws the edges of labels."""
    return [*steps[:-1], dict(type="GenerateEdge", edge_width=4), steps[-1]]


def recipe(ask: Request) -> Recipe:
    """pidnet-s, pidnet-m, pidnet-l; edges of the labels are a target."""
    (size,) = ask.components("size")
    channels, stem, branch, ppm, width, weights = pick("size", size, SIZES)
    backbone = dict(
        type="PIDNet", in_channels=3, channels=channels, ppm_channels=ppm, num_stem_blocks=stem,
        num_branch_blocks=branch, align_corners=False, norm_cfg=sync_bn(), act_cfg=dict(type="ReLU", inplace=True),
        init_cfg=pretrained_init(f"{WEIGHTS}/pidnet/pidnet-{size}_imagenet1k_{weights}.pth"),
    )
    losses = [
        cross_entropy(0.4, **class_weight(ask)),
        hard_pixels(ask, 1.0),
        dict(type="BoundaryLoss", loss_weight=20.0),
        hard_pixels(ask, 1.0),
    ]
    form = dict(dropout_ratio=ABSENT, act_cfg=dict(type="ReLU", inplace=True), align_corners=True, loss_decode=losses)
    return Recipe(
        model=encoder_decoder(Encoder(backbone, ()), head("PIDHead", channels * 4, ABSENT, width, **form)),
        schedule=[poly(ask.iters, eta_min=0)], workers=2, edit=with_edges, more=dict(randomness=dict(seed=304)),
    )
