"""FCN, a stack of convolutions, on any backbone; on HRNet as its paper has it; fcn-d6 with a dilation of 6.

https://arxiv.org/abs/1411.4038, https://arxiv.org/abs/1908.07919
"""

from __future__ import annotations

from segue.recipes.encoders import Encoder, encoder
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe, Section, auxiliary, encoder_decoder, head


def decode_head(net: Encoder) -> Section:
    """The head on a backbone."""
    return head("FCNHead", net.channels[3], 3, net.width(512), num_convs=2, concat_input=True)


def joined_head(net: Encoder, **arguments: float) -> Section:
    """The head on all of HRNet's branches, joined at the size of the finest."""
    form = dict(input_transform="resize_concat", kernel_size=1, num_convs=1, concat_input=False, dropout_ratio=-1)
    return head("FCNHead", net.channels, (0, 1, 2, 3), sum(net.channels), **form, **arguments)


def recipe(ask: Request) -> Recipe:
    """A dilation before the backbone (fcn-d6), and no auxiliary head on HRNet."""
    dilation, *rest = ask.parts if ask.parts[:1] == ("d6",) else ("", *ask.parts)
    net = encoder("-".join(rest))
    if net.backbone["type"] == "HRNet":
        return Recipe(model=encoder_decoder(net, joined_head(net)))
    wider = dict(dilation=6) if dilation else {}
    return Recipe(model=encoder_decoder(net, dict(decode_head(net), **wider), dict(auxiliary(net), **wider)))
