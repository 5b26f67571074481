"""Through a plan: its blocks, by this process, a share of them, or Ray; then the rasters that join them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import TextColumn, TimeRemainingColumn

from segue.errors import InputError, SegueError, SomeFailedError
from segue.inference.ensemble import members_of
from segue.inference.predictor import Predictor
from segue.inference.scenes.network import Network
from segue.inference.scenes.plan import Plan, Unit, largest_tile, sources_of, strides_of
from segue.inference.scenes.read import open_scene, place_of
from segue.inference.scenes.settings import Settings
from segue.inference.scenes.worker import Worker
from segue.inference.scenes.write import Look, gdal, write_virtual, write_whole
from segue.system.bars import bar
from segue.system.replaced import clear_leftovers
from segue.system.shares import check_shard

#: a raster of this ending is made; a folder otherwise
RASTERS = (".tif", ".tiff", ".vrt")


@dataclass
class Result:
    """What became of a plan.

    Attributes:
        files: the rasters of labels that are complete, in the order of the sources.
        blocks: how many there are.
        computed: how many of them this run computed.
        missing: how many are not there yet.
        seconds, read_bytes: of the blocks that were computed.
        regions: how many outlines were drawn.
    """

    files: list[Path]
    blocks: int
    computed: int = 0
    missing: int = 0
    seconds: float = 0.0
    read_bytes: int = 0
    regions: int = 0


def predict_scenes(
    predictor: Predictor,
    files: Sequence[str | Path],
    out: str | Path,
    settings: Settings | None = None,
    *,
    shard: tuple[int, int] | None = None,
    ray: str | None = None,
    keep: bool = False,
    console: Console | None = None,
) -> Result:
    """Labels of scenes of any size.

    Blocks go to ``OUT.blocks``. Which of them are there is all that is remembered: the same call again does the rest.

    Args:
        predictor: the model.
        files: the scenes.
        out: of one scene, ``NAME.tif``, a cloud-optimized GeoTIFF, or ``NAME.vrt``, which joins the blocks without a
            copy; of any number, a folder of GeoTIFFs. Other kinds are beside it: ``NAME_confidence.tif``.
        settings: how.
        shard: (i, n): the i-th of n shares, from 1. Rasters are joined by a last call without it.
        ray: address of a Ray cluster that computes the blocks; ``local`` starts one here.
        keep: leave the blocks where GeoTIFFs were made of them.
        console: shows a bar.

    Raises:
        InputError: what cannot be, or ``OUT.blocks`` belongs to another plan.
        DataError: the only scene cannot be read, or nothing can be written.
        SomeFailedError: scenes that cannot be read; all others are done.
    """
    settings, out = settings or Settings(), Path(out)
    single = out.suffix.lower() in RASTERS
    if single and len(files) != 1:
        raise InputError(f"{out}: {len(files)} scenes do not go into one raster; name a folder")
    if shard is not None:
        check_shard(*shard)
    if shard is not None and ray is not None:
        raise InputError("shard and ray both share the blocks out; give one of them")
    if ray is not None and any(hasattr(one, "certificate") for one in members_of(predictor.model)):
        raise InputError("ray: an exported file, or an engine, stays in its process; use shards, or the model itself")
    failed: list[SegueError] = []
    with gdal():
        network = Network(predictor, settings.tta, settings.crf)
        network.check_saved(settings.save)
        network.say()
        plan = make_plan(network, [Path(file) for file in files], settings, failed)
        _check_apart(plan, out, single)
        folder = out.with_name(out.name + ".blocks")
        if plan.sources:
            plan.keep(folder)
        result = _blocks(network, plan, folder, shard, ray, failed, console)
        if shard is None:
            _join(network, plan, folder, out, single, keep, result)
    if len(failed) == 1 == len(files):
        raise failed[0]
    if failed:
        reasons = "\n".join(f"  {error}" for error in failed)
        raise SomeFailedError(f"{len(failed)} of {len(files)} scenes failed:\n{reasons}", [result], failed)
    return result


def _check_apart(plan: Plan, out: Path, single: bool) -> None:
    """Refuse results that would take the place of a scene."""
    scenes = {source.path.resolve() for source in plan.sources}
    for source in plan.sources:
        for kind in plan.settings.kinds:
            target = _target(out, single, source.name, kind)
            if Path(os.path.realpath(target)) in scenes:
                raise InputError(f"{target}: is a scene itself, which would be written over; name another place")


def make_plan(network: Network, files: Sequence[Path], settings: Settings, failed: list[SegueError]) -> Plan:
    """The plan; scenes that cannot be opened are left out and their errors appended to ``failed``."""
    good, sizes = [], []
    for file in files:
        try:
            with open_scene(file, network, settings) as scene:
                sizes.append(scene.size)
            good.append(file)
        except SegueError as error:
            failed.append(error)
    strides, logits = 1, len(network.classes)
    if good:
        side = largest_tile(settings, sizes)
        held, logits = network.warm(side, settings.batch_size)
        strides = strides_of(settings, held * settings.tile**2 // (side[0] * side[1]), logits)
    return Plan(sources_of(good, sizes), settings, network.digest(), network.classes, strides, logits)


def _blocks(
    network: Network,
    plan: Plan,
    folder: Path,
    shard: tuple[int, int] | None,
    ray: str | None,
    failed: list[SegueError],
    console: Console | None,
) -> Result:
    every = list(plan.units())
    own = every if shard is None else every[shard[0] - 1 :: shard[1]]
    todo = [unit for unit in own if not plan.done(folder, unit)]
    if ray is not None and todo:
        from segue.inference.scenes.on_ray import compute

        ended: Iterable[tuple[Unit, SegueError | None]] = compute(network, plan, folder, todo, ray)
    else:
        ended = _here(network, plan, folder, todo)
    result = Result([], len(every))
    wrong: dict[int, SegueError] = {}
    pixel = _pixel_bytes(network, plan, todo)
    begin = time.perf_counter()
    shown = console or Console(quiet=True)
    with bar(shown, TextColumn("{task.fields[rate]}"), TimeRemainingColumn()) as progress:
        task = progress.add_task("blocks", total=len(own), completed=len(own) - len(todo), rate="")
        for unit, error in ended:
            if error is not None:
                wrong.setdefault(unit.source, error)
                continue
            _, _, height, width = plan.grid(unit.source).window(unit.row, unit.column)
            result.computed += 1
            result.read_bytes += height * width * pixel(unit)
            result.seconds = time.perf_counter() - begin
            progress.update(task, advance=1, rate=f"{result.read_bytes / 1e6 / max(result.seconds, 1e-6):.1f} MB/s")
    failed += wrong.values()
    result.missing = sum(not plan.done(folder, unit) for unit in every)
    return result


def _here(network: Network, plan: Plan, folder: Path, todo: Sequence[Unit]) -> Iterator[tuple[Unit, SegueError | None]]:
    """Each unit when it is done, or with its error; of a scene that failed, the rest is not tried."""
    if not todo:
        return
    worker, wrong = Worker(network, plan, folder), dict[int, SegueError]()
    try:
        for unit in todo:
            if unit.source not in wrong:
                try:
                    worker.do(unit)
                except SegueError as error:
                    wrong[unit.source] = error
            yield unit, wrong.get(unit.source)
    finally:
        worker.close()


def _pixel_bytes(network: Network, plan: Plan, todo: Sequence[Unit]) -> Callable[[Unit], int]:
    """Bytes that a pixel of a unit's source has as stored, as of the first source."""
    if not todo:
        return lambda unit: 0
    with open_scene(plan.sources[todo[0].source].path, network, plan.settings) as scene:
        size = scene.pixel_bytes
    return lambda unit: size


def _join(network: Network, plan: Plan, folder: Path, out: Path, single: bool, keep: bool, result: Result) -> None:
    """Virtual rasters of the scenes that are complete, and GeoTIFFs of them."""
    clear_leftovers(folder, below=True)
    for index, group in groupby(plan.units(), lambda unit: unit.source):
        source, units = plan.sources[index], list(group)
        if not all(plan.done(folder, unit) for unit in units):
            continue
        crs, transform = place_of(source.path)
        for kind in plan.settings.kinds:
            bands = plan.logits if kind == "probabilities" else 1
            look = Look(kind, network.classes, network.palette, crs, transform, bands)
            target = _target(out, single, source.name, kind)
            virtual = target if target.suffix.lower() == ".vrt" else folder / f"{index:06d}" / f"{kind}.vrt"
            files = {(unit.row, unit.column): plan.block(folder, unit, kind) for unit in units}
            write_virtual(virtual, plan.grid(index), source.size, look, files)
            if virtual != target:
                write_whole(virtual, target, look)
        result.files.append(_target(out, single, source.name, "labels"))
    if result.missing == 0 and not keep and out.suffix.lower() != ".vrt":
        shutil.rmtree(folder, ignore_errors=True)


def _target(out: Path, single: bool, name: str, kind: str) -> Path:
    place = out if single else out / f"{name}.tif"
    return place if kind == "labels" else place.with_name(f"{place.stem}_{kind}{place.suffix}")
