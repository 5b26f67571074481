"""Windows: what goes where, and back."""

from __future__ import annotations

import torch

from segue.layers.windows import from_windows, pad_to_multiple, to_windows


def test_windows_and_back() -> None:
    x = torch.arange(2 * 4 * 6.0).view(2, 4, 6, 1)
    windows = to_windows(x, 2)
    assert tuple(windows.shape) == (12, 4, 1)
    assert windows[1].flatten().tolist() == [2, 3, 8, 9]  # rows 0 and 1, columns 2 and 3
    assert torch.equal(from_windows(windows, 2, (4, 6)), x)


def test_padding() -> None:
    x = torch.ones(1, 3, 4, 1)
    assert tuple(pad_to_multiple(x, 4).shape) == (1, 4, 4, 1) and pad_to_multiple(x, 1) is x
    assert pad_to_multiple(x, 4)[0, :, 0, 0].tolist() == [1, 1, 1, 0]
