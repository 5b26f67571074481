"""Models whose pixels may have several classes: losses of every head take stacks, predictions are per class.

Oracle: shapes, finite losses with gradients, and a threshold that decides as it says.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.config.builder.build import build_model
from segue.config.labels import apply_labels
from segue.errors import InputError
from segue.inference.segment import label_maps, labels_of, probabilities
from segue.types import Targets
from tests.models import small

DA = {"type": "DAHead", "in_channels": 64, "in_index": 3, "pam_channels": 4, **small.HEAD}
MODELS = {"PSP with auxiliary": small.encoder_decoder(), "OCR cascade": small.ocrnet()}
MODELS["DA"] = small.encoder_decoder(decode_head=DA)


def built(cfg: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    return build_model(apply_labels({"labels": {"kind": "multilabel"}, **cfg}))


@pytest.mark.parametrize("name", MODELS)
def test_losses_and_predictions(name: str) -> None:
    model = built(MODELS[name])
    labels = torch.randint(0, 2, (2, 3, 64, 64), dtype=torch.uint8)
    labels[0, 1] = 255
    losses = model.loss(torch.randn(2, 3, 64, 64), Targets(labels=labels))
    assert any(key.endswith("acc_seg") for key in losses)
    total = sum(value for key, value in losses.items() if "loss" in key)
    total.backward()
    assert torch.isfinite(total) and total > 0
    logits = model.eval().encode_decode(torch.randn(1, 3, 64, 64))
    found = labels_of(model, logits)
    assert found.shape == (1, 3, 64, 64) and found.dtype == torch.bool
    assert torch.equal(found, logits > 0)  # sigmoid above 0.5
    model.head.threshold = 0.9
    assert torch.equal(labels_of(model, logits), probabilities(model, logits) > 0.9)


def test_views_are_averaged_as_probabilities() -> None:
    """Logits of 4 and -2 are 0.98 and 0.12, on average 0.55; their mean logit 1 would be 0.73. 4 and 0 give 0.74."""

    class Fixed(torch.nn.Module):
        test = type("Options", (), {"mode": "whole"})()
        head = type("Head", (), {"multilabel": True, "threshold": 0.6, "align_corners": False})()

        def data_preprocessor(self, batch: Any, training: bool) -> Any:
            return torch.stack(batch["inputs"]), batch["data_samples"]

        def encode_decode(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs

    sample = type("Sample", (), {"meta": {}})()
    views = [torch.full((2, 1, 1), value) for value in (4.0, -2.0)]
    views[1][1] = 0.0
    [found] = label_maps(Fixed(), {"inputs": [views], "data_samples": [[sample, sample]]})
    assert found.flatten().tolist() == [False, True]


def test_data_of_the_other_kind_is_refused() -> None:
    model, inputs = built(MODELS["DA"]), torch.randn(1, 3, 64, 64)
    with pytest.raises(InputError, match=r"multilabel=True, but the data has one class per pixel; .*'multiclass'"):
        model.loss(inputs, Targets(labels=torch.zeros(1, 64, 64, dtype=torch.int64)))
    with pytest.raises(InputError, match=r"multilabel=False, but the data has several classes per pixel"):
        build_model(MODELS["DA"]).loss(inputs, Targets(labels=torch.zeros(1, 3, 64, 64, dtype=torch.uint8)))
