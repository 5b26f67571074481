"""A backend that raises at init, at a write or at the end leaves training alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from small_run import config, run

from segue.errors import InputError
from segue.training.backends import log_options
from segue.training.guarded import Guard
from segue.training.trackers import CSVVisBackend, LocalVisBackend, Tracker


class Failing(Tracker):
    """Raises in one method."""

    def __init__(self, save_dir: str, at: str) -> None:
        super().__init__(save_dir)
        self.at, self.calls = at, []

    def _do(self, method: str) -> None:
        self.calls.append(method)
        if method == self.at:
            raise OSError("no connection\nsecond line")

    def add_config(self, config: Any, **kwargs: Any) -> None:
        self._do("add_config")

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        self._do("add_scalar")

    def close(self) -> None:
        self._do("close")


@pytest.mark.parametrize("at", ["add_config", "add_scalar", "close"])
def test_one_line_is_said_and_training_ends(at: str, tmp_path: Path) -> None:
    text = io.StringIO()
    made = run(config(vis_backends=[{"type": Failing, "at": at}]), tmp_path, text=text)
    assert made.iterations == 6
    said = " ".join(text.getvalue().split())
    assert said.count("no connection") == 1, said
    assert "it gets nothing more, the run goes on" in said


def test_a_failed_backend_is_left_alone_and_the_folder_s_own_is_not() -> None:
    said: list[str] = []
    guard, failing = Guard(said.append), Failing(".", "add_scalar")
    for _ in range(3):
        guard.call(failing, "add_scalars", {"a": 1}, step=1)
    assert failing.calls == ["add_scalar"]
    assert len(said) == 1
    with pytest.raises(AttributeError):
        guard.call(LocalVisBackend("."), "no_such")


def test_csv_has_a_line_per_number(tmp_path: Path) -> None:
    backend = CSVVisBackend(str(tmp_path))
    backend.add_scalars({"loss": 0.5, "text": "none"}, step=1)
    backend.add_scalars({"IoU/a,b": 1.5}, step=2)
    assert (tmp_path / "scalars.csv").read_text() == 'step,name,value\n1,loss,0.5\n2,"IoU/a,b",1.5\n'


def test_log_adds_to_what_the_config_has() -> None:
    cfg = {"vis_backends": [{"type": "TensorboardVisBackend"}]}
    assert log_options(cfg, None) == []
    expected = "vis_backends=[{'type': 'TensorboardVisBackend'}, {'type': 'CSVVisBackend'}]"
    assert log_options(cfg, "tensorboard, CSV,csv") == [expected]
    with pytest.raises(InputError, match="--log tensorbord: there is no such log; did you mean 'tensorboard'"):
        log_options(cfg, "tensorbord")


def test_tensorboard_reads_what_a_run_wrote(tmp_path: Path) -> None:
    """Oracle: tensorboard's own reader."""
    reason = "needs the package tensorboard"
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)
    run(config(vis_backends=[{"type": "TensorboardVisBackend"}]), tmp_path)
    events = reader.EventAccumulator(str(tmp_path / "vis_data"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Scalars("mIoU")] == [3, 6]
