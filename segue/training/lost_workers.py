"""A worker process that reads samples and died: what may have ended it, in place of torch's traceback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from segue.errors import DataError

#: what torch says -> what it means
_SIGNS = {
    "shared memory": "shared memory (/dev/shm) ran out; a container needs more of it (docker run --shm-size=8g)",
    "signal: Killed|exited unexpectedly": "something ended it: mostly the system, because memory ran out",
    "signal: Segmentation fault": "a library crashed in it",
    "DataLoader timed out": "no sample came within the loader's timeout",
}
_ANY = re.compile(
    r"DataLoader worker \(pid|DataLoader timed out|unable to (open|mmap) .*shared memory|Too many open files"
)


def lost_worker(error: BaseException, loaders: Mapping[str, Any]) -> DataError | None:
    """What to say of an error of torch's loaders; None for any other error.

    Args:
        error: as it came.
        loaders: key of the config -> its ``num_workers``.
    """
    text = str(error)
    if not isinstance(error, (RuntimeError, OSError)) or not _ANY.search(text):
        return None
    why = next((meaning for sign, meaning in _SIGNS.items() if re.search(sign, text)), "")
    pids = re.search(r"\(pid(?:\(s\))? ([\d, ]+)\)", text)
    who = (
        f"A worker process that reads samples (pid {pids[1].strip()})"
        if pids
        else "A worker process that reads samples"
    )
    given = ", ".join(f"{key}.num_workers={count}" for key, count in loaders.items())
    advice = (
        f"Lower num_workers ({given}), batch_size or prefetch_factor: each worker holds batches of its own in memory"
    )
    return DataError(
        f"{who} was lost{f': {why}' if why else ''}. {advice}; num_workers=0 reads in the main process. "
        f"torch says: {text.splitlines()[0]}"
    )


def worker_counts(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """``num_workers`` of the loaders of a config that have any."""
    keys = ("train_dataloader", "val_dataloader", "test_dataloader")
    return {key: cfg[key]["num_workers"] for key in keys if (cfg.get(key) or {}).get("num_workers")}
