"""A process of a run that is gone: the others end soon, and say which one it was."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback

from segue.errors import SegueError
from segue.training.launch import is_own_child

#: Seconds between two looks, and what a process may take to find out by itself that another is gone.
LOOK, PATIENCE = 1.0, 20.0
PARENT = os.getppid()  # as long as it lives
_SIGNS = re.compile(
    r"Connection (closed by peer|reset by peer|refused)|Broken pipe|NCCL|gloo|ProcessGroup|Timed out waiting|TCPStore",
    re.IGNORECASE,
)


class LostProcess(SegueError):
    """One of several processes of a run has ended before its time."""


class RankWatch(Callback):
    """Looks once a second whether the processes that Segue started together are there, and ends this one if not.

    Where a launcher of another kind has started them (torchrun, Slurm), that one ends them.
    """

    def __init__(self, end: Callable[[int], None] = os._exit, patience: float = PATIENCE) -> None:
        self.end, self.patience = end, patience
        self._done = threading.Event()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to look."""
        if trainer.world_size > 1:
            threading.Thread(target=self.watch, args=(trainer,), daemon=True).start()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """All may end from now on."""
        self._done.set()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """This process ends by itself."""
        self._done.set()

    def watch(self, trainer: Any) -> None:
        """Until training ends or a process is gone for so long that nothing else has noticed."""
        while not self._done.wait(LOOK):
            gone = lost_process(trainer)
            if gone is not None and not self._done.wait(self.patience):
                print(f"segue train: {gone}", file=sys.stderr, flush=True)
                for process in _children(trainer):
                    if process.poll() is None:
                        process.kill()
                self.end(1)
                return


def lost_process(trainer: Any, parent: int = PARENT) -> LostProcess | None:
    """The first of the processes that Segue started which is gone, as far as this one can know it."""
    for rank, process in enumerate(_children(trainer), 1):
        status = process.poll()
        if status:
            return LostProcess(_text(rank, process.pid, status))
    if is_own_child() and os.getppid() != parent:  # the first process has started this one
        return LostProcess(_text(0, parent, None))
    return None


def connection_lost(
    error: BaseException, trainer: Any, wait: Callable[[float], None] = time.sleep
) -> LostProcess | None:
    """What to say of an error of the connection between processes; None for any other error."""
    if trainer.world_size < 2 or not isinstance(error, RuntimeError) or not _SIGNS.search(str(error)):
        return None
    for _ in range(10):  # the connection may be cut before the system says that the process has ended
        gone = lost_process(trainer)
        if gone is not None:
            return gone
        wait(0.2)
    first = str(error).strip().splitlines()[0][:300]
    return LostProcess(
        f"the process of rank {trainer.global_rank} has lost the connection to another one, which has ended or hangs: "
        f"look for its own message. torch says: {first}"
    )


def _text(rank: int, pid: int, status: int | None) -> str:
    how = ""
    if status is not None and status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        why = ", mostly the system's, because memory ran out" if name == "SIGKILL" else ""
        how = f", killed by {name}{why}"
    elif status:
        how = f" with status {status}; its own message says why"
    return (
        f"the process of rank {rank} (pid {pid}) has ended{how}. All others end as well; the checkpoints written "
        "before are whole: continue with --resume"
    )


def _children(trainer: Any) -> list[Any]:
    return list(getattr(getattr(trainer.strategy, "launcher", None), "procs", None) or [])
