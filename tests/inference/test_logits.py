"""Logits by rows equal what torch computes of the whole, whatever lies between."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segue.inference import largest as cells
from segue.inference import logits as rows
from segue.inference.largest import Cells, largest
from segue.inference.logits import Cropped, Held, Logits, Mirrored, Resized, Windows


def resize(x: Tensor, size: tuple[int, int], corners: bool) -> Tensor:
    return F.interpolate(x[None], size=size, mode="bilinear", align_corners=corners)[0]


def regions(classes: int, height: int, width: int) -> Tensor:
    """Logits of large regions with some noise, as networks give them."""
    generator = torch.Generator().manual_seed(classes + height)
    coarse = torch.randn(1, classes, 3, 4, generator=generator) * 4
    noise = torch.randn(classes, height, width, generator=generator) * 0.1
    return F.interpolate(coarse, size=(height, width), mode="nearest")[0] + noise


def chain(values: Tensor, corners: bool) -> tuple[Logits, Tensor]:
    """A network's way back: up to its input, off with the padding, the flip undone, to the image's size."""
    way: Logits = Resized(Held(values), (64, 96), corners)
    way = Resized(Mirrored(Cropped(way, (0, 5, 0, 7)), "horizontal"), (101, 77), corners)
    whole = resize(values, (64, 96), corners)[:, :57, :91].flip(2)
    return way, resize(whole, (101, 77), corners)


@pytest.mark.parametrize("corners", [False, True])
def test_rows_are_those_of_the_whole(corners: bool) -> None:
    way, whole = chain(torch.randn(5, 16, 24), corners)
    assert torch.allclose(way.whole(), whole, atol=1e-5)
    for low, high in ((0, 1), (3, 40), (100, 101)):
        assert torch.allclose(way.rows(low, high), whole[:, low:high], atol=1e-5)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", [(16, 24), (40, 24), (16, 90), (5, 7), (1, 1)])
def test_every_direction_of_a_resize(size: tuple[int, int], corners: bool) -> None:
    values = torch.randn(3, 16, 24)
    assert torch.allclose(Resized(Held(values), size, corners).whole(), resize(values, size, corners), atol=1e-5)


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_mirrored(direction: str) -> None:
    values = torch.randn(2, 6, 5)
    axes = {"horizontal": (2,), "vertical": (1,), "diagonal": (1, 2)}[direction]
    assert torch.equal(Mirrored(Held(values), direction).rows(1, 4), values.flip(axes)[:, 1:4])


def test_windows_are_weighted_means() -> None:
    """Two windows of 3 columns in 4: the middle two columns are means of both, by the weights 1, 2, 1."""
    one, two = torch.full((1, 1, 3), 1.0), torch.full((1, 1, 3), 4.0)
    weight = torch.tensor([[1.0, 2.0, 1.0]])
    merged = Windows([(0, 0, Held(one)), (0, 1, Held(two))], (1, 4), weight)
    assert merged.whole().flatten().tolist() == pytest.approx([1, (2 + 4) / 3, (1 + 8) / 3, 4])


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("classes", [2, 19, 150])
def test_labels_where_neighbours_agree_and_where_not(
    classes: int, corners: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways of finding a band's labels, in bands of a few rows, agree with torch but where two logits tie."""
    monkeypatch.setattr(rows, "BAND", classes * 77 * 9)
    monkeypatch.setattr(cells, "BAND", classes * 24 * 3)
    for values in (regions(classes, 16, 24), torch.randn(classes, 16, 24)):
        way, whole = chain(values, corners)
        best = whole.topk(2, dim=0).values
        clear = best[0] - best[1] > 1e-4
        assert clear.float().mean() > 0.99
        assert torch.equal(largest(way)[clear], whole.argmax(0)[clear])


def test_few_logits_are_computed_inside_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an image of regions no band is computed as a whole."""
    values = regions(19, 64, 96)
    way, whole = Resized(Held(values), (256, 384), False), resize(values, (256, 384), False)
    monkeypatch.setattr(Resized, "rows", lambda *_: pytest.fail("all logits of a band were computed"))
    assert (largest(way) == whole.argmax(0)).float().mean() > 0.999


def test_no_cells_below_windows_or_full_size() -> None:
    assert Cells.under(Windows([(0, 0, Held(torch.zeros(9, 4, 4)))], (4, 4))) is None
    assert Cells.under(Resized(Held(torch.zeros(9, 4, 4)), (4, 5), False)) is None
