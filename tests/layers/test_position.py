"""Positions: indices by hand, resizing by what must stay."""

from __future__ import annotations

import torch

from segue.layers.position import (
    fit_bias_table,
    fit_position_embedding,
    relative_position_index,
    resize_bias_table,
    resize_position_embedding,
    square_grid,
)


def test_relative_positions_by_hand() -> None:
    """Tokens of a 1 x 3 window: the offset j - i = -2 ... 2 gives rows 4 ... 0."""
    index = relative_position_index((1, 3))
    assert index.tolist() == [[2, 1, 0], [3, 2, 1], [4, 3, 2]]


def test_each_offset_has_one_row() -> None:
    h, w = 3, 4
    index = relative_position_index((h, w))
    rows = {}
    for i in range(h * w):
        for j in range(h * w):
            offset = (i // w - j // w, i % w - j % w)
            assert rows.setdefault(offset, index[i, j].item()) == index[i, j].item()
    assert sorted(rows.values()) == list(range((2 * h - 1) * (2 * w - 1)))


def test_rows_of_the_class_token() -> None:
    index = relative_position_index((2, 2), class_token=True)
    assert (index[0, 0], index[0, 3], index[3, 0], index.max()) == (11, 9, 10, 11)
    assert torch.equal(index[1:, 1:], relative_position_index((2, 2)))


def test_resizing_keeps_extras_and_constants() -> None:
    embedding = torch.cat([torch.full((1, 1, 2), 7.0), torch.full((1, 6, 2), 3.0)], dim=1)
    resized = resize_position_embedding(embedding, (2, 3), (5, 4))
    assert tuple(resized.shape) == (1, 21, 2)
    assert torch.allclose(resized[:, 1:], torch.tensor(3.0)) and resized[0, 0, 0] == 7
    assert resize_position_embedding(embedding, (2, 3), (2, 3)) is embedding
    table = torch.cat([torch.full((15, 2), 3.0), torch.arange(6.0).view(3, 2)])
    resized = resize_bias_table(table, (2, 3), (3, 3))
    assert torch.allclose(resized[:25], torch.tensor(3.0)) and torch.equal(resized[25:], table[15:])


def test_what_cannot_fit_is_left_alone() -> None:
    """Then loading reports the shapes."""
    assert square_grid(17, 1) == (4, 4) and square_grid(18, 1) is None and square_grid(0) is None
    state = {"pos": torch.zeros(1, 18, 4), "table": torch.zeros(64, 2)}
    fit_position_embedding(state, "pos", torch.zeros(1, 5, 4), (2, 2))
    fit_bias_table(state, "table", torch.zeros(25, 2), (3, 3))
    assert state["pos"].shape == (1, 18, 4) and state["table"].shape == (64, 2)
