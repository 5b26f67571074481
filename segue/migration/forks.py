"""Projects that hold a copy of mmseg: the project's own files in it, which are tried where they lie."""

from __future__ import annotations

from pathlib import PurePosixPath

from segue.migration.find import Project
from segue.migration.source import Import, Source
from segue.reference.copies import PACKAGE, Copy, read_copy


class Forks:
    """The copies of mmseg in a project.

    Attributes:
        copies: {folder in the project that holds the package: the copy}.
        own: the files in them that register a component of the project's own.
    """

    def __init__(self, project: Project) -> None:
        folders = [PurePosixPath(folder) for folder in project.vendored]
        homes = [str(folder.parent) for folder in folders if folder.name == PACKAGE]
        self.copies: dict[str, Copy] = {home: read_copy(project.root / home) for home in homes}
        self.names: dict[str, str] = {}
        for copy in self.copies.values():
            for module in dict.fromkeys(copy.registers.values()):
                path = copy.files[module].path.relative_to(project.root).as_posix()
                self.names[path] = module
        self.own: list[Source] = [source for source in project.sources if source.path in self.names]

    def components(self) -> dict[str, str]:
        """{component: module} of all that is the projects' own in the copies."""
        return {name: module for copy in self.copies.values() for name, module in copy.registers.items()}

    def answers(self, item: Import) -> bool:
        """Whether a copy has what is imported, beside what Segue has."""
        for copy in self.copies.values():
            if item.module in copy.files and (not item.name or item.name == "*"):
                return True
            whole = f"{item.module}.{item.name.partition('.')[0]}"
            if copy.has(whole) or copy.owner(item.module, item.name):
                return True
            file = copy.files.get(item.module)
            if file is not None and any(item.name in unit.names for unit in file.units):
                return True
        return False

    def engine(self) -> list[str]:
        """The files whose changes are not used, since Segue's own engine is."""
        found = []
        for home, copy in self.copies.items():
            found += [path if home == "." else f"{home}/{path}" for path in copy.engine]
        return found
