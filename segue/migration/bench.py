"""Two copies of a project's small files: one as it is, one that edits are tried in. The project itself is only read."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from segue.migration.edits import Edit, diff
from segue.migration.find import Project

MOST_BYTES = 256 << 20


class Bench:
    """The copies ``given`` and ``edited`` of a project in a folder for scratch."""

    def __init__(self, project: Project, scratch: Path) -> None:
        self.given, self.edited = scratch / "given" / project.root.name, scratch / "edited" / project.root.name
        self.changed: dict[str, str] = {}  # what was edited, and its text before; "" for new files
        size = 0
        for path in project.texts:
            source = project.root / path
            size += source.stat().st_size
            if size > MOST_BYTES:
                project.left_out.append(f"not copied: what follows {path}, since the small files take too much room")
                break
            for copy in (self.given, self.edited):
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy / path)
        for copy in (self.given, self.edited):
            copy.mkdir(parents=True, exist_ok=True)

    def apply(self, edits: Iterable[Edit]) -> dict[str, str | None]:
        """Write edits into ``edited``; returns what `undo` needs."""
        before: dict[str, str | None] = {}
        for edit in edits:
            if not edit.file:
                continue
            path = self.edited / edit.file
            old = path.read_text(encoding="utf-8") if path.exists() else None
            before.setdefault(edit.file, old)
            self.changed.setdefault(edit.file, old or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(edit.new, encoding="utf-8")
        return before

    def undo(self, before: dict[str, str | None]) -> None:
        """Put files back as they were before `apply`."""
        for file, old in before.items():
            path = self.edited / file
            if old is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(old, encoding="utf-8")
            if (old or "") == self.changed.get(file):
                del self.changed[file]

    def diffs(self, files: Iterable[str]) -> dict[str, str]:
        """The unified diffs of those of the files that differ."""
        found = {}
        for file in dict.fromkeys(files):
            path = self.edited / file
            if file in self.changed and path.exists():
                text = diff(file, self.changed[file], path.read_text(encoding="utf-8"))
                if text:
                    found[file] = text
        return found

    def patch(self) -> str:
        """All edits as one patch."""
        return "".join(self.diffs(sorted(self.changed)).values())
