"""OCRNet whose regions no loss names; an auxiliary head has one instead. https://arxiv.org/abs/1909.11065"""

from __future__ import annotations

from segue.recipes.grammar import Request
from segue.recipes.methods import ocrnet
from segue.recipes.methods.fcn import joined_head
from segue.recipes.parts import Recipe, auxiliary, cross_entropy


def recipe(ask: Request) -> Recipe:
    """ocrnet-unsupervised_r101-d8: section 4.2, influence of object region supervision."""
    found = ocrnet.recipe(ask)
    net = ask.encoder()
    found.model["decode_head"][0]["loss_decode"] = cross_entropy(0.0)  # what OCR does with the regions trains them
    joined = net.backbone["type"] == "HRNet"
    found.model["auxiliary_head"] = joined_head(net, loss=0.4) if joined else auxiliary(net)
    return found
