"""The ways in which mmseg's losses are called, over a loss of Segue: mixed into every one that user code imports.

``loss(pred, target, weight, avg_factor=..., reduction_override=...)``, by the names that each class has there
(``cls_score`` and ``label`` of the cross-entropies). Segue's own call, ``(pred, target, weight=...,
ignore_index=...)``, is the same without the others.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from segue.compat.mmseg.losses import weight_reduce_loss
from segue.errors import InputError

_USUAL = ("pred", "target", "weight", "avg_factor", "reduction_override", "ignore_index")
#: class -> the names of its arguments in the reference, in their order
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "CrossEntropyLoss": ("cls_score", "label", *_USUAL[2:]),
    "LovaszLoss": ("cls_score", "label", *_USUAL[2:]),
    "OhemCrossEntropy": ("score", "target"),
    "BoundaryLoss": ("bd_pre", "bd_gt"),
    "HuasdorffDisstanceLoss": ("pred", "target", "avg_factor", "reduction_override"),
    "KLDivLoss": ("input", "target"),
}
#: accepted by name everywhere, as the reference's ``**kwargs`` do
_OTHERS = ("weight", "ignore_index", "pred", "target")
REDUCTIONS = (None, "none", "mean", "sum")
#: what CrossEntropyLoss ignores in mmseg where nothing is said, as torch does
TORCHS_IGNORE = -100


class LossCalls:
    """``forward`` with the reference's arguments."""

    stands_for: tuple[str, str]

    def forward(self: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The loss of ``pred`` for ``target``.

        Args:
            args, kwargs: predictions and targets, then ``weight`` per pixel, or per image where a loss is one number
                an image; ``avg_factor``, which a mean divides by in place of the count; ``reduction_override`` in
                place of ``reduction``; ``ignore_index``.

        Raises:
            InputError: an unknown ``reduction_override``.
            ValueError: ``avg_factor`` with the reduction ``sum``.
            TypeError: an argument is missing, or not known.
        """
        given = self._by_name(args, kwargs)
        override, average = given.pop("reduction_override", None), given.pop("avg_factor", None)
        if override not in REDUCTIONS:
            raise InputError(f"{type(self).__name__}: reduction_override={override!r}; none, mean or sum")
        reduction = override or getattr(self, "reduction", "mean")
        weight = given.get("weight")
        one_each = isinstance(weight, Tensor) and weight.ndim == 1  # a factor per image
        if one_each:
            del given["weight"]
        if average is None and not one_each:
            return self._reduced(reduction, given)
        elements = self._reduced("none", given)
        return weight_reduce_loss(elements, weight if one_each else None, reduction, average)

    def _by_name(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Every argument by Segue's name."""
        names = ARGUMENTS.get(self.stands_for[1], _USUAL)
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, but {len(args)} were given")
        theirs = dict(zip(names, ("pred", "target"), strict=False))
        known = {*names, *_OTHERS, "avg_factor", "reduction_override"}
        given: dict[str, Any] = {}
        for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
            key = theirs.get(name, name)
            if name not in known or key in given:
                raise TypeError(f"{type(self).__name__} got {name!r} {'twice' if key in given else 'unexpectedly'}")
            given[key] = value
        if missing := [name for name in ("pred", "target") if name not in given]:
            raise TypeError(f"{type(self).__name__} needs {' and '.join(missing)}")
        if given.get("ignore_index", 0) is None:
            del given["ignore_index"]
        target = given["target"]
        if "ignore_index" not in given and not target.is_floating_point() and self.stands_for[1] in _IGNORING:
            given["target"] = target.where(target != TORCHS_IGNORE, 255)
        return given

    def _reduced(self: Any, reduction: str, given: dict[str, Any]) -> Tensor:
        if reduction == getattr(self, "reduction", reduction):
            found: Tensor = super().forward(**given)  # type: ignore[misc]
            return found
        own, self.reduction = self.reduction, reduction
        try:
            found = super().forward(**given)  # type: ignore[misc]
        finally:
            self.reduction = own
        return found


_IGNORING = ("CrossEntropyLoss",)


class LovaszCalls(LossCalls):
    """LovaszLoss: one number for the batch is not reduced, and a reduction of it is refused."""

    def _remember(self: Any, given: Any) -> None:
        if not self.per_image and self.reduction != "none":
            raise InputError(f"LovaszLoss: reduction={self.reduction!r} with per_image=False, where the loss is one "
                             "number; say reduction='none'")  # fmt: skip


class FloatTargets(LossCalls):
    """HuasdorffDisstanceLoss: labels may be floats."""

    def _by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        given = super()._by_name(args, kwargs)
        given["target"] = given["target"].to(torch.int64)
        return given


BY_NAME: dict[str, type] = {"LovaszLoss": LovaszCalls, "HuasdorffDisstanceLoss": FloatTargets}
