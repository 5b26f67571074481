"""resize: the two meanings of corners, on a row of two pixels."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from segue.layers.resize import resize

ROW = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)


def test_corners() -> None:
    """Aligned: 0, 1/3, 2/3, 1. Not aligned: samples at -1/4, 1/4, 3/4, 5/4, clamped at the ends."""
    assert torch.allclose(resize(ROW, (1, 4), True).flatten(), torch.tensor([0, 1 / 3, 2 / 3, 1]))
    assert torch.allclose(resize(ROW, (1, 4)).flatten(), torch.tensor([0, 0.25, 0.75, 1]))


def test_same_size_is_the_same_tensor() -> None:
    assert resize(ROW, ROW.shape[-2:]) is ROW


class Pyramid(nn.Module):
    """Two maps that are as large as each other where 8 divides the image's sides."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        fine, coarse = F.max_pool2d(image, 3, 4, 1), F.max_pool2d(image, 3, 8, 1)
        return fine + resize(F.interpolate(coarse, scale_factor=2, mode="nearest"), fine.shape[-2:])


def test_an_export_takes_every_size() -> None:
    """What is equal at the size that is traced is resized all the same, for it is not so at others."""
    free = {"image": {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}}
    program = torch.export.export(Pyramid(), (torch.zeros(1, 1, 64, 96),), dynamic_shapes=free, strict=False).module()
    for size in ((64, 96), (97, 73)):
        image = torch.rand(1, 1, *size)
        assert torch.equal(program(image), Pyramid()(image))
