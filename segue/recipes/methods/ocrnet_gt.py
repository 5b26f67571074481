"""OCRNet with true regions: what it would give if its regions were perfect; no method. https://arxiv.org/abs/1909.11065"""

from __future__ import annotations

from segue.recipes.grammar import Request
from segue.recipes.methods import ocrnet
from segue.recipes.parts import Recipe


def recipe(ask: Request) -> Recipe:
    """ocrnet-gt_r101-d8, ocrnet-gt_hr48."""
    found = ocrnet.recipe(ask)
    found.model["decode_head"][1]["regions"] = "ground_truth"
    return found
