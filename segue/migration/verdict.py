"""What a migration finds out about each file of a project, and about the project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from segue.migration.edits import Edit

K = TypeVar("K")
Status = Literal["as is", "edits", "no", "unproven", "part"]
#: what each status means, as the page and the table say it
MEANING: dict[str, str] = {
    "as is": "runs as is",
    "edits": "runs with edits",
    "no": "does not run",
    "unproven": "not run",
    "part": "part of other configs",
}


@dataclass
class Verdict:
    """One file's verdict.

    Attributes:
        path: the file, relative to the project.
        kind: what it is.
        status: see `MEANING`.
        reasons: why it does not run, or was not run.
        edits: what makes it run, tried unless the status is ``no`` or ``unproven``.
        diffs: the edits of files as unified diffs, by file.
        notes: what else there is to know.
        facts: what was found out while it ran.
        stages: [name, seconds] of what was done; ``stage`` is the one that failed.
    """

    path: str
    kind: Literal["config", "module", "script"]
    status: Status
    reasons: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    diffs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    stages: list[list[Any]] = field(default_factory=list)
    stage: str = ""

    @property
    def seconds(self) -> float:
        """Time of all stages."""
        return sum((seconds for _, seconds in self.stages), 0.0)


@dataclass
class Fit:
    """A checkpoint beside the config that it fits best.

    Attributes:
        file: the checkpoint.
        facts: what it holds.
        config: the chosen config; "" where there is none.
        rated: (config, share of agreeing weights), best first.
        found: what loading and predicting said; see `segue.migration.weights.load`.
        picture: PNG: the generated picture and what the model sees in it.
        reason: why it could not be used.
    """

    file: str
    facts: dict[str, Any] = field(default_factory=dict)
    config: str = ""
    rated: list[tuple[str, float]] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    picture: bytes = b""
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether the model took all of its weights and predicted."""
        return not self.reason and bool(self.found.get("fits"))


@dataclass
class Report:
    """Everything about a project.

    Attributes:
        root: its folder.
        verdicts: of configs, modules and scripts.
        patch: every edit that was tried and works, as one file for ``patch -p1``.
        packages: packages to install, with the files that import them.
        vendored: folders that are copies of packages of the family.
        engine: files in them whose changes are not used, since Segue's own engine is.
        left_out: what was not looked at.
        code: whether the project's own code was run.
        fit: the checkpoint, if one was given.
        seconds: time of it all.
        facts: versions.
    """

    root: Path
    verdicts: list[Verdict] = field(default_factory=list)
    patch: str = ""
    packages: dict[str, list[str]] = field(default_factory=dict)
    vendored: list[str] = field(default_factory=list)
    engine: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    code: bool = True
    fit: Fit | None = None
    seconds: float = 0.0
    facts: list[tuple[str, str]] = field(default_factory=list)

    def of(self, kind: str) -> list[Verdict]:
        """The verdicts of one kind, those that need work first."""
        order = ("no", "edits", "unproven", "as is", "part")
        return sorted((v for v in self.verdicts if v.kind == kind), key=lambda v: (order.index(v.status), v.path))

    def counts(self, kind: str = "") -> Counter[str]:
        """How many files have each status."""
        return Counter(v.status for v in self.verdicts if kind in ("", v.kind))

    @property
    def good(self) -> bool:
        """Whether everything runs, as it is or with edits that were tried."""
        return not self.counts()["no"] and (self.fit is None or self.fit.good)

    def changes(self) -> list[tuple[str, list[str]]]:
        """Each edit that works with the files it is for, the most frequent first."""
        return grouped((edit.what, v.path) for v in self.verdicts if v.status == "edits" for edit in v.edits)


def grouped(pairs: Iterable[tuple[K, str]]) -> list[tuple[K, list[str]]]:
    """Values by their key, the longest lists first."""
    found: dict[K, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return sorted(found.items(), key=lambda item: -len(item[1]))
