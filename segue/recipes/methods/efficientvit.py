"""EfficientViT: linear attention of several scales, and a light head. https://arxiv.org/abs/2205.14756

The model is the paper's, with timm's encoder. Deviation: the training is a usual one.
"""

from __future__ import annotations

from segue.recipes.encoders import pick
from segue.recipes.grammar import Request
from segue.recipes.light import Light, light
from segue.recipes.parts import Recipe

SIZES = {
    size: Light(
        name=f"efficientvit_{size}.r224_in1k", stages=(1, 2, 3), channels=channels, width=channels[0], depth=depth,
        bicubic=True,
    )
    for size, channels, depth in (
        ("b0", (32, 64, 128), 1),
        ("b1", (64, 128, 256), 3),
        ("b2", (96, 192, 384), 3),
        ("b3", (128, 256, 512), 3),
    )
}


def recipe(ask: Request) -> Recipe:
    """efficientvit-b0 to efficientvit-b3."""
    (size,) = ask.components("size")
    return light(ask, pick("size", size, SIZES))
