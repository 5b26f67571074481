"""MobileNetV4 under the head of EfficientViT. https://arxiv.org/abs/2404.10518

The combination is Segue's, chosen by its time on CPUs (docs/real-time.md).
"""

from __future__ import annotations

from segue.recipes.encoders import pick
from segue.recipes.grammar import Request
from segue.recipes.light import Light, light
from segue.recipes.parts import Recipe

SIZES = {
    "s": Light(
        name="mobilenetv4_conv_small.e2400_r224_in1k", stages=(2, 3, 4), channels=(64, 96, 960), width=64, depth=1
    ),
    "m": Light(
        name="mobilenetv4_conv_medium.e500_r224_in1k", stages=(2, 3, 4), channels=(80, 160, 960), width=80, depth=1
    ),
}


def recipe(ask: Request) -> Recipe:
    """mobilenet-v4-s, mobilenet-v4-m."""
    (size,) = ask.components("size")
    return light(ask, pick("size", size, SIZES))
