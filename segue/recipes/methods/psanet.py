"""PSANet: point-wise spatial attention. https://hszhao.github.io/papers/eccv18_psanet.pdf"""

from __future__ import annotations

from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, auxiliary, encoder_decoder, head


def recipe(ask: Request) -> Recipe:
    """The attention covers 97 x 97 positions, 66 x 66 on ADE20K."""
    net = ask.encoder()
    side = 66 if ask.data_stem == "ade20k" else 97
    attention = dict(
        mask_size=(side, side), psa_type="bi-direction", compact=False, shrink_factor=2, normalization_factor=1.0,
        psa_softmax=True,
    )
    decode_head = head("PSAHead", net.channels[3], 3, net.width(512), **attention)
    return Recipe(model=encoder_decoder(net, decode_head, auxiliary(net)))
