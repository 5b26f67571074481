"""OCRNet with double attention's relation, predicted from pixels alone. https://arxiv.org/abs/1810.11579"""

from __future__ import annotations

from segue.recipes.grammar import Request
from segue.recipes.methods import ocrnet
from segue.recipes.parts import Recipe


def recipe(ask: Request) -> Recipe:
    """ocrnet-double_r101-d8."""
    found = ocrnet.recipe(ask)
    found.model["decode_head"][1]["relation"] = "pixel"
    return found
