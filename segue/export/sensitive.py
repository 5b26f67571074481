"""Which layers stay in float: those whose rounding is measured to cost most, until what is lost is within a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

GROUPS = 40  # of consecutive layers that are measured one by one


class Quantizer(Protocol):
    """What makes an int8 file.

    Attributes:
        layers: names that may stay in float, from the input on.
    """

    layers: list[str]

    def write(self, path: Path, kept: Sequence[str]) -> None:
        """Write the file, with some layers in float."""


@dataclass(frozen=True)
class Measured:
    """What a file loses.

    Attributes:
        loss: what the limit is of.
        error: of the logits, as a share of their root mean square, which ranks layers.
    """

    loss: float
    error: float


@dataclass
class Search:
    """How the layers in float were found.

    Attributes:
        kept: layers in float.
        cost: error of the logits where these layers alone are rounded, by the first layer of each group measured.
        tried: (count of layers in float, loss) of each file that was measured, the last one as it was left.
    """

    kept: list[str] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)
    tried: list[tuple[int, float]] = field(default_factory=list)


def keep_sensitive(quantizer: Quantizer, path: Path, measure: Callable[[Path], Measured], limit: float) -> Search:
    """Write an int8 file whose loss is within a limit, with as few layers in float as the ranking allows.

    Where half of the groups of layers do not do it, the file is the best of those measured.
    """
    search = Search()

    def lost(kept: Sequence[str]) -> float:
        quantizer.write(path, kept)
        found = measure(path).loss
        search.tried.append((len(kept), found))
        search.kept = list(kept)
        return found

    best: tuple[float, list[str]] = (lost([]), [])
    if best[0] <= limit or len(quantizer.layers) < 2:
        return search
    groups = parted(quantizer.layers, GROUPS)
    ranked = []
    for group in groups:
        quantizer.write(path, [layer for layer in quantizer.layers if layer not in group])
        error = measure(path).error
        search.cost[group[0]] = error
        ranked.append((error, group))
    ranked.sort(key=lambda pair: -pair[0])
    count = 1
    while count <= max(1, len(groups) // 2):
        kept = [layer for _, group in ranked[:count] for layer in group]
        loss = lost(kept)
        if loss <= limit:
            return search
        if loss < best[0]:
            best = (loss, kept)
        count *= 2
    lost(best[1])
    return search


def parted(layers: Sequence[str], most: int) -> list[list[str]]:
    """Consecutive layers in at most so many groups."""
    size = -(-len(layers) // most)
    return [list(layers[start : start + size]) for start in range(0, len(layers), size)]
