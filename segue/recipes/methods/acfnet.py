"""ACFNet's relation (the probabilities of regions) in OCRNet, to compare it with. https://arxiv.org/abs/1909.09408"""

from __future__ import annotations

from segue.recipes.grammar import Request
from segue.recipes.methods import ocrnet
from segue.recipes.parts import Recipe


def recipe(ask: Request) -> Recipe:
    """OCRNet with another relation."""
    found = ocrnet.recipe(ask)
    found.model["decode_head"][1]["relation"] = "probability"
    return found
