"""What a converter of a dataset is, how it is found by its file's name, and how it runs."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from rich.console import Console

from segue.convert import datasets
from segue.convert.archives import Sources
from segue.convert.jobs import Job, Log, Outcome, run_jobs
from segue.convert.members import Member
from segue.convert.pictures import png
from segue.convert.tiles import Tiling
from segue.datasets.scan import some_of
from segue.errors import DataError, InputError, nearest


@dataclass(frozen=True)
class Converter:
    """A dataset: what its owners hand out, and what comes out.

    Attributes:
        title: its name.
        dataset: the class that reads the results.
        page: where it is explained.
        download: the files to fetch from there, by their names.
        layout: what is looked for in them.
        makes: what comes out, below the folder of the results.
        folder: name of that folder, as configs have it below ``data``.
        plan: adds the steps to a `Plan`.
        tiling: unless the images stay whole.
        in_place: the results may go into the folder that is converted, since they only add to it.
        also: other names.
    """

    title: str
    dataset: str
    page: str
    download: str
    layout: str
    makes: str
    folder: str
    plan: Callable[[Plan], None]
    tiling: Tiling | None = None
    in_place: bool = False
    also: tuple[str, ...] = ()


@dataclass
class Plan:
    """The steps of a conversion, which a converter's ``plan`` adds.

    Attributes:
        converter: the dataset.
        sources: the files at hand.
        tiling: how images are cut, if they are.
        jobs: the steps by their names.
        notes: what the user should know.
    """

    converter: Converter
    sources: Sources
    tiling: Tiling = field(default_factory=lambda: Tiling((0, 0)))
    jobs: dict[str, Job] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def find(self, what: str, *patterns: str, optional: bool = False) -> list[Member]:
        """The files of the first pattern that any match; none is a DataError that says what there is."""
        for pattern in patterns:
            found = self.sources.find(pattern)
            if found:
                return found
        if optional:
            return []
        raise DataError(f"{self.converter.title}: no {what} ({' or '.join(patterns)}) in {self._given}.{self._against}")

    def file(self, path: str, make: Callable[[], bytes], origin: Path | None = None) -> None:
        """Add a step that makes one file."""
        self._add(Job(path, lambda: [(path, make())], origin=origin))

    def copy(self, member: Member, path: str) -> None:
        """Add a step that copies a file as it is."""
        self.file(path, member.read, member.file)

    def files(self, name: str, make: Callable[[], Iterable[tuple[str, bytes]]]) -> None:
        """Add a step that makes several files: path and content of each."""
        self._add(Job(name, make, single=False))

    def tiles(self, path: str, make: Callable[[], NDArray[Any]]) -> None:
        """Add a step that cuts a picture into ``PATH_x0_y0_x1_y1.png``."""
        self.files(path, lambda: ((f"{path}_{at}.png", png(part)) for at, part in self.tiling.cut(make())))

    def by_name(self, members: Iterable[Member], key: Callable[[Member], str]) -> dict[str, Member]:
        """Files by a key that is made of their names; two of one key are a DataError."""
        found: dict[str, Member] = {}
        for member in members:
            name = key(member)
            if name in found:
                raise DataError(
                    f"{self.converter.title}: {found[name].where} and {member.where} are both {name}; give only one"
                )
            found[name] = member
        return found

    def pairs(
        self, images: dict[str, Member], masks: dict[str, Member], what: str = "mask"
    ) -> list[tuple[str, Member, Member]]:
        """Key, image and mask, where both are there; the first images without a mask are a DataError.

        Masks without an image are noted.
        """
        alone = [images[key].where for key in images if key not in masks]
        if alone:
            raise DataError(
                f"{self.converter.title}: {len(alone)} of {len(images)} images have no {what}: "
                f"{some_of(alone)}.{self._against}"
            )
        unused = [key for key in masks if key not in images]
        if unused:
            self.notes.append(f"{len(unused)} files for which there is no image are left out: {some_of(unused)}")
        return [(key, images[key], masks[key]) for key in images]

    def listed(self, members: Mapping[str, Member], key: str, by: Member) -> Member:
        """The file that a list names."""
        if key not in members:
            raise DataError(f"{self.converter.title}: {by.where} lists {key!r}, which is not there.{self._against}")
        return members[key]

    def expect(self, whole: int, found: int, what: str) -> None:
        """Note that there are not as many files as the whole dataset has."""
        if found != whole:
            self.notes.append(f"{found} {what}; the whole dataset has {whole}: is the download complete?")

    @property
    def _given(self) -> str:
        return ", ".join(str(path) for path in self.sources.paths)

    @property
    def _against(self) -> str:
        """What should be there, and what is."""
        return f"\n  expected: {self.converter.download}, with {self.converter.layout}\n  found: {self.sources.found()}"

    def _add(self, job: Job) -> None:
        if job.name in self.jobs:
            raise DataError(f"{self.converter.title}: {job.name} would be made from two files of {self._given}")
        self.jobs[job.name] = job


@dataclass(frozen=True)
class Converted:
    """What a conversion did: where the results are, how many files, and what to know about them."""

    out: Path
    outcome: Outcome
    notes: list[str]


@cache
def converters() -> dict[str, Converter]:
    """All converters by the names of their files, sorted."""
    names = sorted(info.name for info in pkgutil.iter_modules(datasets.__path__))
    return {name: importlib.import_module(f"{datasets.__name__}.{name}").CONVERTER for name in names}


def find_converter(name: str) -> tuple[str, Converter]:
    """File name and converter of a dataset, whatever the case and the hyphens of ``name``."""
    spellings = {
        _folded(spelling): key for key, found in converters().items() for spelling in (key, found.title, *found.also)
    }
    key = spellings.get(_folded(name))
    if key is None:
        raise InputError(f"no converter for a dataset {name!r}{nearest(name, list(converters()), listed=99)}")
    return key, converters()[key]


def convert_dataset(
    name: str,
    inputs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    force: bool = False,
    tile: Sequence[int] | None = None,
    overlap: int | None = None,
    workers: int | None = None,
    console: Console | None = None,
) -> Converted:
    """Bring a dataset, as its owners hand it out, into the layout that its dataset class reads.

    A run that was interrupted is continued by the same call. Nothing of the inputs is changed.

    Args:
        name: of the dataset.
        inputs: its archives, or folders with them or with what they hold.
        out: folder of the results; ``data/<the name that configs use>`` unless given.
        force: replace files that are there.
        tile: H and W of the tiles, or one number for both, where images are cut.
        overlap: of neighboring tiles, in pixels.
        workers: files worked on at once; by default one per core.
        console: where a progress bar is shown.
    """
    key, converter = find_converter(name)
    tiling = _tiling(converter, tile, overlap)
    target = Path("data") / converter.folder if out is None else Path(out)
    if not inputs:
        raise InputError(f"{converter.title}: give the archives, or a folder with them: {converter.download}")
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is not a folder; the results go into one")
    if not converter.in_place and any(os.path.realpath(path) == os.path.realpath(target) for path in inputs):
        raise InputError(f"{target}: the results would be mixed with what is converted; give another --out")
    settings = {} if tiling is None else {"tile": list(tiling.tile), "overlap": tiling.overlap}
    with Sources(inputs, without=target) as sources:
        plan = Plan(converter, sources, tiling or Tiling((0, 0)))
        converter.plan(plan)
        log = Log(target, key, settings)
        outcome = run_jobs(
            plan.jobs.values(), target, log, force=force, workers=workers, title=converter.title, console=console
        )
    return Converted(target, outcome, plan.notes)


def _tiling(converter: Converter, tile: Sequence[int] | None, overlap: int | None) -> Tiling | None:
    usual = converter.tiling
    if usual is None:
        if tile is not None or overlap is not None:
            raise InputError(f"{converter.title}: its images stay whole; leave --tile and --overlap away")
        return None
    if tile is not None and (len(tile) not in (1, 2) or min(tile) < 1):
        raise InputError(f"--tile takes a size or two, H and W, of at least 1 pixel; got {' '.join(map(str, tile))}")
    size = usual.tile if tile is None else (tile[0], tile[-1])
    shared = (usual.overlap if tile is None else min(usual.overlap, min(size) - 1)) if overlap is None else overlap
    if not 0 <= shared < min(size):
        raise InputError(f"--overlap must be 0 or more and less than the tile ({size[0]} x {size[1]}), got {shared}")
    return Tiling(size, shared)


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
