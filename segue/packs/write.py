"""Making a pack: shard by shard, in several processes, to be continued where it was left off."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError, InputError
from segue.images.read import Array, read_image
from segue.masks.decode import read_mask
from segue.packs.layout import (
    DTYPES,
    HEADER,
    IMAGE,
    KEYS,
    LABELS,
    RECORD,
    RECORDS,
    VERSION,
    content_of,
    key_of,
    shard_name,
)
from segue.system.cores import usable_cores
from segue.system.replaced import clear_leftovers, replaced

_SHARD_BYTES = 1 << 28
_MOST_FILES = 4096  # per shard


@dataclass(frozen=True)
class PackSource:
    """One file to pack.

    Attributes:
        path: of the file.
        name: in the pack (`segue.packs.read.name_below`).
        kind: ``IMAGE`` or ``LABELS``.
    """

    path: str
    name: str
    kind: int


@dataclass(frozen=True)
class Packed:
    """What `write_pack` did: pictures and bytes in the pack, and how many shards it had to write."""

    pictures: int
    bytes: int
    written: int
    shards: int


def write_pack(
    sources: Sequence[PackSource],
    folder: str | Path,
    *,
    color_type: str = "color",
    backend: str = "cv2",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Pack files into ``folder``; shards that are there and whose files have not changed stay.

    Args:
        sources: the files; the same one may come twice.
        folder: made as needed.
        color_type: how images are decoded; see `segue.images.read.read_image`.
        backend: as ``color_type``.
        workers: processes; by default one per core.
        progress: is told how many pictures of how many are there.

    Raises:
        DataError: a file cannot be read.
        InputError: the folder holds other things, or the disk is too small.
    """
    folder = Path(folder)
    files = list({key_of(source.name, source.kind): source for source in sources}.values())
    if not files:
        raise InputError("segue pack: there are no files to pack")
    settings = {"version": VERSION, "color_type": color_type, "imdecode_backend": backend}
    per_shard, typical = _plan(folder, files, settings)
    jobs = [
        _Job(number, files[start : start + per_shard], folder, color_type, backend)
        for number, start in enumerate(range(0, len(files), per_shard))
    ]
    waiting = [job for job in jobs if not job.is_done()]
    needed = typical * sum(len(job.files) for job in waiting)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(f"{folder}: about {_gigabytes(needed)} are needed, {_gigabytes(free)} are free")
    if waiting:
        (folder / HEADER).unlink(missing_ok=True)  # from here on it is no pack until all of it is there
    done = len(files) - sum(len(job.files) for job in waiting)
    for count in _written(waiting, workers):
        done += count
        if progress is not None:
            progress(done, len(files))
    return _finish(folder, jobs, settings, len(waiting))


def _plan(folder: Path, files: Sequence[PackSource], settings: dict[str, Any]) -> tuple[int, int]:
    """Files per shard, as an unfinished pack has it, and the bytes of a typical picture."""
    folder.mkdir(parents=True, exist_ok=True)
    clear_leftovers(folder)
    plan = folder / "plan.json"
    if not plan.is_file() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty and no pack; name a new folder")
    if plan.is_file():
        known = json.loads(plan.read_text(encoding="utf-8"))
        if {key: known.get(key) for key in settings} == settings:
            return int(known["per_shard"]), int(known["typical"])
        for old in folder.glob("shard-*"):  # decoded in another way
            old.unlink()
        (folder / HEADER).unlink(missing_ok=True)
    looked_at = files[:: -(-len(files) // 8)]
    sizes = [_decoded(source, settings["color_type"], settings["imdecode_backend"]).nbytes for source in looked_at]
    typical = max(1, sum(sizes) // len(sizes))
    per_shard = max(1, min(_MOST_FILES, _SHARD_BYTES // typical))
    _replace(plan, json.dumps({**settings, "per_shard": per_shard, "typical": typical}).encode())
    return per_shard, typical


def _decoded(source: PackSource, color_type: str, backend: str) -> Array:
    return read_mask(source.path) if source.kind == LABELS else read_image(source.path, color_type, backend)


@dataclass(frozen=True)
class _Job:
    number: int
    files: list[PackSource]
    folder: Path
    color_type: str
    backend: str

    def is_done(self) -> bool:
        """Whether the shard is there and of these files as they are now."""
        path = self.folder / shard_name(self.number)
        try:
            records = np.load(path.with_suffix(".npy"), allow_pickle=False)
            if records.dtype != RECORD or records["key"].tolist() != [key_of(f.name, f.kind) for f in self.files]:
                return False
            last = records[-1]
            if path.with_suffix(".bin").stat().st_size != int(last["offset"]) + _nbytes(last):
                return False
            for source, record in zip(self.files, records, strict=True):
                found = os.stat(source.path)
                same = (found.st_size, found.st_mtime_ns) == (int(record["bytes"]), int(record["mtime"]))
                if not same and content_of(source.path) != record["content"].tobytes():
                    return False
        except (OSError, ValueError):
            return False
        return True

    def write(self) -> int:
        """Decode the files into the shard; how many they are."""
        path = self.folder / shard_name(self.number)
        records = np.zeros(len(self.files), RECORD)
        offset = 0
        with replaced(path.with_suffix(".bin"), durable=True) as part:
            with part.open("wb") as stream:
                for record, source in zip(records, self.files, strict=True):
                    pixels = np.ascontiguousarray(self._describe(record, source))
                    record["shard"], record["offset"] = self.number, offset
                    stream.write(pixels.data)
                    offset += pixels.nbytes
            path.with_suffix(".npy").unlink(missing_ok=True)
        _replace_array(path.with_suffix(".npy"), records)
        return len(self.files)

    def _describe(self, record: Any, source: PackSource) -> Array:
        before = os.stat(source.path) if os.path.exists(source.path) else None
        pixels = _decoded(source, self.color_type, self.backend)
        if before is None or pixels.dtype.name not in DTYPES:
            raise DataError(f"{source.path}: holds {pixels.dtype}; a pack holds {', '.join(DTYPES)}")
        record["key"] = key_of(source.name, source.kind)
        record["bytes"], record["mtime"] = before.st_size, before.st_mtime_ns
        record["content"] = np.frombuffer(content_of(source.path), np.uint8)
        record["height"], record["width"] = pixels.shape[:2]
        record["bands"] = pixels.shape[2] if pixels.ndim == 3 else 0
        record["dtype"] = DTYPES.index(pixels.dtype.name)
        if source.kind == LABELS and pixels.dtype == np.uint8:
            record["values"] = np.packbits(np.bincount(pixels.ravel(), minlength=256) > 0)
        return pixels


def _written(jobs: Sequence[_Job], workers: int | None) -> Iterator[int]:
    count = min(len(jobs), workers or usable_cores())
    if count <= 1:
        yield from (job.write() for job in jobs)
        return
    # not forked: the libraries that decode have threads
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(_Job.write, jobs)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _finish(folder: Path, jobs: Sequence[_Job], settings: dict[str, Any], written: int) -> Packed:
    for old in folder.glob("shard-*"):
        if int(old.name[6:11]) >= len(jobs):
            old.unlink()
    paths = [folder / shard_name(job.number) for job in jobs]
    records = np.concatenate([np.load(path.with_suffix(".npy"), allow_pickle=False) for path in paths])
    records = records[np.argsort(records["key"])]
    _replace_array(folder / KEYS, np.ascontiguousarray(records["key"]))
    _replace_array(folder / RECORDS, records)
    shards = {f"{path.name}.bin": path.with_suffix(".bin").stat().st_size for path in paths}
    _replace(folder / HEADER, json.dumps({**settings, "pictures": len(records), "shards": shards}, indent=1).encode())
    return Packed(len(records), sum(shards.values()), written, len(shards))


def _nbytes(record: Any) -> int:
    bands = max(int(record["bands"]), 1)
    return int(record["height"]) * int(record["width"]) * bands * np.dtype(DTYPES[int(record["dtype"])]).itemsize


def _replace(path: Path, data: bytes) -> None:
    with replaced(path) as part:
        part.write_bytes(data)


def _replace_array(path: Path, array: Array) -> None:
    with replaced(path) as part, part.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


__all__ = ["IMAGE", "LABELS", "PackSource", "Packed", "write_pack"]
