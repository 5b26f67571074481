"""DINOv3, frozen, under a head. https://arxiv.org/abs/2508.10104

Deviation: the published linear probe drops channels before it normalizes, ours after.
"""

from __future__ import annotations

from segue.recipes.dino import dinov3
from segue.recipes.grammar import Request
from segue.recipes.parts import Recipe
from segue.recipes.probes import probe


def recipe(ask: Request) -> Recipe:
    """dinov3-b_linear, dinov3-l_upernet, dinov3-convnext-t_segformer ..."""
    size, name = ask.components("size", "head")
    return probe(ask, dinov3(size), name, decay=1e-3 if name == "linear" else 1e-4, cosine=True, dropout=0.1)
