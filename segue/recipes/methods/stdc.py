"""STDC: short-term dense concatenation, and a head for details. https://arxiv.org/abs/2104.13188"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, WEIGHTS, Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, head, pretrained_init
from segue.recipes.schedules import warm_poly

WEIGHTS_OF = {"1": "stdc1_20220308-5368626c", "2": "stdc2_20220308-7dbd9127"}
NORM = dict(type="BN", requires_grad=True)


def recipe(ask: Request) -> Recipe:
    """stdc1 and stdc2, from scratch; stdc1_in1k-pre, from ImageNet."""
    size, *pre = ask.parts or ("",)
    if size not in WEIGHTS_OF or pre not in ([], ["in1k-pre"]):
        raise PartError("backbone", ask.method + "_".join(ask.parts), ("stdc1", "stdc2", "stdc1_in1k-pre"))
    weights = dict(init_cfg=pretrained_init(f"{WEIGHTS}/stdc/{WEIGHTS_OF[size]}.pth")) if pre else {}
    backbone = dict(
        type="STDCContextPathNet",
        backbone_cfg=dict(
            type="STDCNet", stdc_type=f"STDCNet{size}", in_channels=3, channels=(32, 64, 256, 512, 1024),
            bottleneck_type="cat", num_convs=4, norm_cfg=NORM, act_cfg=dict(type="ReLU"), with_final_conv=False,
            **weights,
        ),
        last_in_channels=(1024, 512),
        out_channels=128,
        ffm_cfg=dict(in_channels=384, out_channels=256, scale_factor=4),
    )
    hard = dict(norm_cfg=NORM, sampler=dict(type="OHEMPixelSampler", thresh=0.7, min_kept=10000))
    details = head(
        *("STDCHead", 256, 0, 64), boundary_threshold=0.1, num_convs=1, concat_input=False, num_classes=2,
        dropout_ratio=ABSENT, norm_cfg=NORM, align_corners=True,
        loss_decode=[
            dict(type="CrossEntropyLoss", loss_name="loss_ce", use_sigmoid=True, loss_weight=1.0),
            dict(type="DiceLoss", loss_name="loss_dice", loss_weight=1.0),
        ],
    )
    auxiliary = [
        fcn_head(128, 2, 64, dropout_ratio=ABSENT, **hard),
        fcn_head(128, 1, 64, dropout_ratio=ABSENT, **hard),
        details,
    ]
    decode_head = fcn_head(256, 3, 256, align_corners=True, **hard)
    model = encoder_decoder(Encoder(backbone, (), None), decode_head, auxiliary)
    return Recipe(model=model, schedule=warm_poly(ask.iters))
