"""Several models as one: the mean of their probabilities decides.

A member is seen as one more view of an image is (`segue.inference.segment.views_of`), so that windows, test-time
augmentation, CRF, scenes, saved outputs and reports take an ensemble as they take a model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from segue.checkpoints.hub.address import is_hub
from segue.errors import CheckpointError, InputError
from segue.export.session import SUFFIXES

#: one checkpoint, or several whose probabilities are averaged
Weights: TypeAlias = "str | Path | Sequence[str | Path]"
#: how the names of files of weights end
_ENDINGS = (".pth", ".pt", ".ckpt", ".safetensors", *SUFFIXES)


class Ensemble(nn.Module):
    """Models of the same classes, all of them held at once.

    Args:
        members: at least two; each prepares images in its own way.
        names: what each is called in messages.

    Raises:
        InputError: their probabilities cannot be averaged, and why.
    """

    def __init__(self, members: Sequence[nn.Module], names: Sequence[str]) -> None:
        super().__init__()
        for member, name in zip(members, names, strict=True):
            _check_member(member, name)
        first: Any = members[0]
        for member, name in zip(members[1:], names[1:], strict=True):
            for what, own, other in zip(_ALIKE, _meaning(first), _meaning(member), strict=True):
                if own != other:
                    raise InputError(
                        f"{names[0]} and {name} have no mean: {what} is {own} of one and {other} of the other"
                    )
        self.members = nn.ModuleList(members)
        self.names = tuple(names)

    @property
    def first(self) -> Any:
        """The first member, which answers for what all have in common."""
        return self.members[0]

    @property
    def num_classes(self) -> int:
        """K."""
        count: int = self.first.num_classes
        return count

    @property
    def head(self) -> Any:
        """The first one's head: how probabilities become labels."""
        return self.first.head

    @property
    def test(self) -> Any:
        """How the first one looks at an image."""
        return self.first.test

    @property
    def backbone(self) -> Any:
        """The first one's."""
        return getattr(self.first, "backbone", None)

    @property
    def data_preprocessor(self) -> Any:
        """The first one's; the others prepare images by their own."""
        return self.first.data_preprocessor

    @property
    def predicts_depth(self) -> bool:
        """Whether they estimate depths, which are averaged as they are."""
        return bool(getattr(self.first, "predicts_depth", False))

    def said(self) -> list[str]:
        """Lines for people: what is held, and members that are the same."""
        held = sum(value.numel() * value.element_size() for value in self.state_dict().values())
        lines = [
            f"{len(self.members)} models, whose probabilities are averaged; all are held at once "
            f"({held / 1e6:,.1f} MB of weights), and each sees every image"
        ]
        states = [member.state_dict() for member in self.members]
        for late in range(1, len(states)):
            for early in range(late):
                if states[late] and _equal(states[early], states[late]):
                    lines.append(f"{self.names[early]} and {self.names[late]} hold the same weights, which count twice")
        return lines


_ALIKE = ("num_classes", "multilabel", "the threshold", "the prediction of depths")


def _meaning(model: Any) -> tuple[Any, ...]:
    """What models must have in common."""
    head = getattr(model, "head", None)
    return (
        getattr(model, "num_classes", None),
        bool(getattr(head, "multilabel", False)),
        getattr(head, "threshold", None),
        bool(getattr(model, "predicts_depth", False)),
    )


def _check_member(model: Any, name: str) -> None:
    if getattr(model, "label_maps", None) is not None:
        kind = type(model).__name__
        raise InputError(f"{name}: {kind} predicts in its own way, which gives no probabilities to average")
    if getattr(model, "certificate", {}).get("output") == "labels":
        raise InputError(f"{name}: was exported to give labels, which have no mean: export it without --labels-out")


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


def members_of(model: nn.Module) -> list[nn.Module]:
    """The members of an ensemble; a model itself."""
    return list(model.members) if isinstance(model, Ensemble) else [model]


def listed(checkpoint: Weights | None) -> list[str | Path]:
    """One checkpoint or several as a list.

    Raises:
        InputError: it is empty, or one is named twice.
    """
    if checkpoint is None:
        return []
    if isinstance(checkpoint, (str, Path)):
        return [checkpoint]
    names = list(checkpoint)
    if not names:
        raise InputError("no checkpoint is named: an empty list")
    if wrong := [name for name in names if not isinstance(name, (str, Path))]:
        raise InputError(f"a checkpoint is a path, URL or alias, not {type(wrong[0]).__name__}: {wrong[0]!r}")
    seen: dict[str, str | Path] = {}
    for name in names:
        place = os.path.realpath(name) if os.path.exists(name) else str(name)
        if place in seen:
            raise InputError(f"{name}: is named twice; its probabilities would count twice in the mean")
        seen[place] = name
    return names


def check_classes(named: Sequence[tuple[str, Sequence[str] | None]]) -> None:
    """Compare the classes of several checkpoints, as far as they say them.

    Raises:
        CheckpointError: one has others, or another order.
    """
    known = [(name, tuple(classes)) for name, classes in named if classes is not None]
    for name, classes in known[1:]:
        first, own = known[0]
        if classes != own:
            at = next((i for i, pair in enumerate(zip(own, classes, strict=False)) if pair[0] != pair[1]), None)
            what = (
                f"{len(own)} and {len(classes)} of them" if at is None else f"class {at} is {own[at]} and {classes[at]}"
            )
            raise CheckpointError(
                f"{first} and {name} were trained on other classes ({what}): their mean means nothing"
            )


def leading(paths: Sequence[str]) -> Iterator[str]:
    """The checkpoints that a list of paths begins with: the first, whatever it is called, and those after it whose
    names end as files of weights do, or are those of models at a hub.
    """
    for position, path in enumerate(paths):
        weights = str(path).lower().endswith(_ENDINGS) and not os.path.isdir(path)
        if position and not (weights or is_hub(path)):
            return
        yield path
