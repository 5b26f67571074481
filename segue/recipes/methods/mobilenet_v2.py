"""MobileNetV2 under another method's head. https://arxiv.org/abs/1801.04381"""

from __future__ import annotations

from segue.recipes.encoders import encoder
from segue.recipes.grammar import Request, head_of
from segue.recipes.parts import Recipe, auxiliary, encoder_decoder


def recipe(ask: Request) -> Recipe:
    """mobilenet-v2-d8_pspnet, and so on."""
    form, method = ask.components("backbone", "method")
    net = encoder(f"mobilenet-v2-{form}")
    return Recipe(model=encoder_decoder(net, head_of(method, net), auxiliary(net)))
