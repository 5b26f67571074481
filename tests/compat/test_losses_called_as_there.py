"""Every loss class in the call forms of mmseg, against the numbers of mmseg 1.2.2 (recorded on the CPU)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.compat import loss_cases

RECORDED = json.loads((Path(__file__).parent / "data" / "loss_calls.json").read_text())
CASES = {loss_cases.label(*case): case for case in loss_cases.CASES}


def loss(name: str, **arguments: Any) -> Any:
    import mmseg.models.losses

    return getattr(mmseg.models.losses, name)(**arguments)


def test_every_case_is_recorded() -> None:
    assert list(CASES) == list(RECORDED) and len(CASES) > 90


@pytest.mark.parametrize("key", CASES)
def test_numbers(key: str) -> None:
    name, arguments, call = CASES[key]
    keywords = {k: loss_cases.value(v) for k, v in call.get("kwargs", {}).items()}
    made = loss(name, **arguments)
    before = getattr(made, "reduction", None)
    found = made(*loss_cases.args(call.get("args", ())), **keywords)
    wanted = RECORDED[key]
    if isinstance(wanted, dict):
        assert list(found.shape) == wanted["shape"]
        assert found.double().sum().item() == pytest.approx(wanted["sum"], abs=2e-4)
    else:
        assert found.flatten().tolist() == pytest.approx(wanted, abs=2e-5)
    assert getattr(made, "reduction", None) == before


def test_segues_own_call_is_the_same() -> None:
    pred, target = loss_cases.args(("scores", "ignored"))
    weight = loss_cases.value("pixels")
    assert loss("DiceLoss")(pred, target, weight=weight, ignore_index=255).ndim == 0
    assert torch.equal(
        loss("CrossEntropyLoss")(pred, target, weight=weight, ignore_index=255),
        loss("CrossEntropyLoss")(pred, target, weight, None, None, 255),
    )


def test_a_subclass_passes_its_arguments_on() -> None:
    from mmseg.models.losses import DiceLoss

    class Half(DiceLoss):
        def forward(self, pred, target, weight=None, avg_factor=None, reduction_override=None, **kwargs):
            return 0.5 * super().forward(pred, target, weight, avg_factor, reduction_override, **kwargs)

    pred, target = loss_cases.args(("scores", "labels"))
    assert Half()(pred, target, avg_factor=7) == 0.5 * DiceLoss()(pred, target, avg_factor=7)


def test_float_labels_and_weights_per_image() -> None:
    pred, target = loss_cases.args(("two", "binary"))
    made = loss("HuasdorffDisstanceLoss")
    assert made(pred, target.float()) == made(pred, target)
    near, depths = loss_cases.args(("near", "depths"))
    each = loss("SiLogLoss", reduction="none")(near, depths)
    assert torch.allclose(
        loss("SiLogLoss")(near, depths, torch.tensor([0.25, 2.0])), (each * torch.tensor([0.25, 2])).mean()
    )


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "DiceLoss", "FocalLoss", "SiLogLoss"])
def test_refusals(name: str) -> None:
    pred, target = loss_cases.args(("near", "depths") if name == "SiLogLoss" else ("scores", "labels"))
    with pytest.raises(AssertionError, match=f"{name}: reduction_override='max'; none, mean or sum"):
        loss(name)(pred, target, reduction_override="max")
    with pytest.raises(ValueError, match='avg_factor can not be used with reduction="sum"'):
        loss(name)(pred, target, avg_factor=3, reduction_override="sum")
    with pytest.raises(TypeError, match=f"{name} got 'wieght' unexpectedly"):
        loss(name)(pred, target, wieght=None)
    with pytest.raises(TypeError, match=f"{name} needs target"):
        loss(name)(pred)


def test_arguments_that_the_reference_refuses() -> None:
    with pytest.raises(AssertionError, match=r"TverskyLoss: alpha=0.6 and beta=0.6 must add up to 1"):
        loss("TverskyLoss", alpha=0.6, beta=0.6)
    with pytest.raises(AssertionError, match="LovaszLoss: reduction='mean' with per_image=False"):
        loss("LovaszLoss")
    with pytest.raises(AssertionError, match="expected 'multi_class' or 'binary', not 'Binary'"):
        loss("LovaszLoss", loss_type="Binary", reduction="none")
    with pytest.raises(AssertionError, match="use_sigmoid=False"):
        loss("FocalLoss", use_sigmoid=False)
