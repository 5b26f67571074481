"""The zoo as data: methods, datasets and schedules; a name such as ``pspnet_r50-d8_4xb2-40k_cityscapes-512x1024``
composes them.

A method is a file in ``methods/``, a dataset one in ``datasets/``; both are found by the name's beginning, so a new
one needs no edit elsewhere. Importing this imports neither torch nor Lightning.
"""

from __future__ import annotations

from segue.recipes.catalogue import published_weights, recipe_names
from segue.recipes.compose import compose, is_recipe_name

__all__ = ["compose", "is_recipe_name", "published_weights", "recipe_names"]
