"""OCRNet with ACFNet's relation, the probabilities of regions; acfnet is the same. https://arxiv.org/abs/1909.09408"""

from __future__ import annotations

from segue.recipes.methods.acfnet import recipe

__all__ = ["recipe"]
