"""ConvNeXt under UPerNet. https://arxiv.org/abs/2201.03545"""

from __future__ import annotations

from segue.recipes.encoders import Encoder, pick
from segue.recipes.grammar import Request
from segue.recipes.methods.upernet import pyramid_head
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, pretrained_init, slide, two_thirds
from segue.recipes.schedules import adamw, warm_linear

FOLDER = "https://download.openmmlab.com/mmclassification/v0/convnext/downstream"
# width, drop path, layers of the decay, weights of ImageNet-1k and of ImageNet-21k
SIZES = {
    "tiny": (96, 0.4, 6, "32xb128-noema_in1k_20220301-795e9634", None),
    "small": (96, 0.3, 12, "32xb128-noema_in1k_20220301-303e75e3", None),
    "base": (128, 0.4, 12, "32xb128-noema_in1k_20220301-2a0ee547", "in21k_20220301-262fd037"),
    "large": (192, 0.4, 12, None, "in21k_20220301-e6e0ea0a"),
    "xlarge": (256, 0.4, 12, None, "in21k_20220301-08aa5ddc"),
}


def recipe(ask: Request) -> Recipe:
    """convnext-tiny_upernet to convnext-xlarge_upernet; crops of 640 begin with weights of ImageNet-21k."""
    size, _ = ask.components("size", "upernet")
    width, drop_path, layers, in1k, in21k = pick("size", size, SIZES)
    weights = (in21k or in1k) if min(ask.crop) >= 640 else (in1k or in21k)
    backbone = dict(
        type="mmpretrain.ConvNeXt", arch=size, out_indices=[0, 1, 2, 3], drop_path_rate=drop_path,
        layer_scale_init_value=1.0, gap_before_final_norm=False,
        init_cfg=pretrained_init(f"{FOLDER}/convnext-{size}_3rdparty_{weights}.pth", prefix="backbone."),
    )
    net = Encoder(backbone, tuple(width * 2**i for i in range(4)), None)
    test = slide(ask.crop, two_thirds(ask.crop))
    optim = adamw(
        8e-5 if size == "xlarge" else 1e-4, 0.05,
        paramwise_cfg=dict(decay_rate=0.9, decay_type="stage_wise", num_layers=layers),
        constructor="LearningRateDecayOptimizerConstructor",
    )
    return Recipe(
        model=encoder_decoder(
            net, pyramid_head(net.channels), fcn_head(net.channels[2], 2, 256, loss=0.4), test_cfg=test
        ),
        optim=optim,
        schedule=warm_linear(ask.iters),
        batch=2,
    )
