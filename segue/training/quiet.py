"""Lightning's advice and banners that do not apply here, silenced one by one; everything else stays audible."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: beginnings of messages -> why they do not apply
MESSAGES = {
    r"The '\w+' does not have many workers": "the config decides",
    r"Found \d+ module\(s\) in eval mode": "norm_eval and frozen stages are meant",
    r"Trainer already configured with model summary": "there is none",
    r"It is recommended to use `self.log\(.*sync_dist=True\)`": "metrics are merged across processes by their counts",
    r"You have overridden `transfer_batch_to_device`": "on purpose",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated": "inside Lightning",
    r"`broadcast_buffers` is deprecated": "its successor is not in the oldest torch; the first process's are evaluated",
    r"The `srun` command is available": "the user chose to start without it",
    r"This process \(pid=\d+\) is multi-threaded, use of fork\(\)": "torch's threads are idle when workers start",
    r"`lr_scheduler.step\(\)`": "the schedule is our own",
    r"Consider setting `persistent_workers=True`": "the config decides",
    r"The total number of parameters detected may be inaccurate": "no summary is shown",
    r"Checkpoint directory .* exists and is not empty": "resuming is meant",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the messages above, and Lightning's log below warnings."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in MESSAGES:
            warnings.filterwarnings("ignore", message=f".*{message}")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
