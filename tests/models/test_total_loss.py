"""The training loss: means of the values whose name contains ``loss``, lists added up; the others are for the log."""

from __future__ import annotations

import torch

from segue.models.total_loss import total_loss


def test_the_sum_of_what_is_called_loss() -> None:
    """Oracle: (1 + 3) / 2 of the first, 1 + 2 of the list; the accuracy does not count."""
    losses = {
        "decode.loss_ce": torch.tensor([1.0, 3.0]),
        "aux.loss": [torch.tensor(1.0), torch.tensor([2.0, 2.0])],
        "decode.acc_seg": torch.tensor([90.0]),
    }
    total, values = total_loss(losses)
    assert float(total) == 5.0
    assert {name: float(value) for name, value in values.items()} == {
        "decode.loss_ce": 2.0,
        "aux.loss": 3.0,
        "decode.acc_seg": 90.0,
    }
    assert float(total_loss({"acc": torch.tensor(1.0)})[0]) == 0.0
