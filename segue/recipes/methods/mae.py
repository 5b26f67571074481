"""A masked autoencoder's ViT under UPerNet. https://arxiv.org/abs/2111.06377"""

from __future__ import annotations

from segue.recipes.encoders import Encoder, PartError
from segue.recipes.grammar import Request
from segue.recipes.methods.beit import layer_decay, pyramid
from segue.recipes.methods.upernet import pyramid_head
from segue.recipes.methods.vit import plain_vit
from segue.recipes.parts import Recipe, encoder_decoder, fcn_head, slide, two_thirds
from segue.recipes.schedules import warm_linear


def recipe(ask: Request) -> Recipe:
    """mae-base_upernet."""
    if ask.parts != ("base", "upernet"):
        raise PartError("backbone", "_".join(ask.parts), ("base_upernet",))
    backbone = plain_vit("MAE", ask.crop, 768, 12)
    backbone.update(out_indices=[3, 5, 7, 11], init_values=1.0)
    net = Encoder(backbone, (768,) * 4, "./pretrain/mae_pretrain_vit_base_mmcls.pth")
    return Recipe(
        model=encoder_decoder(
            net, pyramid_head(net.channels, 768), fcn_head(768, 2, 256, loss=0.4), neck=pyramid(768),
            test_cfg=slide(ask.crop, two_thirds(ask.crop)),
        ),
        optim=layer_decay(1e-4, 0.65, 12),
        schedule=warm_linear(ask.iters),
        batch=2,
    )
