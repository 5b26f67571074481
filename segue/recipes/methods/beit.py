"""BEiT under UPerNet. https://arxiv.org/abs/2106.08254"""

from __future__ import annotations

from segue.recipes.encoders import Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.methods.upernet import pyramid_head
from segue.recipes.methods.vit import plain_vit
from segue.recipes.parts import Recipe, Section, encoder_decoder, fcn_head, slide, two_thirds
from segue.recipes.schedules import adamw, warm_linear

FORMS = ("base_upernet", "large_upernet")


def pyramid(width: int) -> Section:
    """The neck that makes four sizes of one."""
    return dict(type="Feature2Pyramid", embed_dim=width, rescales=[4, 2, 1, 0.5])


def layer_decay(rate: float, decay: float, layers: int, **more: object) -> Section:
    """AdamW whose rate falls from layer to layer, towards the input."""
    constructor = dict(constructor="LayerDecayOptimizerConstructor")
    return adamw(rate, 0.05, paramwise_cfg=dict(num_layers=layers, layer_decay_rate=decay), **constructor, **more)


def recipe(ask: Request) -> Recipe:
    """beit-base_upernet and beit-large_upernet; large ones are trained with two accumulated steps."""
    if "_".join(ask.parts) not in FORMS:
        raise PartError("backbone", "_".join(ask.parts), FORMS)
    large = ask.parts[0] == "large"
    width, heads, layers = (1024, 16, 24) if large else (768, 12, 12)
    backbone = plain_vit("BEiT", ask.crop, width, heads, layers)
    backbone.update(
        out_indices=(7, 11, 15, 23) if large else (3, 5, 7, 11), qv_bias=True, init_values=1e-6 if large else 0.1,
        drop_path_rate=0.2 if large else 0.1,
    )
    net = Encoder(backbone, (width,) * 4, f"pretrain/beit_{ask.parts[0]}_patch16_224_pt22k_ft22k.pth")
    test = slide(ask.crop, two_thirds(ask.crop))
    optim = layer_decay(3e-5, 0.9, 12)
    if large:
        optim = layer_decay(2e-5, 0.95, 24, accumulative_counts=2)
    if "amp" in ask.flags:
        optim["type"] = "AmpOptimWrapper"
    return Recipe(
        model=encoder_decoder(
            net, pyramid_head(net.channels, width), fcn_head(width, 2, 256, loss=0.4), neck=pyramid(width),
            test_cfg=test,
        ),
        optim=optim,
        schedule=warm_linear(ask.iters, 3000 if large else 1500),
        batch=1 if large else 2,
    )
