"""Labels with the number that a head takes for no class.

Datasets give 255 where there is no label, whatever their files have. A head may call it another number, as configs of
mmseg do whose files mark void with 11 and that say ``ignore_index=11`` everywhere: then this number stands there.
"""

from __future__ import annotations

from dataclasses import replace

from segue.masks.labels import IGNORE
from segue.types import Head, Targets


def targets_of(head: Head, targets: Targets) -> Targets:
    """The targets in which void has the head's number; unchanged where that is 255, or where 255 is a class."""
    own = getattr(head, "ignore_index", getattr(getattr(head, "options", None), "ignore_index", IGNORE))
    labels = targets.labels
    if own == IGNORE or not isinstance(own, int) or getattr(head, "num_classes", 0) > IGNORE or labels.ndim != 3:
        return targets
    return replace(targets, labels=labels.masked_fill(labels == IGNORE, own))
