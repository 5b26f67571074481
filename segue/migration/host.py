"""The other side of `segue.migration.work`: hands jobs to a process, waits so long, and survives whatever they do."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TAIL = 4000
START_LIMIT = 120.0


class Host:
    """One worker process, started when it is needed and again after a job that took too long.

    Args:
        scratch: folder for answers, logs and generated files.
        threads: of each job.
        one: a new process for each job, as where there is no fork.
    """

    def __init__(self, scratch: Path, threads: int = 1, one: bool = False) -> None:
        self.scratch, self.threads, self.one = scratch, threads, one
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def run(self, job: Mapping[str, Any], limit: float) -> dict[str, Any]:
        """The answer of a job. ``ok`` is False and ``error`` says so where it crashed or took more than ``limit`` s."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            answer, log = os.path.join(folder, "answer.json"), os.path.join(folder, "log.txt")
            Path(log).touch()
            whole = {**job, "answer": answer, "log": log, "limit": limit, "threads": self.threads, "scratch": folder}
            status = self._send(whole, limit)
            said = _tail(log)
            try:
                found: dict[str, Any] = json.loads(Path(answer).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                found = {
                    "ok": False,
                    "stage": "",
                    "error": {"type": "", "frames": [], "message": _ended(status, limit)},
                }
                found["died"] = status if status is not None else "timeout"
                found["stage"] = ["", *re.findall(r"^segue stage: (\w+)$", said, re.MULTILINE)][-1]
            found["printed"] = said
            return found

    def _send(self, job: Mapping[str, Any], limit: float) -> int | None:
        """The exit status of the job; None where it was ended because it took too long."""
        try:
            process = self._ready()
            assert process.stdin is not None
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            while True:
                line = self._lines.get(timeout=limit)
                if line.startswith("done "):
                    return int(line.split()[1])
                if not line:  # the worker itself ended
                    status = process.wait()
                    self.close()
                    return status
        except queue.Empty:
            self.close()
            return None
        except OSError:
            self.close()
            return 70
        finally:
            if self.one:
                self.close()

    def _ready(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": str(self.threads),
            "MPLBACKEND": "Agg",
            "WANDB_MODE": "disabled",
            "PYTHONUNBUFFERED": "1",
        }
        # not -m: it would put the working directory, perhaps the user's, before the standard library
        start = f"import sys; sys.path.append({str(Path(__file__).parents[2])!r}); "
        start += "from segue.migration.work import main; sys.exit(main())"
        self._process = subprocess.Popen(
            [sys.executable, "-c", start, *(["--one"] if self.one else [])],
            cwd=self.scratch,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._lines = queue.Queue()
        threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        while (line := self._lines.get(timeout=START_LIMIT)) and not line.startswith("ready"):
            pass
        return self._process

    def close(self) -> None:
        """End the process and everything that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError):  # closed
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def _ended(status: int | None, limit: float) -> str:
    if status is None:
        return f"it took more than {limit:g} s (--time-limit)"
    if status < 0:
        name = signal.Signals(-status).name
        hint = ": perhaps it needs more memory than there is" if name == "SIGKILL" else ""
        return f"the process was ended by {name}{hint}"
    return f"the process ended by itself with status {status}"


def _tail(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()[-_TAIL:]
