"""What there is to do, fixed once: sources, model and settings by their hashes, and the blocks that follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segue.errors import DataError, InputError
from segue.inference.inputs import unique_names
from segue.inference.scenes.block import Grid
from segue.inference.scenes.settings import Settings
from segue.system.replaced import replaced

FORMAT = 1
#: of a file larger than all of them, so many pieces are hashed, from its first byte to its last
PIECES, PIECE = 64, 1 << 20
#: most bytes of logits, and of what is written of a block, that decide how large a block is
HELD, WRITTEN = 1 << 29, 1 << 28
MOST_STRIDES = 8


@dataclass(frozen=True)
class Source:
    """A scene of a plan.

    Attributes:
        path: where it is on this machine.
        name: of its results.
        size: (H, W).
        digest: SHA-256 of its length and bytes; of a large file, of its `PIECES`.
    """

    path: Path
    name: str
    size: tuple[int, int]
    digest: str


@dataclass(frozen=True)
class Unit:
    """A block: ``source`` is a place in the plan's sources."""

    source: int
    row: int
    column: int


@dataclass(frozen=True)
class Plan:
    """All of it.

    Attributes:
        sources: the scenes.
        settings: how they are predicted.
        model: hash of the network with its weights.
        classes: names, in the order of the labels.
        strides: side of a block, in strides of tiles.
        logits: numbers that the network gives per pixel.
    """

    sources: tuple[Source, ...]
    settings: Settings
    model: str
    classes: tuple[str, ...]
    strides: int
    logits: int

    def grid(self, source: int) -> Grid:
        """Tiles and blocks of a source."""
        return Grid.of(self.sources[source].size, self.settings, self.strides)

    def units(self) -> Iterator[Unit]:
        """Every block of every source, row by row."""
        for index in range(len(self.sources)):
            rows, columns = self.grid(index).shape
            for row in range(rows):
                for column in range(columns):
                    yield Unit(index, row, column)

    def facts(self) -> dict[str, Any]:
        """As JSON. Paths are left out: on another machine they may be others."""
        own = asdict(self.settings)
        settings = {name: list(value) if isinstance(value, (tuple, list)) else value for name, value in own.items()}
        return {
            "format": FORMAT,
            "model": self.model,
            "classes": list(self.classes),
            "settings": settings,
            "strides": self.strides,
            "logits": self.logits,
            "sources": [{"name": s.name, "size": list(s.size), "sha256": s.digest} for s in self.sources],
        }

    def block(self, folder: Path, unit: Unit, kind: str) -> Path:
        """The file of a block."""
        return folder / f"{unit.source:06d}" / f"{kind}_{unit.row:04d}_{unit.column:04d}.tif"

    def done(self, folder: Path, unit: Unit) -> bool:
        """Whether a block is there; labels are written last."""
        return self.block(folder, unit, "labels").exists()

    def keep(self, folder: Path) -> None:
        """Write it into a folder of blocks, or find it there.

        Raises:
            InputError: the folder belongs to another plan.
            DataError: it cannot be written.
        """
        text = json.dumps(self.facts(), indent=1)
        place = folder / "plan.json"
        try:
            if place.exists():
                there = place.read_text(encoding="utf-8")
                if there != text:
                    raise InputError(
                        f"{folder}: holds blocks of another plan ({_difference(there, self.facts())}); remove the "
                        "folder, or write to another --out"
                    )
                return
            folder.mkdir(parents=True, exist_ok=True)
            with replaced(place) as part:
                part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{folder}: cannot write there: {error.strerror or error}") from error


def sources_of(files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> tuple[Source, ...]:
    """The sources of a plan."""
    names = unique_names(files)
    return tuple(Source(path, name, size, digest(path)) for path, name, size in zip(files, names, sizes, strict=True))


def largest_tile(settings: Settings, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """(H, W) of the largest tile of scenes of these sizes."""
    tile = settings.tile
    return min(tile, max(height for height, _ in sizes)), min(tile, max(width for _, width in sizes))


def strides_of(settings: Settings, tile_bytes: int, logits: int) -> int:
    """Side of a block, in strides of tiles: given, or as large as memory allows.

    Two rows of tiles are held at once, a block of n by n strides needs n + 1 columns of them, and computes (1 + 1/n)**2
    of its tiles.
    """
    if settings.block is not None:
        return settings.block
    stride = settings.tile - settings.overlap
    pixel = 2 + 1 + (2 * logits if "probabilities" in settings.save else 0) + ("confidence" in settings.save)
    written = int((WRITTEN / pixel) ** 0.5 / stride)
    return max(1, min(MOST_STRIDES, HELD // (2 * max(tile_bytes, 1)) - 1, written))


def digest(path: Path) -> str:
    """SHA-256 of a file's length and its bytes, of a large one of evenly spaced pieces.

    Raises:
        DataError: it cannot be read.
    """
    found = hashlib.sha256()
    try:
        length = path.stat().st_size
        found.update(f"{length} ".encode())
        with path.open("rb") as file:
            if length <= PIECES * PIECE:
                while part := file.read(PIECE):
                    found.update(part)
            else:
                for index in range(PIECES):
                    file.seek((length - PIECE) * index // (PIECES - 1))
                    found.update(file.read(PIECE))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return found.hexdigest()


def _difference(there: str, own: dict[str, Any]) -> str:
    """What differs, in words."""
    try:
        other = json.loads(there)
    except ValueError:
        return "its plan.json is damaged"
    for key, value in own.items():
        theirs = other.get(key) if isinstance(other, dict) else None
        if theirs == value:
            continue
        if key == "settings" and isinstance(theirs, dict):
            changed = [name for name in value if theirs.get(name) != value[name]]
            return ", ".join(f"{name} {theirs.get(name)}, now {value[name]}" for name in changed)
        if key == "sources" and isinstance(theirs, list) and len(theirs) != len(value):
            return f"{len(theirs)} sources, now {len(value)}"
        if key == "sources":
            return "other files, or their contents changed"
        return "another model or other weights" if key == "model" else f"another {key}"
    return "another order of the same"
