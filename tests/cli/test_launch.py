"""Runs of several processes, and the flags of mmseg's tools/train.py, as users type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from segue.checkpoints import read
from segue.cli import main

from .project import make_project

#: Each sample is normalized by itself, no parameter is unused, and nothing is dropped at random.
EDITS = {
    "norm_cfg = dict(type='BN', requires_grad=True)": "norm_cfg = dict(type='GN', num_groups=2)",
    "depth=18,": "depth=18, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(0, 1),",
    "num_convs=1,": "num_convs=1, dropout_ratio=0.0,",
}
#: Two pixels in percent of a class's third of seven images (32, 32), and the rounding of both numbers: which pixels two
#: orders of sums decide otherwise.
PIXELS = 2 * 100 / (7 * 32 * 32 / 3) + 0.01
LONG = ["train_cfg.max_iters=100000", "train_cfg.val_interval=100000", "default_hooks.checkpoint.interval=100000"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A project with seven images, which two processes cannot share evenly."""
    path = make_project(tmp_path)
    text = path.read_text()
    for old, new in EDITS.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    for name in ("images", "masks"):
        (tmp_path / "data" / name / "7.png").unlink()
    return path


def start(*command: str, **given: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    return subprocess.Popen([sys.executable, "-m", *command], env=environment, **pipe, **given)


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    try:
        out, _ = process.communicate(timeout=240)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == status, out[-3000:]
    return out


def lines(folder: Path, mode: str = "train") -> list[dict[str, float]]:
    found = [json.loads(line) for line in (folder / "scalars.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if "time" not in k and k != "mode"} for line in found if line["mode"] == mode
    ]


def same_run(left: Path, right: Path) -> None:
    """The same batches, and so the same losses up to rounding; each validation image counted once."""
    assert [line["step"] for line in lines(left)] == [1, 2, 3, 4]
    decided = [k for k in lines(right)[0] if k.endswith("acc_seg")]
    for line, wanted in zip(lines(left), lines(right), strict=True):
        accuracies = {k: wanted.pop(k) for k in decided}
        assert {k: line.pop(k) for k in decided} == pytest.approx(accuracies, abs=2 * 100 / (4 * 32 * 32))
        assert line == pytest.approx(wanted, rel=1e-5)
    assert lines(left, "val") == [pytest.approx(line, abs=PIXELS) for line in lines(right, "val")]
    weights = read(right / "last.ckpt").state_dict
    for key, value in read(left / "last.ckpt").state_dict.items():
        torch.testing.assert_close(value, weights[key], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_are_one_with_twice_the_batch(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean of two processes' losses. Oracle: one process, whose batch holds both halves."""
    train = ["train", str(config), "--accelerator", "cpu", "--seed", "5"]
    monkeypatch.setenv("LOCAL_RANK", "0")  # left behind by another command: the second process is started all the same
    two = start("segue", *train, "--work-dir", str(tmp_path / "two"), "--nproc-per-node", "2")
    one = [*train, "--work-dir", str(tmp_path / "one"), "--devices", "1", "--launcher", "none", "--local-rank", "0"]
    assert main([*one, "--cfg-options", "train_dataloader.batch_size=4"]) == 0
    out = finish(two)
    assert "4 iterations on 2 x CPU, 32-true; seed 5" in out
    assert (out.count("Everything is written to"), out.count("Trained weights:"), out.count("mIoU")) == (1, 1, 1)
    same_run(tmp_path / "two", tmp_path / "one")
    files = [sorted(p.name for p in (tmp_path / n).iterdir() if p.is_file()) for n in ("two", "one")]
    assert files[0] == files[1]  # beside them is the folder named by the time


@pytest.mark.slow  # four interpreters, and two for torchrun
def test_torchrun_starts_the_processes(config: Path, tmp_path: Path) -> None:
    """Without a seed, too: all processes take the first one's. Then `segue test` in the same way."""
    run = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "segue"]
    place = ["--accelerator", "cpu", "--launcher", "pytorch"]
    config.write_text(config.read_text().replace("randomness = dict(seed=0)", ""))
    finish(start(*run, "train", str(config), "--work-dir", str(tmp_path / "two"), *place))
    seed = str(read(tmp_path / "two" / "last.ckpt").meta["seed"])
    one = ["--work-dir", str(tmp_path / "one"), "--accelerator", "cpu", "--devices", "1", "--seed", seed]
    assert main(["train", str(config), *one, "--cfg-options", "train_dataloader.batch_size=4"]) == 0
    same_run(tmp_path / "two", tmp_path / "one")
    test = ["test", str(config), str(tmp_path / "two" / "last.ckpt")]
    out = finish(start(*run, *test, "--work-dir", str(tmp_path / "measured"), *place))
    assert out.count("mIoU") == 1
    assert main([*test, "--work-dir", str(tmp_path / "alone"), "--accelerator", "cpu", "--devices", "1"]) == 0
    measured, alone = (tmp_path / name / "metrics.json" for name in ("measured", "alone"))
    assert measured.read_text() == alone.read_text()


@pytest.mark.slow  # two interpreters each
@pytest.mark.parametrize(("sent", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_two_processes_end_together(sent: str, status: int, config: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches both, a cluster's SIGTERM perhaps one; both times the state is saved, and can be continued."""
    folder = tmp_path / "run"
    base = ["train", str(config), "--accelerator", "cpu", "--nproc-per-node", "2", "--work-dir", str(folder)]
    process = start("segue", *base, "--cfg-options", *LONG)
    record = folder / "scalars.jsonl"
    for _ in range(1200):
        if process.poll() is not None or (record.exists() and record.read_text().count("\n") > 12):
            break
        time.sleep(0.1)
    number = getattr(signal, sent)
    os.killpg(process.pid, number) if sent == "SIGINT" else process.send_signal(number)
    out = finish(process, status)
    saved = read(folder / "last.ckpt").meta["iter"]
    assert saved % 10 == 0
    assert out.count(f"Stopped after iteration {saved} of 100000. To continue: segue train CONFIG") == 1
    assert out.count("Stopping after this iteration") == 1
    options = [f"train_cfg.max_iters={saved + 2}", *LONG[1:]]
    finish(start("segue", *base, "--resume", "--cfg-options", *options))
    assert [line["step"] for line in lines(folder)] == list(range(1, saved + 3))


@pytest.mark.slow  # two interpreters
def test_parameters_without_a_part_in_the_loss_are_named(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text().replace(EDITS["depth=18,"], "depth=18,"))
    train = ["train", str(config), "--accelerator", "cpu", "--nproc-per-node", "2", "--work-dir", str(tmp_path / "a")]
    out = finish(start("segue", *train), 1)
    assert "30 parameters take no part in the loss (backbone.layer3.0." in out
    assert "set find_unused_parameters = True, or leave them out of the model" in out
    finish(start("segue", *train, "--cfg-options", "find_unused_parameters=True"))


def test_flags_of_mmseg(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command line with all of them; what each did is in the files."""
    flags = ["--launcher", "none", "--amp", "--seed", "11", "--deterministic", "--local_rank=0", "--resume"]
    place = ["--work-dir", str(tmp_path / "run"), "--accelerator", "cpu", "--nproc_per_node", "1"]
    try:
        assert main(["train", str(config), *flags, *place, "--cfg-options", "train_cfg.max_iters=2"]) == 0
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.backends.cudnn.benchmark
    finally:
        torch.use_deterministic_algorithms(False)
    out = capsys.readouterr().out
    assert "2 iterations on 1 x CPU, bf16-mixed; seed 11" in out
    assert "deterministic=True" in (tmp_path / "run" / "config.py").read_text().replace(" ", "")
    assert read(tmp_path / "run" / "last.ckpt").meta["seed"] == 11


def test_local_rank_before_the_verb(config: Path, tmp_path: Path) -> None:
    """torch.distributed.launch puts it there, since it comes right after the name of the script."""
    place = ["--work-dir", str(tmp_path / "run"), "--accelerator", "cpu", "--devices", "1"]
    assert main(["--local-rank=0", "train", str(config), *place, "--cfg-options", "train_cfg.max_iters=1"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--launcher", "pytorch"], "RANK and WORLD_SIZE are not in the environment; start with `torchrun"),
        (["--launcher", "slurm"], "start with `srun segue ...`"),
        (["--accelerator", "cpu", "--nproc-per-node", "0"], "cannot run on accelerator cpu, devices 0: "),
        (["--accelerator", "quantum"], "cannot run on accelerator quantum, devices auto: You selected an invalid"),
        (["--accelerator", "cpu", "--strategy", "luck"], "You selected an invalid strategy name: `strategy='luck'`"),
    ],
)
def test_mistakes(
    options: list[str],
    message: str,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    assert main(["train", str(config), "--work-dir", str(tmp_path / "run"), *options]) == 1
    assert message in capsys.readouterr().err


def test_launchers_that_do_not_exist(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", str(config), "--launcher", "mpi"])
    assert "invalid choice: 'mpi' (choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", str(config), "--devices", "2", "--nproc-per-node", "2"])
    assert "not allowed with argument" in capsys.readouterr().err
