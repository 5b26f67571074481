"""Steps that write files, resumable: no file under its final name is ever incomplete, and none is written twice.

A file is written under a hidden name beside its place and then renamed. What is done is listed in a hidden log in the
folder of the results, one line of JSON per step, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console

from segue.errors import InputError
from segue.system.bars import shown
from segue.system.cores import default_workers, in_parallel
from segue.system.replaced import clear_leftovers, replaced


@dataclass(frozen=True)
class Job:
    """One step.

    Attributes:
        name: its file below the folder of the results; of a step that makes several, a name of its own.
        make: gives path below that folder and content of each file.
        single: the step makes just the file of its name.
        origin: the file that it copies, if it does; a file is never copied onto itself.
    """

    name: str
    make: Callable[[], Iterable[tuple[str, bytes]]]
    single: bool = True
    origin: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How many files were written by this run, and how many were there already."""

    written: int
    kept: int


class Log:
    """What is done, in ``OUT/.segue-convert-NAME.jsonl``.

    Args:
        out: folder of the results.
        name: of the conversion.
        settings: what the results depend on; those of an interrupted run must be the same.
    """

    def __init__(self, out: Path, name: str, settings: Mapping[str, Any]) -> None:
        self.path = out / f".segue-convert-{name}.jsonl"
        self.settings = dict(settings)
        self.done: dict[str, list[str]] = {}
        self.begun: set[str] = set()
        self._before: dict[str, Any] | None = None
        self._lock = Lock()
        for line in self.path.read_bytes().splitlines() if self.path.is_file() else []:
            match _entry(line):
                case {"settings": dict() as before}:
                    self._before = before
                case {"begun": str() as job}:
                    self.begun.add(job)
                case {"job": str() as job, "files": list() as files} if all(map(_inside, files)):
                    self.done[job] = files

    def begin(self, force: bool) -> None:
        """Make ready to write; with ``force`` forget, and delete, what the log lists.

        Raises:
            InputError: the results there were made with other settings.
        """
        clear_leftovers(self.path.parent, below=True)
        if force:
            for files in self.done.values():
                for file in files:
                    (self.path.parent / file).unlink(missing_ok=True)
            self.done = {}
            self.begun = set()
        elif self._before is not None and self._before != self.settings:
            now, before = (" ".join(f"{k}={v}" for k, v in s.items()) for s in (self.settings, self._before))
            raise InputError(
                f"{self.path.parent}: holds results made with {before}, now asked for {now}; give another --out, or "
                "--force to replace them"
            )
        lines: list[dict[str, Any]] = [{"settings": self.settings}]
        lines += [{"begun": job} for job in sorted(self.begun - set(self.done))]
        lines += [{"job": job, "files": files} for job, files in self.done.items()]
        write_whole(self.path, "".join(json.dumps(line) + "\n" for line in lines).encode())

    def start(self, job: str) -> None:
        """Note that a step of several files has begun, so that those it leaves behind are known to be its own."""
        self._write({"begun": job})

    def finish(self, job: str, files: list[str]) -> None:
        """Note that a step is done, and the files that it wrote."""
        self.done[job] = list(dict.fromkeys([*self.done.get(job, []), *files]))
        self._write({"job": job, "files": self.done[job]})

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            with self._lock, self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror or error}") from error


def _entry(line: bytes) -> Any:
    """A line of a log; None for one that was being written when the run ended."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _inside(file: object) -> bool:
    """Whether a log may say that it wrote this: it is deleted on its word, and the folder may come from elsewhere."""
    return isinstance(file, str) and not Path(file).is_absolute() and ".." not in Path(file).parts


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there completely or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as part:
            part.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def run_jobs(
    jobs: Iterable[Job],
    out: Path,
    log: Log,
    *,
    force: bool = False,
    workers: int | None = None,
    title: str = "converting",
    console: Console | None = None,
) -> Outcome:
    """Run the steps that are not done yet, several at once, under a progress bar.

    A file that is there and not of the log is someone else's: it stays, unless ``force`` says to replace it.
    """
    log.begin(force)

    def needed(job: Job) -> bool:
        files = log.done.get(job.name, [job.name] if job.single and not force else None)
        return files is None or not all((out / file).exists() for file in files)

    def work(job: Job) -> tuple[Job, list[str], list[str]]:
        written: list[str] = []
        there: list[str] = []
        if not job.single:
            log.start(job.name)
        for file, data in job.make():
            target = out / file
            if target.exists() and (not force or (job.origin is not None and target.samefile(job.origin))):
                there.append(file)
            else:
                write_whole(target, data)
                written.append(file)
        return job, written, there

    waiting: list[Job] = []
    written = kept = 0
    for job in jobs:
        if needed(job):
            waiting.append(job)
        else:
            kept += len(log.done.get(job.name, [job.name]))
    steps = in_parallel(work, waiting, workers or default_workers())
    for job, files, there in shown(steps, len(waiting), title, console):
        log.finish(job.name, [*files, *(there if job.name in log.begun else [])])
        written += len(files)
        kept += len(there)
    return Outcome(written, kept)
