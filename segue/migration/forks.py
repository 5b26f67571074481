"""Forks: the user's own files inside a copy of mmseg, moved out of it as modules of the project."""

from __future__ import annotations

from pathlib import PurePosixPath

from segue.config.builder.find import ROOMS, UnknownNameError
from segue.config.builder.find import find as find_component
from segue.migration.edits import Edit, fix_imports, moved_out
from segue.migration.find import Project
from segue.migration.needs import lacking
from segue.migration.source import Source, read
from segue.reference.names import offers
from segue.training.hooks import ACCEPTED, TRANSLATED
from segue.training.optimizers import CONSTRUCTORS

#: the folder for what moves out
HOME = "own_modules"
#: what mmseg itself registers and Segue has in another form or does not need
THEIRS = {
    *("PolyLRRatio", "CityscapesMetric", "DepthMetric", "HungarianAssigner", "ClassificationCost", "DiceCost"),
    *("CrossEntropyLossCost", "DeconvModule", "InterpConv", "SegTTAModel", "QuickGELU", "SegLocalVisualizer"),
    *TRANSLATED,
    *ACCEPTED,
    *CONSTRUCTORS,
}


class Forks:
    """The copies of mmseg in a project.

    Attributes:
        own: the user's files in them: those that register what Segue has not.
        homes: {module in the copy: the module that it becomes}, of these and of what they import.
    """

    def __init__(self, project: Project) -> None:
        copied = [source for source in project.sources if project.is_vendored(source.path)]
        self._by_name = {name_in_copy(source): source for source in copied}
        self.own = [source for source in copied if is_users(source)]
        self.homes: dict[str, str] = {}
        taken: set[str] = set()
        for source in self.own:
            for part in self.parts(source):
                path, name = PurePosixPath(part.place), name_in_copy(part)
                if name in self.homes:
                    continue
                stem = path.stem if path.stem not in taken else f"{path.parent.name}_{path.stem}"
                taken.add(stem)
                self.homes[name] = f"{HOME}.{stem}"

    def parts(self, source: Source) -> list[Source]:
        """A file and the files of the copy that it needs and Segue does not stand in for."""
        todo, found = [source], {}
        while todo:
            part = todo.pop()
            found[part.path] = part
            for item in part.imports:
                if item.module.partition(".")[0] != "mmseg" or offers(item.module, item.name):
                    continue
                other = self._by_name.get(f"{item.module}.{item.name}") or self._by_name.get(item.module)
                if other is not None and other.path not in found and not other.path.endswith("__init__.py"):
                    todo.append(other)
        return list(found.values())

    def move(self, source: Source) -> list[Edit]:
        """The new files that make one of the user's files a module of the project."""
        edits = []
        for part in self.parts(source):
            file = f"{self.homes[name_in_copy(part)].replace('.', '/')}.py"
            moved = read(file, moved_out(part, self.homes))
            absent = [lacking(item) for item in moved.imports if item.module.startswith(("mmseg", "mmcv", "mmengine"))
                      and not offers(item.module, item.name)]  # fmt: skip
            text, _ = fix_imports(moved, absent)
            edits.append(Edit(f"move {part.path} to {file}, out of the copy of mmseg", file, text))
        return edits


def is_users(source: Source) -> bool:
    """Whether a file of a copy registers something that neither Segue nor mmseg has."""
    return any(component.name not in THEIRS and not known(component.name) for component in source.components)


def known(name: str) -> bool:
    """Whether Segue has a component of a name, in any room."""
    for room in ROOMS:
        try:
            find_component(room, name)
        except UnknownNameError:
            continue
        return True
    return False


def name_in_copy(source: Source) -> str:
    """``mmseg.models.decode_heads.my_head``."""
    return ".".join(PurePosixPath(source.place).with_suffix("").parts)
