"""OCRNet: object-contextual representations. https://arxiv.org/abs/1909.11065"""

from __future__ import annotations

from segue.recipes.grammar import Request
from segue.recipes.methods.fcn import joined_head
from segue.recipes.parts import Recipe, cascade, fcn_head, head
from segue.recipes.schedules import poly, sgd


def recipe(ask: Request) -> Recipe:
    """Soft regions from a first head, on HRNet's joined branches or on a dilated ResNet."""
    net = ask.encoder()
    if net.backbone["type"] == "HRNet":
        joined = dict(input_transform="resize_concat", dropout_ratio=-1)
        objects = head("OCRHead", net.channels, (0, 1, 2, 3), 512, ocr_channels=256, **joined)
        return Recipe(model=cascade(net, [joined_head(net, loss=0.4), objects]))
    width = net.width(512)
    regions = fcn_head(net.channels[2], 2, net.width(256), loss=0.4)
    objects = head("OCRHead", net.channels[3], 3, width, ocr_channels=width // 2)
    found = Recipe(model=cascade(net, [regions, objects]))
    if (ask.gpus or 4) * (ask.batch or 2) >= 16:  # twice the images, twice the rate
        found.optim = sgd(lr=0.02)
        found.schedule = [poly(ask.iters, eta_min=2e-4)]
    return found
