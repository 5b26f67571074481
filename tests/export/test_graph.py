"""What decides a pixel's label, and which input is traced."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from segue.export.graph import odd, threshold_of


@pytest.mark.parametrize(
    ("head", "classes", "wanted"),
    [
        ({"out_channels": 4}, 4, None),
        ({}, 4, None),
        ({"out_channels": 1, "threshold": 0.3}, 2, 0.3),  # one logit for two classes
        ({"out_channels": 1}, 1, 0.5),
        ({"out_channels": 4, "multilabel": True, "threshold": 0.6}, 4, 0.6),
    ],
)
def test_threshold(head: dict[str, object], classes: int, wanted: float | None) -> None:
    assert threshold_of(SimpleNamespace(head=SimpleNamespace(**head), num_classes=classes)) == wanted


def test_the_input_that_is_traced() -> None:
    """At least 512 pixels a side, and a side that nothing divides; the batch and the channels stay."""
    assert odd(torch.zeros(2, 5, 64, 96), {"height": 2, "width": 3}).shape == (2, 5, 549, 613)
    assert odd(torch.zeros(2, 1024, 512, 3, dtype=torch.uint8), {"height": 1, "width": 2}).dtype == torch.uint8
