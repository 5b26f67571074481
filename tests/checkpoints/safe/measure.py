"""Read each file of a folder in a process of its own and tell how that ended and what it took.

    python -m tests.checkpoints.safe.measure FOLDER

prints a JSON object per file. Each process has read small files before, so that what is measured is the file's doing:
not imports, nor what libraries set up once.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from segue.checkpoints import read
from segue.errors import CheckpointError


def peak() -> int:
    """The most memory that this process has had, in bytes; a forked one starts with what it has then."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def small_ones(folder: Path) -> list[Path]:
    """A small good file of each kind, and one that is refused."""
    state = {"w": torch.ones(300), "b": torch.ones(2, dtype=torch.bool)}
    torch.save(state, folder / "zip.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    save_file(state, folder / "w.safetensors")
    (folder / "bad.pth").write_bytes(b"\x80\x02N.")
    return list(folder.iterdir())


def warm_up(files: list[Path]) -> None:
    """Have the code that reads in memory."""
    for path in files:
        with suppress(CheckpointError):
            read(path)


def tidy() -> None:
    """Leave no free memory, which would hide what a file takes, and nothing that the forked ones would clean up."""
    gc.collect()
    gc.freeze()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def attempt(path: Path, small: list[Path]) -> dict[str, Any]:
    """Read a file, in this process."""
    warm_up(small)
    before, started = peak(), time.process_time()
    try:
        tensors = len(read(path).state_dict)
        ended, message = "read", f"{tensors} tensors"
    except CheckpointError as error:
        ended, message = "refused", str(error)
    except BaseException as error:  # whatever else is a fault of the reader, to be seen in the table
        ended, message = type(error).__name__, str(error)
    seconds = time.process_time() - started  # of this process: how busy the machine is does not count
    return {"ended": ended, "message": message, "peak": peak() - before, "seconds": seconds}


def measured(path: Path, small: list[Path]) -> dict[str, Any]:
    """Read a file in a forked process; one that dies is told by its signal."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        with os.fdopen(sink, "w") as pipe:
            json.dump(attempt(path, small), pipe)
        os._exit(0)
    os.close(sink)
    with os.fdopen(source) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    result = json.loads(said) if said else {"ended": f"status {status}", "message": "", "peak": 0, "seconds": 0}
    return {"name": path.name, "size": path.stat().st_size, **result}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        few = small_ones(Path(scratch))
        warm_up(few)
        tidy()
        for file in sorted(Path(sys.argv[1]).iterdir()):
            print(json.dumps(measured(file, few)), flush=True)
