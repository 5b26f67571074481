"""What the doctor says: findings, each with the config lines that mend it where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
ORDER: dict[str, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Fix:
    """One setting that mends a finding.

    Attributes:
        keys: dotted paths of the config that it belongs to; the last part is the setting's name.
        value: what to set.
        text: Python source of the value, where it is shorter than its ``repr``.
        leaves_out: the keys are those of a step in a list, which ``text`` names, and which is to be left out.
    """

    keys: tuple[str, ...]
    value: Any
    text: str = ""
    leaves_out: bool = False

    @property
    def line(self) -> str:
        """As it is written in a ``dict(...)`` of a config: ``label_map={0: 0, 255: 1}``; of the model with its path."""
        if self.leaves_out:
            return f"without {self.text}"
        name = self.keys[0] if self.keys[0].startswith("model.") else self.keys[0].rpartition(".")[2]
        return f"{name}={self.source}"

    @property
    def source(self) -> str:
        """The value as Python source."""
        return self.text or repr(self.value)


@dataclass
class Finding:
    """Something about the data.

    Attributes:
        kind: a short name, the same for the same kind of fault, such as ``binary-mask``.
        severity: ``error``: training would fail or learn nonsense; ``warning``: results may mean less than they seem;
            ``note``: worth knowing.
        split: whose data, such as ``train`` or ``train, val``.
        message: what was found and what it means.
        files: some of the files.
        count: how many files it concerns.
        fixes: the settings that mend it, all of them together.
        marked: raw mask values that a picture of it should show.
    """

    kind: str
    severity: Severity
    split: str
    message: str
    files: Sequence[str] = ()
    count: int = 0
    fixes: Sequence[Fix] = ()
    marked: Sequence[int] = field(default_factory=tuple)

    def __str__(self) -> str:
        lines = "".join(f"\n    {fix.line}" for fix in self.fixes)
        return f"{self.message}{lines}"


def fix_at(keys: Sequence[str], name: str, value: object, text: str = "") -> Fix:
    """The same setting of several datasets; of a folder, which has no keys, by its name alone."""
    return Fix(tuple(f"{key}.{name}" for key in keys) or (name,), value, text)


def several(count: int, noun: str) -> str:
    """``1 mask``, ``2,975 masks``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def by_severity(findings: Sequence[Finding]) -> list[Finding]:
    """Errors first; within one severity as they came."""
    return sorted(findings, key=lambda finding: ORDER[finding.severity])
