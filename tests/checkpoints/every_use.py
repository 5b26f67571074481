"""Use each wrong checkpoint in every way that the command line has, each file in a process of its own.

    python -m tests.checkpoints.every_use [WORD]

prints a row for each use that ends badly and the counts; WORD chooses files by name. Each process is forked from one
that has used the good file in every way, and what a use takes is compared with the most that the good file took in
such processes: modules that the first prediction imports are not laid to the file that happens to come first.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import torch

from segue.cli import main
from tests.cli.project import make_project

from .wrong_files import make_files, strange_names

#: beyond what the good file takes, twice the file and this much is what the reader promises
ALLOWANCE = 16 << 20
SECONDS = 60
FORBIDDEN = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "socket.connect", "pty.spawn")
GOOD = ("done", "refused")
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def uses(config: Path, image: Path, out: Path) -> dict[str, Callable[[str], list[str]]]:
    """The command lines, given the file."""
    made = str(out / "out.safetensors")
    return {
        "inspect": lambda f: ["weights", "inspect", "--", f],
        "inspect --json": lambda f: ["weights", "inspect", "--json", "--", f],
        "convert": lambda f: ["weights", "convert", "--", f, made],
        "convert --from segue": lambda f: ["weights", "convert", "--from", "segue", "--", f, made],
        "verify": lambda f: ["weights", "verify", "--", f],
        "verify --config": lambda f: ["weights", "verify", "--config", str(config), "--", f],
        "predict by the file": lambda f: [
            "predict",
            "--out",
            str(out / "seen"),
            "--device",
            "cpu",
            "--",
            f,
            str(image),
        ],
        "predict": lambda f: [
            "predict",
            "--out",
            str(out / "seen"),
            "--device",
            "cpu",
            "--",
            str(config),
            f,
            str(image),
        ],
    }


def resuming(config: Path, out: Path) -> dict[str, Callable[[str], list[str]]]:
    """Commands that train; slower."""
    rest = ["--work-dir", str(out / "work"), "--accelerator", "cpu"]
    return {
        "resume": lambda f: ["train", str(config), *rest, f"--resume={f}"],
        "load_from": lambda f: [
            "train",
            str(config),
            *rest,
            "--cfg-options",
            "train_cfg.max_iters=1",
            f"load_from={f}",
        ],
    }


def highest() -> int:
    """The most memory of this process since the last `forget`, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(text.partition("VmHWM:")[2].split()[0]) << 10


def forget() -> int:
    """Begin to measure anew; what there is now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return highest()


def one(command: list[str], ran: list[str]) -> dict[str, Any]:
    """Run a command here, and tell how it ended."""
    said, before, started = io.StringIO(), forget(), time.process_time()
    del ran[:]
    try:
        with redirect_stdout(said), redirect_stderr(said):
            ended = {0: "done", 1: "refused"}.get(main(command), "other status")
    except SystemExit as error:
        ended = f"exit {error.code}"
    except BaseException:
        ended = "traceback"
        said.write(traceback.format_exc()[-900:])
    text = said.getvalue()
    if "Traceback (most" in text:
        ended = "traceback"
    if ended in ("done", "refused") and OBEYED.search(text):
        ended = "escapes on the terminal"
    if ran:
        ended, text = "executed", ", ".join(ran)
    return {"ended": ended, "text": text[-1500:], "peak": highest() - before, "seconds": time.process_time() - started}


def in_a_process(commands: dict[str, list[str]], folder: Path) -> dict[str, dict[str, Any]]:
    """Run commands one after the other in a forked process; what it did not come to is told as killed."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        os.chdir(folder)
        ran: list[str] = []
        sys.addaudithook(lambda event, _: ran.append(event) if event.startswith(FORBIDDEN) else None)
        with os.fdopen(sink, "w") as pipe:
            for use, command in commands.items():
                signal.alarm(2 * SECONDS)  # what hangs is killed
                print(json.dumps({use: one(command, ran)}), file=pipe, flush=True)
        os._exit(0)
    os.close(sink)
    with os.fdopen(source) as pipe:
        found = {use: result for line in pipe for use, result in json.loads(line).items()}
    os.waitpid(child, 0)
    dead = {"ended": "killed", "text": "", "peak": 0, "seconds": 0.0}
    return {use: found.get(use, dead) for use in commands}


def usual(commands: dict[str, Callable[[str], list[str]]], folder: Path, good: Path, times: int = 3) -> dict[str, int]:
    """Use the good file in every way here, and then tell the most that each way takes in processes forked from this."""
    made = {use: command(good.name) for use, command in commands.items()}
    here = Path.cwd()
    os.chdir(folder)
    try:
        for command in made.values():
            one(command, [])
    finally:
        os.chdir(here)
    found = [in_a_process(made, folder) for _ in range(times)]
    return {use: max(results[use]["peak"] for results in found) for use in made}


def results(
    folder: Path, chosen: str = "", trained: str = "good|section|meta: (iter|cfg is a command)"
) -> list[dict[str, Any]]:
    """A row for each file and use; ``trained``: a pattern of the files that are also trained from, or nothing."""
    config = make_project(folder)
    image, out = folder / "data/images/0.png", folder / "out"
    out.mkdir()
    (folder / "evilmod.py").write_text("open('canary', 'w')\n")
    from segue.config.builder.build import build_model
    from segue.recipes.open import read_config

    torch.manual_seed(0)
    state = build_model(read_config(config)).state_dict()
    text = config.read_text()
    made = {name: (f"wrong_{i}.pth", make) for i, (name, make) in enumerate(make_files(state, text).items())}
    good = folder / "good.pth"
    made["good"][1](good)
    made |= {f"file name {name!r}": (name, partial(shutil.copy, good)) for name in strange_names()}
    rows: list[dict[str, Any]] = []
    normal = usual(uses(config, image, out) | (resuming(config, out) if trained else {}), folder, good)
    for name, (file, make) in made.items():
        if name != "good" and not re.search(chosen, name):
            continue
        path = folder / file
        make(path)
        more = resuming(config, out) if trained and re.search(trained, name) else {}
        commands = {use: command(file) for use, command in {**uses(config, image, out), **more}.items()}
        for use, result in in_a_process(commands, folder).items():
            over = result["peak"] > normal[use] + 2 * path.stat().st_size + ALLOWANCE
            ended = "slow" if result["seconds"] > SECONDS else "too much memory" if over else result["ended"]
            rows.append({"file": name, "use": use, **result, "ended": ended})
            if ended not in GOOD:
                print(f"{name} | {use} | {ended} | {result['peak'] >> 20} MB | {result['text']}\n", flush=True)
        if (folder / "canary").exists():
            rows.append({"file": name, "use": "any", "ended": "executed", "text": "canary", "peak": 0, "seconds": 0})
            (folder / "canary").unlink()
        path.unlink()
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        table = results(Path(scratch), *sys.argv[1:])
    ended = Counter(row["ended"] for row in table)
    print(f"{len({row['file'] for row in table})} files, {len(table)} uses: {dict(ended)}")
