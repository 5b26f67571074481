"""Series of runs: what is started, skipped, continued and written. The runs themselves are made up here; whole ones are
in `test_whole`.
"""

from __future__ import annotations

import gc
import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from segue.config import Config
from segue.errors import ConfigError, InputError, LabelError
from segue.report.series_table import read_tables
from segue.training.folder import occupied
from segue.training.machine import Machine
from segue.training.outcome import TrainResult
from segue.training.series import result as kept
from segue.training.series.start import Asked, start

CFG = {"val_dataloader": {"batch_size": 1}, "val_evaluator": {"type": "IoUMetric"}, "randomness": {"seed": 3}}
HERE = Machine("cpu", 1)


@pytest.fixture(autouse=True)
def nothing_to_collect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made up runs leave nothing behind, and looking for it takes the most time."""
    monkeypatch.setattr(gc, "collect", lambda: 0)


class Runs:
    """In place of training: notes what is asked for; the metric is the seed; fails where it is told to."""

    def __init__(self, fail: Mapping[int, BaseException] | None = None) -> None:
        self.calls: list[tuple[str, Any, Any]] = []
        self.fail = dict(fail or {})

    def __call__(self, cfg: Any, *, work_dir: Path, resume: Any, seed: int | None, again: str) -> TrainResult:
        self.calls.append((work_dir.name, resume, seed))
        work_dir.mkdir(parents=True, exist_ok=True)
        (work_dir / "last.ckpt").write_bytes(b"")
        if seed in self.fail:
            raise self.fail.pop(seed)
        return TrainResult(work_dir, work_dir / "last.ckpt", {"mIoU": float(seed or 0)}, {"mIoU": (5.0, 2)}, 4)


def run(folder: Path, runs: Runs, asked: Asked, cfg: Any = CFG, **given: Any) -> tuple[TrainResult, str]:
    text = io.StringIO()
    console = Console(file=text, width=200)
    found = start(Config(cfg), asked, runs, work_dir=folder, machine=HERE, console=console, **given)
    return found, text.getvalue()


def test_three_seeds(tmp_path: Path) -> None:
    runs = Runs()
    found, said = run(tmp_path, runs, Asked(seeds=3))
    assert runs.calls == [("seed_0", False, 0), ("seed_1", False, 1), ("seed_2", False, 2)]
    assert found.metrics == {"mIoU": 1.0} and found.deviation == {"mIoU": 1.0} and found.iterations == 12
    assert found.checkpoint is None and [one.checkpoint for one in found.runs] == [
        tmp_path / f"seed_{seed}" / "last.ckpt" for seed in range(3)
    ]
    assert "Run 2 of 3: " in said and "mIoU 1.00 ± 1.00 over 3 runs (seed_0, seed_1, seed_2)" in said
    assert read_tables(tmp_path)[0].rows[0].values == (0.0, 1.0, 2.0)
    assert (tmp_path / "seeds_table.csv").is_file()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), LabelError("bad.png: no")])
def test_a_series_continues_where_it_was(error: BaseException, tmp_path: Path) -> None:
    """The first has ended and is left alone, the second continues its checkpoint, the third begins."""
    runs, text = Runs({1: error}), io.StringIO()
    with pytest.raises(type(error)):
        start(
            Config(CFG),
            Asked(seeds="0,1,2"),
            runs,
            work_dir=tmp_path,
            machine=HERE,
            console=Console(file=text, width=200),
        )
    what = "failed" if isinstance(error, LabelError) else "was stopped"
    assert (
        f"Run 2 of 3 {what}; 1 before it is kept. With --resume the same command goes on from here" in text.getvalue()
    )
    assert read_tables(tmp_path)[0].runs == ("seed_0",)
    runs = Runs()
    found, said = run(tmp_path, runs, Asked(seeds=3), resume=True)
    assert runs.calls == [("seed_1", True, 1), ("seed_2", False, 2)]
    assert "seed_0 has ended before" in said and found.metrics == {"mIoU": 1.0}
    assert found.runs[0].best == {"mIoU": (5.0, 2)} and found.runs[0].iterations == 4
    runs = Runs()
    assert run(tmp_path, runs, Asked(seeds=3), resume=True)[0].metrics == {"mIoU": 1.0} and runs.calls == []
    runs = Runs()  # more seeds of a series that has ended; a new start; a config that says resume
    assert run(tmp_path, runs, Asked(seeds=4), resume=True)[0].metrics == {"mIoU": 1.5} and len(runs.calls) == 1
    run(tmp_path, again := Runs(), Asked(seeds=1))
    assert again.calls == [("seed_0", False, 0)]
    run(tmp_path, other := Runs(), Asked(seeds=1), {**CFG, "resume": True})
    assert other.calls == [("seed_0", True, 0)], "another config: it is asked whether it has steps left"


def test_without_steps_left_the_record_tells(tmp_path: Path) -> None:
    """A run that was killed between its end and its result: training it again does nothing and measures nothing."""
    folder = tmp_path / "seed_0"
    folder.mkdir()
    lines = [{"mode": "train", "step": 4}, {"mode": "val", "step": 2, "mIoU": 1.0}]
    lines.append({"mode": "val", "step": 4, "epoch": 1, "mIoU": 7.0, "IoU/a": None, "time": 0.1})
    (folder / "scalars.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"mode": "va')
    (folder / "last.ckpt").write_bytes(b"")
    (folder / kept.NAME).write_text("{")
    found = start(
        Config(CFG),
        Asked(seeds=1),
        lambda cfg, *, work_dir, resume, seed, again: TrainResult(work_dir, None, iterations=4),
        work_dir=tmp_path,
        resume=True,
        machine=HERE,
        console=Console(file=io.StringIO()),
    )
    assert found.metrics == {"mIoU": 7.0}
    again = kept.read(folder)
    assert again is not None and math.isnan(again[1].metrics["IoU/a"])
    assert kept.last_validation(tmp_path) == {}


def test_a_run_that_was_trained_again_by_itself_has_not_ended(tmp_path: Path) -> None:
    run(tmp_path, Runs(), Asked(seeds=2))
    late = (tmp_path / "seed_1" / kept.NAME).stat().st_mtime_ns + 10**9
    os.utime(tmp_path / "seed_1" / "last.ckpt", ns=(late, late))
    run(tmp_path, runs := Runs(), Asked(seeds=2), resume=True)
    assert runs.calls == [("seed_1", True, 1)]


def test_a_plain_run_in_the_folder_of_a_fold(tmp_path: Path) -> None:
    """It would be trained on what the fold is validated on."""
    folder = tmp_path / "fold_2_of_5"
    run(folder, Runs(), Asked(seed=4))  # there are no folds
    (tmp_path / "folds_of_5.json").write_text("{}")
    for asked in (Asked(), Asked(seeds=2)):
        with pytest.raises(InputError, match=r"is the folder of a fold, .* that fold is --work-dir .* --fold 2/5"):
            run(folder, Runs(), asked, resume=True)


def test_dry_run_shows_the_first(tmp_path: Path) -> None:
    runs = Runs()
    _, said = run(tmp_path, runs, Asked(seeds=3), dry_run=True)
    assert len(runs.calls) == 1 and "The other 2 runs are like this one" in said
    assert read_tables(tmp_path) == [] and not (tmp_path / "seed_0" / kept.NAME).exists()


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of several runs each continues its own last checkpoint; give no file"):
        run(tmp_path, Runs(), Asked(seeds=2), resume="a.ckpt")
    with pytest.raises(
        InputError, match=r"2 runs one after the other train on one device: add --devices 1. .*--seeds 0,"
    ):
        start(Config(CFG), Asked(seeds=2), Runs(), work_dir=tmp_path, machine=Machine("cpu", 2))
    with pytest.raises(ConfigError, match="val_dataloader: seeds are compared by their validation, for which"):
        run(tmp_path, Runs(), Asked(seeds=2), {"randomness": {}})
    with occupied(tmp_path), pytest.raises(InputError, match="another run writes there"):
        run(tmp_path, Runs(), Asked(seeds=2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fold": "1/5", "folds": 5}, "--folds: trains all folds; --fold one of them"),
        (
            {"folds": 5, "seeds": 3},
            "--seeds: with --folds would be all of both; name one fold with --fold, or one seed",
        ),
        ({"seeds": 3, "seed": 0}, "--seed: --seeds names them all"),
        ({"fold": "2"}, "fold=2: I/K is expected, the I-th of K folds, as in 1/5"),
        ({"fold": "0/5"}, "fold=0/5: folds are counted from 1 to 5"),
        ({"fold": "6/5"}, "fold=6/5: folds are counted from 1 to 5"),
        ({"fold": "-1/5"}, "fold=-1/5: I/K is expected"),
        ({"fold": "1/1"}, "folds=1: of one fold nothing would be left to train on"),
        ({"folds": 0}, "folds=0: of one fold nothing"),
        ({"folds": "x"}, "folds=x: a number of folds is expected"),
        ({"folds": True}, "folds=True: a number of folds is expected"),
        ({"seeds": 0}, "seeds=0: the number of runs"),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        Asked(**given)
    assert message in str(error.value)


def test_seeds_go_with_one_fold_and_a_seed_with_all_folds() -> None:
    assert not Asked(fold=" 2 / 5 ", seeds=3).nothing and not Asked(folds=5, seed=0).nothing and Asked(seed=1).nothing
