"""Probabilities of a band and of all, in files, against torch's softmax of whole logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from segue.inference.logits import Held, Resized
from segue.inference.prediction import Prediction
from segue.inference.probabilities import Probabilities, in_bytes

COARSE = torch.randn(5, 12, 16, generator=torch.Generator().manual_seed(0)) * 4
SIZE = (47, 63)


def whole(coarse: torch.Tensor) -> torch.Tensor:
    return F.interpolate(coarse[None], size=SIZE, mode="bilinear", align_corners=False)[0]


def test_the_mean_over_views() -> None:
    views = [Resized(Held(COARSE), SIZE, False), Resized(Held(COARSE.flip(0)), SIZE, False)]
    found = Probabilities(views, 5, False)
    expected = (whole(COARSE).softmax(0) + whole(COARSE.flip(0)).softmax(0)) / 2
    np.testing.assert_allclose(found.whole(), expected.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.confidence(), expected.max(0).values.numpy(), atol=1e-6)
    entropy = -(expected * expected.log()).sum(0)
    np.testing.assert_allclose(found.entropy(), entropy.numpy(), atol=1e-5)
    assert found.nbytes == 2 * COARSE.numel() * 4, "only the coarse logits are held"


def test_one_logit_of_two_classes() -> None:
    found = Probabilities([Held(COARSE[:1])], 2, True).whole()
    np.testing.assert_allclose(found[1], COARSE[0].sigmoid().numpy(), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 5, 150])
def test_files_sum_to_one(classes: int, tmp_path: Path) -> None:
    coarse = torch.randn(classes, 12, 16, generator=torch.Generator().manual_seed(1))
    found = Probabilities([Resized(Held(coarse), SIZE, False)], classes, False)
    expected = found.whole()
    for stored, most in (("float16", 5e-4), ("uint8", 1 / 255)):
        found.write(tmp_path / f"{stored}.npy", stored)
        read = np.load(tmp_path / f"{stored}.npy")
        assert read.dtype == np.dtype(stored) and read.shape == (classes, *SIZE)
        values = read.astype(np.float64) / (255 if stored == "uint8" else 1)
        np.testing.assert_allclose(values.sum(axis=0), 1, atol=1e-3)
        assert np.abs(values - expected).max() <= most


def test_largest_remainders_by_hand() -> None:
    """255 * (1/3, 1/3, 1/3) is 85 each; (0.5, 0.3, 0.2) is 127.5, 76.5, 51; the first of equal remainders goes up."""
    thirds = in_bytes(np.full((3, 1), 1 / 3, np.float32), True)
    assert thirds[:, 0].tolist() == [85, 85, 85]
    assert in_bytes(np.array([[0.5], [0.25], [0.25]], np.float32), True)[:, 0].tolist() == [127, 64, 64]
    assert in_bytes(np.array([[0.9], [0.4]], np.float32), False)[:, 0].tolist() == [230, 102]


def test_a_prediction_without_logits_says_so() -> None:
    plain = Prediction(np.zeros((2, 2), int), ("a",), [[1, 2, 3]], np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(Exception, match="has no probabilities: it was made with keep_logits=False"):
        plain.probabilities  # noqa: B018
