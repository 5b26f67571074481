"""DDRNet: two resolutions side by side. https://arxiv.org/abs/2101.06085"""

from __future__ import annotations

from segue.recipes.encoders import ABSENT, WEIGHTS, Encoder, PartError, sync_bn
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, encoder_decoder, head, pretrained_init
from segue.recipes.schedules import poly

SIZES = {"23-slim": (32, "ddrnet23s-in1kpre_3rdparty-1ccac5b1"), "23": (64, "ddrnet23-in1kpre_3rdparty-9ca29f62")}
CLASS_WEIGHT = [  # of Cityscapes' classes; PIDNet uses them too
    *(0.8373, 0.918, 0.866, 1.0345, 1.0166, 0.9969, 0.9754, 1.0489, 0.8786, 1.0023),
    *(0.9539, 0.9843, 1.1116, 0.9037, 1.0865, 1.0955, 1.0865, 1.1529, 1.0507),
]


def class_weight(ask: Request) -> dict[str, list[float]]:
    """The weights, if the dataset has Cityscapes' classes."""
    return dict(class_weight=list(CLASS_WEIGHT)) if ask.data.num_classes == len(CLASS_WEIGHT) else {}


def hard_pixels(ask: Request, weight: float) -> dict[str, object]:
    """Cross entropy over hard pixels."""
    weights = class_weight(ask)
    return dict(type="OhemCrossEntropy", thres=0.9, min_kept=131072, **weights, loss_weight=weight)


def recipe(ask: Request) -> Recipe:
    """ddrnet_23_in1k-pre and ddrnet_23-slim_in1k-pre; without in1k-pre from scratch."""
    size, *pre = ask.parts or ("",)
    if size not in SIZES or pre not in ([], ["in1k-pre"]):
        raise PartError("backbone", "_".join(ask.parts), ("23_in1k-pre", "23-slim_in1k-pre", "23", "23-slim"))
    channels, weights = SIZES[size]
    checkpoint = f"{WEIGHTS.removesuffix('pretrain')}ddrnet/pretrain/{weights}.pth"
    backbone = dict(
        type="DDRNet", in_channels=3, channels=channels, ppm_channels=128, norm_cfg=sync_bn(), align_corners=False,
        **(dict(init_cfg=pretrained_init(checkpoint)) if pre else {}),
    )
    losses = [hard_pixels(ask, 1.0), hard_pixels(ask, 0.4)]
    decode_head = head("DDRHead", channels * 4, ABSENT, channels * 2, dropout_ratio=0.0, loss_decode=losses)
    return Recipe(
        model=encoder_decoder(Encoder(backbone, ()), decode_head), schedule=[poly(ask.iters, eta_min=0)], workers=4,
        more=dict(randomness=dict(seed=304)),
    )
