"""Two sides of a comparison, each in a process of its own that runs once for each line on its standard input."""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any


class Absent(types.ModuleType):
    """Compiled operators, which mmcv-lite lacks and none of the models that are compared calls."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def without_operators() -> None:
    """Let mmseg be imported where mmcv has no compiled part."""
    stand_in = Absent("mmcv._ext")
    stand_in.__spec__ = ModuleSpec("mmcv._ext", None)
    sys.modules["mmcv._ext"] = stand_in


def serve(run: Callable[[], Any], tell: Callable[[Any], Mapping[str, Any]]) -> None:
    """Call ``run`` for each line on standard input, and print what it took, beside what ``tell``, whose time does not
    count, says of its result.
    """
    import torch

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"ready": torch.__version__}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        found = run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"wall": wall, "cpu": cpu, "mib": (peak - before) / 1024, **tell(found)}), flush=True)


class Side:
    """A process that serves.

    Attributes:
        said: what each run answered.
        walls, cpus: seconds of the runs that count.
        mib: the most memory above that of the loaded model.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.walls: list[float] = []
        self.cpus: list[float] = []
        self.said: list[dict[str, Any]] = []
        self.mib = 0.0
        self.torch = self._answer("ready")["ready"]

    def _answer(self, key: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # the reference prints lines of its own
            if line.startswith(f'{{"{key}"'):
                return json.loads(line)  # type: ignore[no-any-return]
        raise SystemExit(f"{self.process.args}: ended with {self.process.wait()}")

    def run(self, counted: bool) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found = self._answer("wall")
        self.mib = max(self.mib, found["mib"])
        self.said.append(found)
        if counted:
            self.walls.append(found["wall"])
            self.cpus.append(found["cpu"])

    def close(self) -> None:
        self.process.communicate()


def processor() -> str:
    """The name of this machine's processor."""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return platform.processor()
