"""Which modules and names of mmseg, mmengine and mmcv Segue answers, and what it says of the rest."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from segue.config.builder.find import UnknownNameError, find, stems
from segue.reference.missing import REASONS
from segue.reference.places import ADAPTED, NOTHING, ROOMS, modules
from segue.reference.public import definers

NAMES = ("mmseg", "mmengine", "mmcv")
VERSIONS = {"mmseg": "1.2.2", "mmengine": "0.10.7", "mmcv": "2.1.0"}


def known(name: str) -> bool:
    """Whether there is a module of that name: one in the table, or a file of components."""
    if any(other == name or other.startswith(f"{name}.") for other in (*modules(), *ROOMS, *definers())):
        return True
    package, _, file = name.rpartition(".")
    if package in ROOMS:
        return is_component_file(file, ROOMS[package])
    return False


def missing(name: str) -> str:
    """What to say of a name that is not there: Segue's own way, if it has one."""
    parts = name.split(".")
    if instead := REASONS.get(parts[-1]):
        return f"segue.compat has no {name}: {instead}"
    for count in range(len(parts), 0, -1):
        instead = NOTHING.get(".".join(parts[:count]))
        if instead:
            return f"segue.compat has no {name}: {instead}"
    places = sorted(module for module, names in modules().items() if parts[-1] in names)
    if places:
        return f"segue.compat has no {name}; import it from {places[0]}"
    return f"segue.compat has no {name}; Segue's own code is in the package `segue`, whose rooms docs/design.md lists"


def is_component_file(file: str, rooms: Sequence[str]) -> bool:
    """Whether mmseg has a file of that name whose classes are Segue's: ``psp_head`` for ``heads/psp.py``."""
    folded = file.replace("_", "").lower()
    known_stems = [stem.replace("_", "") for room in rooms if room != "layers" for stem in stems(room)]
    return any(folded.startswith(stem) or stem.startswith(folded) for stem in known_stems)


@functools.cache
def offers(module: str, name: str) -> bool:
    """Whether `segue.compat` has a module, and the name in it (or the attribute path; ``*`` and "" ask for the module
    only). An installed mmseg plays no part, and nothing becomes importable by it.
    """
    if not known(module):
        return False
    first, _, rest = name.partition(".")
    if not first or first == "*" or first.startswith("__") or first in modules().get(module, {}):
        return True
    if known(f"{module}.{first}") and (rest or first not in definers().get(module, {})):  # a file, and no function
        return offers(f"{module}.{first}", rest)
    rooms = [rooms for package, rooms in ROOMS.items() if module == package or module.startswith(f"{package}.")]
    return any(is_component(first, of) for of in rooms)


def is_component(name: str, rooms: Sequence[str]) -> bool:
    """Whether a component of that name is in one of the rooms, or has the interface of mmseg."""
    if name in ADAPTED:
        return True
    for room in rooms:
        try:
            find(room, name)
        except UnknownNameError:
            continue
        return True
    return False
