"""What loading weights did, key by key."""

from __future__ import annotations

from dataclasses import dataclass

from segue.checkpoints.foreign import Conversion

SHOWN = 10  # keys listed per group of a report


@dataclass(frozen=True)
class Mismatch:
    """A key that file and model have with different shapes; the model keeps its initial values."""

    key: str
    given: tuple[int, ...]
    expected: tuple[int, ...]

    @property
    def meaning(self) -> str:
        """What usually makes the two shapes differ."""
        given, expected = self.given, self.expected
        last = self.key.rpartition(".")[0].rpartition(".")[2]
        if last in ("conv_seg", "cls_seg", "cls_embed", "fc", "classifier", "head") and given[1:] == expected[1:]:
            return f"the file knows {given[0]} classes and the model {expected[0]}"
        if "pos_embed" in self.key or "relative_position" in self.key:
            return "the file was made for another image or window size"
        if len(given) == 4 == len(expected) and given[0] == expected[0] and given[2:] == expected[2:]:
            return f"the file expects {given[1]} input channels here and the model {expected[1]}"
        return "the layers differ in size"

    def __str__(self) -> str:
        return f"{self.key}: {self.given} in the file, {self.expected} in the model: {self.meaning}"


@dataclass(frozen=True)
class LoadReport:
    """What ``load_weights`` did, key by key; ``str()`` tells it in words.

    ``conversion`` says how keys of another project were renamed first; None: they had Segue's names. ``new`` are those
    of adapters (LoRA) over weights of a file without any: they begin anew. ``kept`` are those that the file left out
    because the model has them already: it holds what was trained beside them (`segue.checkpoints.trained`).
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]
    conversion: Conversion | None = None
    new: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether file and model agree on every key and shape."""
        return not (self.missing or self.unexpected or self.mismatched)

    def __str__(self) -> str:
        lines = [str(self.conversion)] if self.conversion else []
        lines.append(f"{len(self.loaded)} tensors loaded.")
        if self.kept:
            lines.append(f"{len(self.kept)} tensors of the base, which the file left out, are those it was trained on.")
        if self.new:
            lines.append(f"{len(self.new)} tensors of adapters (lora) are new: the file has none.")
        for title, group in (
            ("of other shape, kept at their initial values", self.mismatched),
            ("missing in the file, kept at their initial values", self.missing),
            ("in the file only, ignored", self.unexpected),
        ):
            if group:
                lines.append(f"{len(group)} {title}:")
                lines += [f"  {entry}" for entry in group[:SHOWN]]
                if len(group) > SHOWN:
                    lines.append(f"  ... and {len(group) - SHOWN} more")
        return "\n".join(lines)
