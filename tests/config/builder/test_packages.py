"""Steps of installed packages."""

from __future__ import annotations

import pytest

from segue.config.builder.packages import as_step
from segue.config.builder.plan import Planner
from segue.config.trust import UnknownNameError
from segue.transforms.albu import Albu


class Flip:
    """Stands for a class of the package that is named."""


def test_classes_of_albumentations_go_into_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Flip, "__module__", "albumentations.augmentations.flip")
    assert as_step(Flip, {"p": 1.0}) == (Albu, {"transforms": [{"type": "Flip", "p": 1.0}]})


def test_own_classes_stay() -> None:
    assert as_step(Flip, {"p": 1.0}) == (Flip, {"p": 1.0})


def test_classes_of_torchvision_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would get the sample: the older ones fail at the first image, and those of v2 leave arrays as they are."""
    monkeypatch.setattr(Flip, "__module__", "torchvision.transforms.v2")
    with pytest.raises(UnknownNameError, match="torchvision's Flip takes an image, and a step of a pipeline"):
        as_step(Flip, {})
    planner = Planner({})
    planner.component({"type": Flip}, "transforms", "pipeline.2")
    assert planner.problems[0].key == "pipeline.2.type"
