"""The CRF. Oracle: the mean field of the paper as loops over pixels and labels, in float64."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from segue.errors import InputError
from segue.inference import crf as module
from segue.inference.crf import CRF, crf_from

#: kernels that reach far and count for much
WIDE = {"srgb": 13.0, "compat": 10.0, "smooth_sxy": 3.0, "smooth_compat": 3.0}


def brute_force(shares: np.ndarray, picture: np.ndarray, crf: CRF) -> np.ndarray:
    """Equation 4 term by term: every pair of pixels, every pair of labels."""
    classes, height, width = shares.shape
    pixels = [(y, x) for y in range(height) for x in range(width)]
    kernels = []
    for weight, in_color in ((crf.compat, True), (crf.smooth_compat, False)):
        kernel = np.zeros((len(pixels), len(pixels)))
        for i, (y, x) in enumerate(pixels):
            for j, (v, u) in enumerate(pixels):
                exponent = ((y - v) ** 2 + (x - u) ** 2) / (2 * (crf.sxy if in_color else crf.smooth_sxy) ** 2)
                if in_color:
                    difference = picture[y, x].astype(float) - picture[v, u]
                    exponent += (difference @ difference) / (2 * crf.srgb**2)
                kernel[i, j] = np.exp(-exponent)
        if crf.normalize:
            sums = kernel.sum(axis=1)
            kernel /= np.sqrt(sums[:, None] * sums[None])
        kernels.append((weight, kernel))
    unary = -np.log(shares.reshape(classes, -1).astype(float))
    state = np.exp(-unary)
    for _ in range(crf.iterations):
        energy = unary.copy()
        for label in range(classes):
            for other in range(classes):
                if other != label:
                    for weight, kernel in kernels:
                        energy[label] += weight * (kernel @ state[other] - np.diag(kernel) * state[other])
        state = np.exp(-energy)
        state /= state.sum(axis=0)
    return state.reshape(shares.shape)


def small(classes: int = 3, size: tuple[int, int] = (8, 11)) -> tuple[torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(5)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (*size, 3)).astype(np.uint8), (5, 5), 2)
    shares = np.exp(rng.normal(size=(classes, *size)))
    return torch.tensor(shares / shares.sum(axis=0), dtype=torch.float32), picture


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("iterations", [1, 4])
def test_as_brute_force(normalize, iterations):
    shares, picture = small()
    crf = CRF(sxy=4, srgb=30, compat=2.5, smooth_sxy=1.5, smooth_compat=0.7, iterations=iterations, normalize=normalize)
    found = crf(shares, picture)
    assert np.abs(found.numpy() - brute_force(shares.numpy(), picture, crf)).max() < 2e-5
    assert torch.allclose(found.sum(dim=0), torch.ones(8, 11), atol=1e-6)


def test_pixels_that_are_not_kept_give_the_same(monkeypatch):
    shares, picture = small()
    expected = CRF(**WIDE | {"sxy": 4})(shares, picture)
    monkeypatch.setattr(module, "EXACT", 1)
    monkeypatch.setattr(module, "_PAIRS", 500)
    assert torch.allclose(CRF(**WIDE | {"sxy": 4, "method": "exact"})(shares, picture), expected, atol=1e-6)


def test_one_class_against_none():
    """Two classes, of which the second is given."""
    shares, picture = small(2)
    crf = CRF(sxy=5, srgb=20)
    expected = crf(shares, picture)[1:]
    assert torch.allclose(crf(shares[1:], picture), expected, atol=1e-6)


def step(height: int = 60, width: int = 80) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """A picture of two halves, and probabilities whose border is 4 pixels beside the edge, with specks."""
    rng = np.random.default_rng(0)
    true = (np.arange(width) >= width // 2) * np.ones((height, 1), int)
    picture = np.clip(80 + 90 * true[..., None] + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)
    seen = np.roll(true, 4, axis=1)
    seen[:, :4] = 0
    seen = np.where(rng.random(true.shape) < 0.05, 1 - seen, seen)
    return torch.tensor(np.where(np.stack([seen == 0, seen == 1]), 0.7, 0.3), dtype=torch.float32), picture, true


@pytest.mark.parametrize("method", ["exact", "lattice"])
def test_borders_move_to_edges_and_specks_go(method):
    shares, picture, true = step()
    before = float((shares.argmax(dim=0).numpy() == true).mean())
    after = float((CRF(**WIDE | {"sxy": 20, "method": method})(shares, picture).argmax(dim=0).numpy() == true).mean())
    assert before < 0.92 and after > 0.995


def test_the_defaults_mend_borders_and_keep_thin_things() -> None:
    """A drawn scene, seen as a network of stride 8 would see it. Oracle: the labels that it is drawn from."""
    rng = np.random.default_rng(3)
    true = np.zeros((144, 192), np.uint8)
    true[90:] = 1
    for k in range(6):
        cv2.circle(true, (int(rng.integers(192)), int(rng.integers(144))), int(rng.integers(8, 26)), 2 + k % 3, -1)
    cv2.rectangle(true, (60, 10), (62, 130), 5, -1)
    colors = rng.integers(40, 216, (6, 3))
    picture = np.clip(
        cv2.GaussianBlur(colors[true].astype(np.float32), (3, 3), 0.8) + rng.normal(0, 6, (144, 192, 3)), 0, 255
    )
    there = torch.from_numpy(np.stack([true == k for k in range(6)]).astype(np.float32))[None]
    coarse = torch.log(0.97 * torch.nn.functional.avg_pool2d(there, 8) + 0.005)
    coarse += torch.from_numpy(rng.normal(0, 0.7, coarse.shape).astype(np.float32))
    logits = torch.nn.functional.interpolate(coarse, size=true.shape, mode="bilinear", align_corners=False)[0]
    before = logits.softmax(0)
    after = CRF()(before, picture.astype(np.uint8))
    near = cv2.morphologyEx(true, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8)) > 0
    right = [float((shares.argmax(0).numpy() == true)[near].mean()) for shares in (before, after)]
    assert right[1] > right[0] + 0.02, right
    pole = true == 5
    kept = [float((shares.argmax(0).numpy() == 5)[pole].mean()) for shares in (before, after)]
    assert kept[1] > kept[0] - 0.05, kept


def test_the_lattice_is_near_the_exact_result():
    shares, picture, _ = step(48, 64)
    settings = WIDE | {"sxy": 20, "srgb": 20}
    exact, near = (CRF(**settings | {"method": method})(shares, picture) for method in ("exact", "lattice"))
    assert float((exact - near).abs().mean()) < 0.02
    assert float((exact.argmax(dim=0) == near.argmax(dim=0)).float().mean()) > 0.99


def test_windows_join(monkeypatch):
    """Probabilities of windows with margins of two widths differ from those of the whole in few places."""
    shares, picture, _ = step(96, 128)
    crf = CRF(**WIDE | {"sxy": 8, "srgb": 20, "method": "lattice"})
    whole = crf(shares, picture)
    monkeypatch.setattr(module, "_NUMBERS", 4096)
    monkeypatch.setattr(module, "_INNER", 40)
    cut = crf(shares, picture)
    assert float((whole.argmax(dim=0) == cut.argmax(dim=0)).float().mean()) > 0.995
    assert torch.isfinite(cut).all() and not torch.equal(whole, cut), "there were several windows"


def test_kept_as_given():
    shares, picture = small()
    found = CRF(compat=0, smooth_compat=0)(shares.half(), torch.from_numpy(picture))
    assert found.dtype == torch.float16 and torch.allclose(found.float(), shares, atol=2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["sxy=0"], "a width is a positive number"),
        (["compat=-1"], "0 or more"),
        (["iterations=0"], "at least 1"),
        (["iterations=2.5"], "an integer"),
        (["srgb=x"], "srgb is a number"),
        (["normalize=maybe"], "true or false"),
        (["method=fast"], "'exact' or 'lattice'"),
        (["sxz=3"], "did you mean 'sxy'"),
        (["sxy"], "KEY=VALUE"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InputError, match=message):
        crf_from(settings)


def test_settings():
    assert crf_from(["sxy=60", "iterations=10", "normalize=false"]) == CRF(sxy=60, iterations=10, normalize=False)


def test_shapes_that_do_not_fit():
    with pytest.raises(InputError, match="of their size"):
        CRF()(torch.ones(2, 4, 4) / 2, np.zeros((4, 5, 3), np.uint8))
