"""Files of what was trained alone, such as adapters and a head: the weights they stand on are left out and named.

Such a file notes the fingerprint of what it left out, and the files that it came from. It loads over no other base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from segue.checkpoints.fingerprint import fingerprint

NOTE = "trained_beside"  # the note's key
#: the ends of the names of adapters' tensors
ADAPTERS = (".lora_A", ".lora_B", ".lora_scale")


@dataclass(frozen=True)
class Start:
    """A file of weights that a base is from: of ``checkpoint``, the keys below ``prefix``, into ``module``."""

    module: str
    checkpoint: str
    prefix: str | None = None


@dataclass(frozen=True)
class Base:
    """What a file of trained weights stands on.

    Attributes:
        fingerprint: of the tensors that the file leaves out, under the model's names.
        tensors: how many.
        starts: the files that they are from.
    """

    fingerprint: str
    tensors: int
    starts: tuple[Start, ...]

    def note(self) -> dict[str, Any]:
        """As it stands in a file."""
        return asdict(self)

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Base | None:
        """What a file notes; None where it is whole, or where what stands there is no such note."""
        found = meta.get(NOTE)
        if not isinstance(found, Mapping) or not isinstance(found.get("fingerprint"), str):
            return None
        rows = found.get("starts")
        starts = [
            Start(str(row.get("module") or ""), str(row["checkpoint"]), row.get("prefix"))
            for row in (rows if isinstance(rows, (list, tuple)) else ())
            if isinstance(row, Mapping) and row.get("checkpoint") and isinstance(row.get("prefix"), (str, type(None)))
        ]
        count = found.get("tensors")
        return cls(found["fingerprint"], count if isinstance(count, int) else 0, tuple(starts))

    def fits(self, state: Mapping[str, Tensor], left_out: Iterable[str]) -> bool:
        """Whether these tensors of a model are the ones."""
        return fingerprint({key: state[key] for key in left_out}) == self.fingerprint


def is_adapter(key: str) -> bool:
    """Whether a tensor is an adapter's, by its name."""
    return f".{key}".endswith(ADAPTERS)
