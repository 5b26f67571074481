"""DINOv2, frozen, under a head. https://arxiv.org/abs/2304.07193"""

from __future__ import annotations

from segue.recipes.dino import dinov2
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe
from segue.recipes.probes import probe


def recipe(ask: Request) -> Recipe:
    """dinov2-b_linear, dinov2-l-reg_dpt ..."""
    size, name = ask.components("size", "head")
    return probe(ask, dinov2(size), name, decay=1e-4, cosine=False, dropout=0.0)
