"""What a file needs: which names of mmseg, mmengine and mmcv Segue has or lacks, and which packages are missing."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from segue.config.builder.find import ROOMS, UnknownNameError
from segue.config.builder.find import find as find_component
from segue.migration.packages import Own, install_name
from segue.migration.source import FAMILY, Import, Source
from segue.reference.names import NAMES, missing, offers
from segue.reference.places import modules


@dataclass(frozen=True)
class Need:
    """A name that Segue lacks.

    ``instead`` is what to use; ``target`` the dotted path of something that is called in the same way, if there is one.
    """

    item: Import
    instead: str
    target: str = ""

    @property
    def now(self) -> bool:
        """Whether importing the file fails for it."""
        return self.item.when == "always" and bool(self.item.bound)


@dataclass(frozen=True)
class Package:
    """A package that is not installed: its import name, what to install or "", and the line of its import."""

    name: str
    install: str
    line: int
    when: Literal["always", "tried", "called"]


@dataclass
class Needs:
    """What a file uses of the family, as dotted names that Segue has; what Segue lacks; packages that are missing."""

    has: list[str]
    lacks: list[Need]
    packages: list[Package]


def needs_of(source: Source, own: Own, answers: Callable[[Import], bool] = lambda item: False) -> Needs:
    """What a file needs.

    Args:
        source: the file.
        own: what is the project's own.
        answers: whether the project's copy of mmseg has what is imported.
    """
    found = Needs([], [], [])
    missing_packages: dict[str, Package] = {}
    for item in source.imports:
        top = item.module.partition(".")[0]
        if top in NAMES:
            if offers(item.module, item.name) or answers(item):
                found.has.append(item.full)
            elif item.when != "tried":
                found.lacks.append(lacking(item))
        elif top in FAMILY:
            if top not in own and item.when != "tried" and importlib.util.find_spec(top) is None:
                found.lacks.append(lacking(item))
        elif top and top not in own and top not in sys.stdlib_module_names and not installed(top):
            order = ("always", "called", "tried")
            before = missing_packages.get(top)
            if before is None or order.index(item.when) < order.index(before.when):
                missing_packages[top] = Package(top, install_name(top, own), item.line, item.when)
    found.packages = sorted(missing_packages.values(), key=lambda package: package.line)
    return found


@functools.cache
def installed(name: str) -> bool:
    """Whether a package can be imported here; it is looked for, not imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return name in sys.modules


def lacking(item: Import) -> Need:
    """What to use instead of a name that Segue lacks."""
    name = item.name.partition(".")[0]
    full = f"{item.module}.{name}" if name and name != "*" else item.module
    places = [place for place, names in modules().items() if name and name in names]
    places.sort(key=lambda place: (place.startswith("mmcv"), place))  # mmcv's are mostly the names of 0.x
    if places:
        return Need(item, f"it is in {places[0]}", f"{places[0]}.{name}")
    top = item.module.partition(".")[0]
    here = component(name)
    if here:
        if top in NAMES:
            public = f"mmseg.models.{name}" if offers("mmseg.models", name) else here
            return Need(item, f"it is in {public.rpartition('.')[0]}", public)
        return Need(item, f"{top} is not part of Segue; Segue's own is {here}")
    if top not in NAMES:
        return Need(item, f"{top} is not part of Segue: install it, or replace what you use of it")
    said = missing(full).removeprefix(f"segue.compat has no {full}").lstrip(":; ")
    if said.startswith("Segue's own code"):
        said = "Segue has nothing of this name; copy what you need of it into your project"
    return Need(item, said)


def component(name: str) -> str:
    """The dotted path of Segue's component of a name, or ""."""
    for room in ROOMS if name and "." not in name else ():
        try:
            target = find_component(room, name)
        except UnknownNameError:
            continue
        if target.__class__.__name__ == "partial":
            return f"segue.{room}.{name}"
        return f"{target.__module__}.{name}"
    return ""
