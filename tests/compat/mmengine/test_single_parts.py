"""Single parts of mmengine, worked by hand."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from segue.compat.mmengine import single_parts
from segue.compat.mmseg.prompts import get_predefined_templates
from segue.compat.mmseg.volumes import datafrombytes
from segue.errors import InputError, MissingExtraError


def test_saved_memory_gives_the_same_gradients() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.randn(5, 3)
    model(x).square().sum().backward()
    usual = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    single_parts.turn_on_activation_checkpointing(model, ["0", "2"])
    model(x).square().sum().backward()
    for one, other in zip(usual, [p.grad for p in model.parameters()], strict=True):
        torch.testing.assert_close(one, other)
    with pytest.raises(ValueError, match="no module 'x'"):
        single_parts.turn_on_activation_checkpointing(model, "x")


class Doubling(single_parts.BaseInferencer):
    preprocess_kwargs = {"by"}  # noqa: RUF012

    def preprocess(self, inputs: Any, batch_size: int = 1, by: int = 2) -> Any:
        for start in range(0, len(inputs), batch_size):
            yield [value * by for value in inputs[start : start + batch_size]]

    def forward(self, inputs: Any) -> Any:
        return inputs

    def visualize(self, inputs: Any, preds: Any) -> Any:
        return None

    def postprocess(self, preds: Any, visualization: Any, return_datasamples: bool) -> Any:
        return preds


def test_the_frame_of_an_inferencer() -> None:
    made = Doubling(nn.Identity())
    assert made([1, 2, 3], batch_size=2) == [2, 4, 6] and made(5, by=3) == [15]
    with pytest.raises(ValueError, match="unknown argument"):
        made([1], size=3)


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingExtraError, match="pip install lmdb"):
        single_parts.LmdbBackend("x")
    with pytest.raises(AssertionError, match="'Nothing' is no optimizer"):
        single_parts.ZeroRedundancyOptimizer([], "Nothing")


def test_texts_and_volumes() -> None:
    assert get_predefined_templates("vild")[:2] == ["a photo of a {}.", "This is a photo of a {}"]
    with pytest.raises(AssertionError, match="no template set 'x'"):
        get_predefined_templates("x")
    stream = io.BytesIO()
    np.save(stream, np.arange(3))
    assert datafrombytes(stream.getvalue()).tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="pickles run code"):
        datafrombytes(b"", "pickle")
