"""ResNeSt under another method's head. https://arxiv.org/abs/2004.08955"""

from __future__ import annotations

from segue.recipes.encoders import encoder
from segue.recipes.grammar import Request, head_of
from segue.recipes.parts import Recipe, auxiliary, encoder_decoder


def recipe(ask: Request) -> Recipe:
    """resnest_s101-d8_pspnet, and so on."""
    form, method = ask.components("backbone", "method")
    net = encoder(form)
    return Recipe(model=encoder_decoder(net, head_of(method, net), auxiliary(net)))
