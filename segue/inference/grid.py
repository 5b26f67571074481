"""Probabilities of some pixels of an image: those of every n-th row and column, at a fraction of the cost of all."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from segue.inference.segment import Seen, is_multilabel, mean_probabilities, predicts_depth, probabilities

_LEAST = 1e-12  # so that logarithms are finite


def grid_step(size: tuple[int, int], most: int) -> tuple[int, int]:
    """(rows, columns) from one pixel of a grid to the next, so that it has at most so many."""
    step = max(1, math.ceil(math.sqrt(size[0] * size[1] / most)))
    return min(step, size[0]), min(step, size[1])


def grid_logs(model: Any, seen: Seen, most: int) -> tuple[tuple[int, int], Tensor] | None:
    """(step, log-probabilities (K, h, w)) of a grid, K at least 2: a model of one logit has classes 0 and 1.

    None of a model that predicts depths, several classes per pixel, or in its own way.
    """
    if predicts_depth(model) or is_multilabel(model) or (not seen.views and seen.shares is None):
        return None
    size = (int(seen.labels.shape[-2]), int(seen.labels.shape[-1]))
    step = grid_step(size, most)
    if seen.shares is not None:
        found = seen.shares[:, :: step[0], :: step[1]]
    elif step[0] == 1:
        found = torch.cat([band for _, band in mean_probabilities(model, seen.views or ())], dim=1)[:, :, :: step[1]]
    else:
        rows = []
        for row in range(0, size[0], step[0]):
            views = [probabilities(model, view.rows(row, row + 1)[None])[0] for view in seen.views or ()]
            rows.append(torch.stack(views).mean(0)[:, :, :: step[1]])
        found = torch.cat(rows, dim=1)
    if found.shape[0] == 1:
        found = torch.cat([1 - found, found])
    return step, found.float().clamp_min(_LEAST).log().cpu()
