"""Train one fold, all folds, or several seeds: each run in a folder of its own, one after the other.

    WORK/fold_2_of_5       --fold 2/5, --folds 5; WORK/folds_of_5.json says which images are in which fold
    WORK/seed_1            --seeds 3; with --fold 2/5 WORK/fold_2_of_5/seed_1

A run is what `segue.training.train` makes of the config in that folder; nothing differs from one that is started alone.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.console import Console

from segue.config import Config
from segue.errors import ConfigError, InputError, Problem, SegueError, refuse
from segue.report.series_table import Table
from segue.system.shown import visible
from segue.training.folder import last_of, occupied, work_folder
from segue.training.launch import is_first
from segue.training.machine import Machine, machine_count, placed
from segue.training.outcome import TrainResult
from segue.training.saving import writable
from segue.training.series import result as kept
from segue.training.series.folds import Fold, count_of, fold_of, refuse_folder
from segue.training.series.held_out import divided, with_fold
from segue.training.series.seeds import seeds_of


class Train(Protocol):
    """Makes one run."""

    def __call__(
        self, cfg: Mapping[str, Any], *, work_dir: Path, resume: bool | str | Path | None, seed: int | None, again: str
    ) -> TrainResult:
        """Train a config in a folder."""
        ...


@dataclass(frozen=True)
class Asked:
    """What ``--fold``, ``--folds``, ``--seeds`` and ``--seed`` say.

    Raises:
        InputError: they do not go together, or one of them makes no sense.
    """

    fold: str | None = None
    folds: int | None = None
    seeds: int | str | Sequence[int] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        refuse({"--folds": None if self.fold is None else self.folds}, "trains all folds; --fold one of them: give one")
        both = self.seeds if self.folds is not None else None
        refuse(
            {"--seeds": both}, "with --folds would be all of both; name one fold with --fold, or one seed with --seed"
        )
        refuse({"--seed": None if self.seeds is None else self.seed}, "--seeds names them all: give one of both")
        if self.fold is not None:
            fold_of(self.fold)
        if self.folds is not None:
            count_of(self.folds)
        if self.seeds is not None:
            seeds_of(self.seeds)

    @property
    def nothing(self) -> bool:
        """Whether it is one plain run."""
        return self.fold is None and self.folds is None and self.seeds is None


@dataclass(frozen=True)
class Planned:
    """A run of a series: the name of its folder, its config, its seed, and lines to say before it."""

    name: str
    cfg: Config
    seed: int | None
    said: Sequence[str] = ()


def start(
    cfg: Config,
    asked: Asked,
    train: Train,
    *,
    work_dir: str | Path | None = None,
    resume: bool | str | Path | None = None,
    machine: Machine | None = None,
    dry_run: bool = False,
    console: Console | None = None,
) -> TrainResult:
    """Train what is asked for.

    Args:
        cfg: the config.
        asked: of it, which runs.
        train: makes one run.
        work_dir, resume, machine: as of `segue.training.train`; ``resume`` continues each run where it was.
        dry_run: only the first, and that one stops before its first step.
        console: where progress is shown.

    Returns:
        Of one run its result; of several their mean, with each in ``runs``.

    Raises:
        InputError: several processes are asked for where several runs are left to train.
        SegueError: what is wrong with the folds, or with a run; those before it are kept.
    """
    console = console or Console(quiet=not is_first())
    folder = work_folder(cfg, work_dir)
    refuse_folder(folder)
    if asked.nothing:
        return train(cfg, work_dir=folder, resume=resume, seed=asked.seed, again="")

    say = _speaker(console)
    again = ""
    if asked.folds is not None:
        count = count_of(asked.folds)
        samples, folds = divided(cfg, count, folder, console)
        say(*folds.said)
        made = [(fold, *with_fold(cfg, fold, samples, folds)) for fold in (Fold(i, count) for i in range(1, count + 1))]
        planned = [Planned(fold.name, own, asked.seed, said) for fold, own, said in made]
        return _series(f"folds_of_{count}", planned, train, folder, resume, machine, dry_run, console)
    if asked.fold is not None:
        fold = fold_of(asked.fold)
        samples, folds = divided(cfg, fold.count, folder, console)
        cfg, said = with_fold(cfg, fold, samples, folds)
        say(*folds.said, *said)
        again = f"segue train CONFIG --work-dir {folder} --fold {fold.index}/{fold.count} --resume"
        folder = folder / fold.name
    if asked.seeds is None:
        done = train(cfg, work_dir=folder, resume=resume, seed=asked.seed, again=again)
        if done.first and done.metrics and not dry_run:
            kept.write(done, kept.digest(cfg, asked.seed))
        return done
    if not cfg.get("val_dataloader") or not cfg.get("val_evaluator"):
        problem = Problem("val_dataloader", "seeds are compared by their validation, for which the config has no data")
        raise ConfigError(problem)
    planned = [Planned(f"seed_{seed}", cfg, seed) for seed in seeds_of(asked.seeds)]
    return _series("seeds", planned, train, folder, resume, machine, dry_run, console)


def _speaker(console: Console) -> Callable[..., None]:
    def say(*lines: str) -> None:
        for line in lines:
            console.print(visible(line), highlight=False, markup=False, soft_wrap=True)

    return say


def _series(
    title: str,
    planned: Sequence[Planned],
    train: Train,
    folder: Path,
    resume: bool | str | Path | None,
    machine: Machine | None,
    dry_run: bool,
    console: Console,
) -> TrainResult:
    if isinstance(resume, (str, Path)):
        raise InputError(f"--resume {resume}: of several runs each continues its own last checkpoint; give no file")
    again = bool(planned[0].cfg.get("resume")) if resume is None else resume
    known = {one.name: kept.read(folder / one.name) if again else None for one in planned}
    ended = [one.name for one in planned if (old := known[one.name]) and old[0] == kept.digest(one.cfg, one.seed)]
    if len(ended) < len(planned) and machine_count(placed(machine or Machine())) > 1:
        example = "--fold 1/5" if title != "seeds" else "--seeds 0,"
        raise InputError(
            f"{len(planned)} runs one after the other train on one device: add --devices 1. Or start each by itself "
            f"on all devices (such as {example}), and then this command with --resume, which makes the table of what "
            "has ended"
        )

    say = _speaker(console)
    runs: dict[str, TrainResult] = {}
    with occupied(writable(folder)) if is_first() else nullcontext():
        for number, one in enumerate(planned, 1):
            place, old = folder / one.name, known[one.name]
            if one.name in ended and old is not None:
                say(f"Run {number} of {len(planned)}: {place} has ended before")
                runs[one.name] = old[1]
                continue
            say(f"Run {number} of {len(planned)}: {place}", *one.said)
            try:
                on = again and last_of(place) is not None
                found = train(one.cfg, work_dir=place, resume=on, seed=one.seed, again="the same command with --resume")
            except (SegueError, KeyboardInterrupt, SystemExit) as error:
                what = "failed" if isinstance(error, SegueError) else "was stopped"
                left = f"{number - 1} before it {'is' if number == 2 else 'are'} kept"
                say(f"Run {number} of {len(planned)} {what}; {left}. With --resume the same command goes on from here")
                raise
            if dry_run:
                say(f"The other {len(planned) - 1} runs are like this one")
                return found
            if not found.metrics:  # it had no step left to train
                found.metrics = dict(kept.last_validation(place))
            kept.write(found, kept.digest(one.cfg, one.seed))
            runs[one.name] = found
            Table.of(title, {name: run.metrics for name, run in runs.items()}).write(folder)
            gc.collect()  # of what a run held on a device
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        table = Table.of(title, {name: run.metrics for name, run in runs.items()})
        files = table.write(folder) if is_first() else ()
    console.print(table.shown())
    say(f"{table.sentence}; deviations are those of a sample, n - 1")
    say(*(f"The table: {file}" for file in files[1:]))
    mean = {row.name: row.mean for row in table.rows if row.mean is not None}
    spread = {row.name: row.deviation for row in table.rows if row.deviation is not None}
    steps = sum(run.iterations for run in runs.values())
    return TrainResult(folder, None, mean, {}, steps, runs=list(runs.values()), deviation=spread)
