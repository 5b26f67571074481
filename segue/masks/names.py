"""Names of classes, as annotation files use them, to class ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.errors import InputError, LabelError, nearest

#: What annotation tools call the class of everything else, and what they call pixels that do not count.
BACKGROUND = ("background", "_background_", "__background__", "bg")
VOID = ("__ignore__", "_ignore_", "ignore", "void", "unlabeled")

Others = Literal["error", "ignore", "background"]


def with_background(names: Sequence[str]) -> tuple[str, ...]:
    """The names with a background before them, unless they have one."""
    has = any(name.lower() in BACKGROUND for name in names)
    return tuple(names) if has else ("background", *names)


@dataclass(frozen=True)
class Names:
    """The classes of a dataset, to look labels up in.

    What no annotation covers is the class named ``background`` if there is one, else unlabeled.

    Attributes:
        classes: names in the order of their ids.
        ignore: value of unlabeled pixels.
        left_out: labels that the dataset has but does not use; they become unlabeled.
        others: what labels of any other name become; by default they are an error, as they may be misspelt.
        palette: RGB color of each class.
    """

    classes: tuple[str, ...]
    ignore: int = 255
    left_out: frozenset[str] = frozenset()
    others: Others = "error"
    palette: tuple[tuple[int, int, int], ...] = ()

    def check(self) -> None:
        """Raise InputError for settings that cannot be meant."""
        if self.others not in ("error", "ignore", "background"):
            raise InputError(f"mask_format: others must be 'error', 'ignore' or 'background', got {self.others!r}")
        if len(self.classes) == 1:
            raise InputError(
                f"classes={list(self.classes)} is a single class, with nothing to tell it from; the pixels that no "
                f"annotation covers are a class too: classes=['background', {self.classes[0]!r}]"
            )
        if self.others == "background" and self.background == self.ignore:
            raise InputError("mask_format: others='background' needs a class 'background'")

    @property
    def background(self) -> int:
        """Value of pixels that no annotation covers."""
        found = [i for i, name in enumerate(self.classes) if name.lower() in BACKGROUND]
        return found[0] if found else self.ignore

    @property
    def objects(self) -> tuple[str, ...]:
        """The classes but the background."""
        return tuple(name for name in self.classes if name.lower() not in BACKGROUND)

    def ids(self, labels: Mapping[str, int], where: str, what: str = "annotations") -> dict[str, int]:
        """{label: class id or the value of unlabeled pixels}.

        Args:
            labels: how often each occurs, for the message.
            where: the file.
            what: is counted.

        Raises:
            LabelError: a label is no class.
        """
        by_name = {name: i for i, name in enumerate(self.classes)}
        found: dict[str, int] = {}
        unknown: list[str] = []
        for label in labels:
            if label in by_name:
                found[label] = by_name[label]
            elif label.lower() in BACKGROUND:
                found[label] = self.background
            elif label in self.left_out or label.lower() in VOID or self.others == "ignore":
                found[label] = self.ignore
            elif self.others == "background":
                found[label] = self.background
            else:
                unknown.append(label)
        if unknown:
            raise LabelError(self._message(labels, unknown, where, what))
        return found

    def blank(self, size: tuple[int, int]) -> NDArray[Any]:
        """(H, W) without any annotation, of a type that holds every id."""
        top = max(len(self.classes) - 1, self.ignore)
        kind = np.uint8 if top <= 255 and self.ignore >= 0 else np.int32
        return np.full(size, self.background, kind)

    def _message(self, labels: Mapping[str, int], unknown: list[str], where: str, what: str) -> str:
        listed = ", ".join(f"{label!r} ({labels[label]} {what})" for label in unknown[:6])
        more = f" and {len(unknown) - 6} more" if len(unknown) > 6 else ""
        shown = ", ".join(self.classes[:8]) + (" ..." if len(self.classes) > 8 else "")
        return (
            f"{where}: {listed}{more} {'is' if len(unknown) == 1 else 'are'} none of the classes {shown}"
            f"{nearest(unknown[0], self.classes, listed=0)}. Add the name to classes, or set others='ignore' or "
            "others='background' in mask_format=dict(type=..., ...)"
        )
