"""Class names and colours: those a dataset class declares, and what a config makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.datasets.palette import Palette, generate_palette
from segue.errors import DataError, InputError
from segue.images.limits import check_file
from segue.masks.labels import IGNORE


@dataclass(frozen=True)
class MetaInfo:
    """Classes of a dataset as it is used.

    Attributes:
        classes: names, in the order of the class ids; None where nobody has named them.
        palette: one RGB colour per class.
        label_map: {declared id: used id or ignore} if the config chose or reordered classes, else None.
        more: any other entries of METAINFO and ``metainfo``.
    """

    classes: tuple[str, ...] | None
    palette: Palette
    label_map: dict[int, int] | None
    more: dict[str, Any]


def resolve_metainfo(
    owner: str, declared: Mapping[str, Any], given: Mapping[str, Any] | None, ignore_index: int = IGNORE
) -> MetaInfo:
    """Merge a class's METAINFO with the config's ``metainfo``.

    ``classes`` may be a list of names or a text file with one name per line. If the class declares its own, the given
    ones choose from them: labels of classes left out become ``ignore_index``.
    """
    given = dict(given or {})
    unusual = {key: value for source in (declared, given) for key, value in source.items()}
    old = _names(owner, declared.get("classes"))
    new = _names(owner, given.get("classes")) or old
    unusual.pop("classes", None)
    unusual.pop("palette", None)
    label_map = _label_map(owner, old, new, ignore_index)
    palette = _palette(owner, given.get("palette"), declared.get("palette"), old, new)
    return MetaInfo(new, palette, label_map, unusual)


def read_names(path: str | Path) -> tuple[str, ...]:
    """Class names from a text file, one per line."""
    check_file(path)
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot read class names: {error}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DataError(f"{path}: holds no class names; write one per line")
    return names


def _names(owner: str, classes: object) -> tuple[str, ...] | None:
    if classes is None:
        return None
    if isinstance(classes, str | Path):
        return read_names(classes)
    if not isinstance(classes, Sequence) or not classes or not all(isinstance(name, str) for name in classes):
        raise InputError(
            f"{owner}: classes must be a list of names or a text file with one name per line, got {classes!r}"
            + ("; write classes=('name',) with a comma for a single class" if classes == () else "")
        )
    repeated = sorted({name for name in classes if list(classes).count(name) > 1})
    if repeated:
        raise InputError(f"{owner}: class names must differ, {', '.join(repeated)} is given twice")
    return tuple(classes)


def _label_map(
    owner: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None, ignore_index: int
) -> dict[int, int] | None:
    if old is None or new is None or old == new:
        return None
    unknown = [name for name in new if name not in old]
    if unknown:
        raise InputError(
            f"{owner}: its classes have no {', '.join(map(repr, unknown))}; metainfo=dict(classes=...) chooses from "
            f"{', '.join(old)}"
        )
    return {index: new.index(name) if name in new else ignore_index for index, name in enumerate(old)}


def _palette(
    owner: str, given: object, declared: object, old: tuple[str, ...] | None, new: tuple[str, ...] | None
) -> Palette:
    """The config's colours are in the order of the classes in use; the class's own in the order it declares them."""
    if new is None:
        return []
    colors = _colors(owner, given or declared or [])
    if not colors:
        return generate_palette(new)
    if given and len(colors) == len(new):
        return colors
    if len(colors) == len(old or new):
        return [colors[(old or new).index(name)] for name in new]
    raise InputError(f"{owner}: the palette has {len(colors)} colours for {len(new)} classes")


def _colors(owner: str, palette: object) -> Palette:
    valid = isinstance(palette, Sequence) and all(
        isinstance(color, Sequence)
        and len(color) == 3
        and all(isinstance(part, int) and 0 <= part <= 255 for part in color)
        for color in palette
    )
    if not valid:
        raise InputError(f"{owner}: palette must be a list of [red, green, blue] with 0..255, got {palette!r:.80}")
    assert isinstance(palette, Sequence)
    return [list(color) for color in palette]
