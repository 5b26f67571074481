"""Names and logs of mmengine beside Segue's; what reads them is what mmengine's users have."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from small_run import config, run

from segue.checkpoints import read
from segue.checkpoints.downloads.fetch import fetch
from segue.errors import CheckpointError
from segue.training.loops import Loop
from segue.training.mmengine_log import RunLog, measured_text, train_text


def hooks(**checkpoint: Any) -> dict[str, Any]:
    base = {"type": "CheckpointHook", "by_epoch": False, "interval": 1}
    return {"logger": {"type": "LoggerHook", "interval": 1}, "checkpoint": {**base, **checkpoint}}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder, text = tmp_path_factory.mktemp("run"), io.StringIO()
    run(config(default_hooks=hooks(max_keep_ckpts=2, save_best="mIoU")), folder, text=text)
    return folder, text.getvalue()


def test_checkpoints_have_a_second_name(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    assert sorted(path.name for path in folder.glob("*.pth")) == ["iter_5.pth", "iter_6.pth"]
    assert (folder / "iter_6.pth").samefile(folder / "iter_6.ckpt")
    assert (folder / "last_checkpoint").read_text() == str(folder / "iter_6.pth")
    assert read(folder / "iter_6.pth").state_dict


def test_a_pth_that_segue_calls_otherwise(
    ran: tuple[Path, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, _ = ran
    best = next(folder.glob("best_mIoU_iter_*.safetensors"))
    assert fetch(str(best.with_suffix(".pth"))) == best
    assert caplog.messages == [f"{best.with_suffix('.pth')} does not exist; {best}, which is beside it, is taken"]
    assert fetch(str(folder / "latest.pth")) == folder / "last.ckpt"
    with pytest.raises(CheckpointError, match=r"iter_7.pth does not exist; give the path"):
        fetch(str(folder / "iter_7.pth"))


def test_a_folder_named_by_the_time(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    [own] = [path for path in folder.iterdir() if re.fullmatch(r"\d{8}_\d{6}", path.name)]
    log = (own / f"{own.name}.log").read_text()
    losses = re.findall(r" - INFO - Iter\(train\) \[(\d)/6\].*  loss: (\d+\.\d{4})  ", log)
    record = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
    assert losses == [(str(r["step"]), f"{r['loss']:.4f}") for r in record if r["mode"] == "train"]
    measured = re.findall(r" - INFO - Iter\(val\) \[4/4\]    aAcc: [\d.]+  mIoU: ([\d.]+)  mAcc: [\d.]+", log)
    assert measured == [f"{r['mIoU']:.4f}" for r in record if r["mode"] == "val"]
    assert log.count("per class results:\n+") == 2 and "| road  |" in log
    scalars = [json.loads(line) for line in (own / "vis_data" / "scalars.json").read_text().splitlines()]
    assert [line["step"] for line in scalars] == [line["step"] for line in record]
    assert {"lr", "loss", "time", "data_time", "iter", "step"} <= set(scalars[0])
    assert "IoU/road" not in scalars[3] and scalars[3]["mIoU"] == record[3]["mIoU"]
    assert "IterBasedTrainLoop" in (own / "vis_data" / "config.py").read_text()


def test_lines_where_there_is_no_terminal_are_mmengine_s(ran: tuple[Path, str]) -> None:
    _, said = ran
    assert len(re.findall(r"^Iter\(train\) \[\d/6\]  base_lr: .*  loss: \d+\.\d{4}  ", said, re.MULTILINE)) == 6
    assert re.search(r"^aAcc: [\d.]+  mIoU: [\d.]+", said, re.MULTILINE)


def test_epochs() -> None:
    """Oracle: a line of mmengine 0.10.7's log."""
    loop = Loop(by_epoch=True, length=2, epoch_length=184, val_begin=1, val_intervals=((0, 1),))
    facts = {"lr": 0.01, "time": 0.5, "data_time": 0.1, "memory": 12, "loss": 1.5}
    line = {"mode": "train", "step": 234, "epoch": 2, **facts}
    assert train_text(line, loop) == (
        "Epoch(train) [2][ 50/184]  base_lr: 1.0000e-02 lr: 1.0000e-02  eta: 0:01:07  time: 0.5000  data_time: 0.1000  "
        "memory: 12  loss: 1.5000"
    )
    line = {"mode": "val", "step": 368, "epoch": 2, "mIoU": 50.0, "time": 0.25}
    assert measured_text(line, loop, 4, "val") == "Epoch(val) [2][4/4]    mIoU: 50.0000  time: 0.2500"


def test_a_value_that_is_not_there(tmp_path: Path) -> None:
    log = RunLog(tmp_path, None, lambda: 3)
    log.line({"mode": "val", "step": 0, "epoch": 1, "mIoU": None, "IoU/sky": None})
    text = (log.folder / f"{log.name}.log").read_text()
    assert "mIoU: nan" in text and "|  sky  | nan |" in text
