"""The classes of label maps: as given, as a public dataset has them, as a file beside the maps says, or as counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.config.builder.find import find, names
from segue.datasets.class_files import find_class_file
from segue.datasets.metainfo import read_names
from segue.errors import DataError, InputError, fold, nearest
from segue.masks.decode import read_mask
from segue.report.scored_files import Matched
from segue.system.bars import shown

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Classes:
    """Names, a color of each where colors are known, and where both are from."""

    names: tuple[str, ...]
    palette: tuple[Color, ...]
    source: str


def settle(
    given: Sequence[str] | str | int | None,
    truth: str | Path,
    files: Matched,
    void: int,
    *,
    reduced: bool = False,
    console: Console | None = None,
) -> Classes:
    """The classes that are meant.

    Args:
        given: names; or one text: a file with a name per line, the name of a dataset such as ``cityscapes``, or a
            number; None: a file such as ``classes.txt`` in the folder of the truth or above it, else 0 up to the
            largest value in it.
        truth: folder of the truth, or a file.
        files: what is measured.
        void: the value that does not count.
        reduced: ids of the truth start at 1.
        console: where a bar is shown while values are looked for.

    Raises:
        InputError, DataError: what cannot be meant.
    """
    if isinstance(given, int):
        given = str(given)
    if given is not None and not isinstance(given, str) and len(given) == 1:
        given = given[0]
    if isinstance(given, str):
        return _named(given)
    if given:
        return Classes(tuple(given), (), "given")
    folder = Path(truth) if Path(truth).is_dir() else Path(truth).parent
    file = find_class_file([folder, folder.parent, folder.parent.parent])
    if file is not None and not file.values:
        return Classes(file.names, tuple(file.palette), file.path)
    return _counted(files, void, reduced, console)


def _named(text: str) -> Classes:
    if text.isdigit():
        if not 1 <= int(text) <= 65_534:
            raise InputError(f"classes: {text} of them; there are 1 to 65534")
        return Classes(tuple(f"class_{i}" for i in range(int(text))), (), "given")
    if Path(text).is_file():
        return Classes(read_names(text), (), text)
    known = {}
    for name in names("datasets"):
        declared = getattr(find("datasets", name), "METAINFO", None)
        if isinstance(declared, Mapping) and declared.get("classes"):
            known[fold(name).removesuffix("dataset")] = name
    dataset = known.get(fold(text).replace("-", "").removesuffix("dataset"))
    if dataset is None:
        raise InputError(
            f"classes: {text!r} is no file, number or dataset; name two classes or more{nearest(text, sorted(known))}"
        )
    kind: Any = find("datasets", dataset)
    palette = tuple(tuple(color) for color in kind.METAINFO.get("palette") or ())
    return Classes(tuple(kind.METAINFO["classes"]), palette, dataset)


def _counted(files: Matched, void: int, reduced: bool, console: Console | None) -> Classes:
    """0 up to the largest value of the truth."""
    largest = -1
    for _, _, path in shown(files.pairs, len(files.pairs), "looking for classes", console):
        values = read_mask(path)
        counted = values[values != void]
        largest = max(largest, int(counted.max())) if counted.size else largest
    largest -= reduced
    if not 0 <= largest < 65_534:
        raise DataError(f"the truth has values up to {largest}; name the classes: --classes")
    return Classes(tuple(f"class_{i}" for i in range(largest + 1)), (), "the largest value of the truth")
