"""The process that runs a project's code, one job per line of its input; `segue.migration.host` starts it.

A job is a JSON object with ``kind``, ``root`` (the folder to run in) and ``answer`` (the file for the result). Where
the system can fork, each job runs in a child of this process, which has torch imported already: a job starts in
milliseconds, and neither a crash nor what a module changes reaches the next. Elsewhere a process runs one job.
What user code prints goes to ``log``.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.config.builder.find import names

#: what user code asks for; an optimizer's first step imports torch._dynamo
COMPAT = (
    "mmseg.heads",
    "mmseg.segmentors",
    "mmseg.datasets",
    "mmengine.runner",
    "mmcv.layers",
    "mmseg.losses",
    "mmengine.metrics",
    "mmengine.hooks",
    "mmcv.transforms",
    "mmseg.samplers",
)
FORKS = hasattr(os, "fork") and sys.platform == "linux"  # others' system libraries do not survive a fork


def main() -> int:
    """Run jobs until the input ends; after each, print one line: its exit status."""
    fork = FORKS and "--one" not in sys.argv
    sys.path[:] = [folder for folder in sys.path if folder]  # the user's folder joins it where code may run
    if fork:
        preload()
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        if not fork:
            status = do(job)
        else:
            child = os.fork()
            if not child:
                code = 70
                try:
                    code = do(job)
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(f"done {status}", flush=True)
        if not fork:
            break
    return 0


def preload() -> None:
    """Import what every job needs, so that it is there in the children; no threads are started by it."""
    for name in ("torch._dynamo", "segue.migration.weights", *(f"segue.compat.{file}" for file in COMPAT)):
        importlib.import_module(name)
    for room in ("models", "heads", "losses", "datasets", "transforms", "metrics"):
        names(room)


def do(job: Mapping[str, Any]) -> int:
    """One job, in the folder it names; its answer is written to a file."""
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    answers = os.dup(1)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    faulthandler.enable(all_threads=False)  # a crash, or no end, leaves the place in the log
    faulthandler.dump_traceback_later(max(job["limit"] - 1, 0.5 * job["limit"]))
    os.chdir(job["root"])
    sys.dont_write_bytecode = True
    if job["code"]:
        sys.path += [os.path.normpath(os.path.join(job["root"], folder)) for folder in job["folders"]]
    import torch

    torch.set_num_threads(job.get("threads", 1))
    with tempfile.TemporaryDirectory(prefix="segue-migrate-", dir=job["scratch"]) as folder:
        answer = perform(job, Path(folder))
    answer["loaded"] = loaded(job["root"])
    with open(job["answer"], "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    sys.stdout.flush()
    os.dup2(answers, 1)
    return 0


def perform(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The answer of a job; user code finds ``mmseg`` and its kin in Segue, even where they are installed."""
    from segue.compat import install
    from segue.compat.forks import overlay
    from segue.compat.forks.project import use
    from segue.migration.run import describe, run_config

    kind = job["kind"]
    using: overlay.Overlay | None = None
    try:
        if job["code"]:
            install(force=True)
            if job.get("file"):
                using = use(os.path.join(job["root"], str(job["file"])), script=True)
            for name in job.get("imports", ()):
                importlib.import_module(name)
        if kind == "module":
            if using is not None and using.copy.has(job["name"]):
                using.load(job["name"])
            else:
                importlib.import_module(job["name"])
        elif kind == "script":
            script = folder / "imports.py"
            script.write_text(job["text"], encoding="utf-8")
            sys.path.insert(0, os.path.join(job["root"], os.path.dirname(job["file"])))
            runpy.run_path(str(script), run_name="imports")
        elif kind == "config":
            return run_config(job, folder)
        else:
            from segue.migration import weights

            return weights.perform(job, folder)
    except BaseException as error:  # SystemExit and KeyboardInterrupt of user code are answers, too
        return {"ok": False, "error": describe(error), "stage": "code"}
    return {"ok": True}


def loaded(root: str) -> list[str]:
    """The project's files that were imported, relative to it."""
    from segue.compat.forks import overlay

    start = os.path.join(root, "")
    using = overlay.current()
    modules = [*sys.modules.values(), *(using.loaded.values() if using is not None else ())]
    files = [getattr(module, "__file__", None) or "" for module in modules]
    return sorted(os.path.relpath(file, root) for file in files if file.startswith(start))
