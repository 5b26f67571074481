"""PointRend: Semantic FPN, refined at uncertain points. https://arxiv.org/abs/1912.08193"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT
from segue.recipes.grammar import Request
from segue.recipes.methods.fpn import pyramid, pyramid_head
from segue.recipes.parts import Recipe, cascade, head
from segue.recipes.schedules import poly, warmup


def recipe(ask: Request) -> Recipe:
    """A coarse head and a head for points."""
    net = ask.encoder()
    refine = dict(num_fcs=3, coarse_pred_each_layer=True, dropout_ratio=-1, norm_cfg=ABSENT)
    model = cascade(
        net, [pyramid_head(dropout_ratio=-1), head("PointHead", [256], [0], 256, **refine)],
        neck=pyramid(net.channels), train_cfg=dict(num_points=2048, oversample_ratio=3, importance_sample_ratio=0.75),
        test_cfg=dict(mode="whole", subdivision_steps=2, subdivision_num_points=8196, scale_factor=2),
    )
    return Recipe(model=model, schedule=[warmup(200, 0.1), poly(ask.iters, begin=200)])
