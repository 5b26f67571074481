"""Runs a row: each step in a forked process, so that torch is imported once."""

from __future__ import annotations

import glob
import os
import re
import shlex
import sys
import traceback
from pathlib import Path

from tests.tutorials import data, scripts
from tests.tutorials.rows import Row


def prepared(folder: Path) -> None:
    """Write the data, configs and scripts, and import what all steps need."""
    import segue.api
    import segue.compat
    import segue.training  # noqa: F401

    folder.mkdir(parents=True, exist_ok=True)
    data.write(folder)
    for name, text in scripts.CONFIGS.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, text in vars(scripts).items():
        if name.isupper() and isinstance(text, str):
            (folder / f"{name.lower()}_script.py").write_text(text, encoding="utf-8")


def outcome(row: Row, folder: Path, tools: Path | None) -> tuple[str, bool]:
    """What to print of a row, and whether that is as it should be."""
    if row.left_out:
        return f"left out: {row.left_out}", True
    if any("{tools}" in step for step in row.steps) and tools is None:
        return "not run: --tools names mmseg's own", True
    said = ""
    for step in row.steps:
        command, _, allowed = step.replace("{tools}", str(tools)).partition(" ; allow ")
        status, said = run(command, folder)
        if str(status) not in ("0", allowed):
            return f"WRONG: status {status} of {command[:60]}: {' | '.join(said.splitlines()[-3:])[-400:]}", False
    for pattern in row.said:
        if not re.search(pattern, said):
            return f"WRONG: {pattern!r} was not said: {said[-300:]!r}", False
    for pattern in row.files:
        if not glob.glob(str(folder / pattern), recursive=True):
            return f"WRONG: there is no {pattern}", False
    return (f"EQUIVALENT: {row.other}" if row.other else "AS WRITTEN"), True


def run(command: str, folder: Path) -> tuple[int, str]:
    """Status and output of a step."""
    words = [found for word in shlex.split(command) for found in (globbed(word, folder) if "*" in word else [word])]
    if words[0] == "script":
        words = ["run", f"{words[1].lower()}_script.py", *words[2:]]
    if "--nproc-per-node" in words:  # starts processes that import everything anew
        return started(words, folder)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os._exit(status_of(words, folder))
    os.close(writer)
    with open(reader, encoding="utf-8", errors="replace") as stream:
        said = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def globbed(word: str, folder: Path) -> list[str]:
    """The first file that a pattern means, as a shell would."""
    return sorted(glob.glob(word, root_dir=folder))[:1]


def started(words: list[str], folder: Path) -> tuple[int, str]:
    """The same in a process of its own."""
    import subprocess

    root = str(Path(__file__).parents[2])
    known = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "segue", *words]
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout + done.stderr


def status_of(words: list[str], folder: Path) -> int:
    """Run a command in this process."""
    from segue.cli import main

    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    try:
        status = main(words)
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 99
    sys.stdout.flush()
    sys.stderr.flush()
    return status
