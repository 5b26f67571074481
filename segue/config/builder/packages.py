"""Steps of installed packages in a pipeline: they take an image, and Segue's take a sample of images and maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.config.builder.find import find
from segue.config.trust import UnknownNameError


def as_step(target: Any, given: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """What stands in the pipeline for a class and its arguments: one of albumentations goes into an ``Albu`` step.

    Raises:
        UnknownNameError: a class of torchvision, which would get the sample, and of arrays pass over in silence.
    """
    package, name = str(getattr(target, "__module__", "")).partition(".")[0], getattr(target, "__name__", "")
    if package == "albumentations":
        return find("transforms", "Albu"), {"transforms": [{"type": name, **given}]}
    if package == "torchvision":
        raise UnknownNameError(
            f"torchvision's {name} takes an image, and a step of a pipeline takes a sample, whose labels must move, "
            "too; use a step of Segue or albumentations, or call it in a step of your project"
        )
    return target, given
