"""Training and evaluation with Lightning; the only package that imports it.

`train` and `evaluate` are imported on first use, because Lightning takes seconds to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.pytorch import Callback

    from segue.training.trainer import Machine, TrainResult, evaluate, train

__all__ = ["Callback", "Machine", "TrainResult", "evaluate", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from segue.training import trainer

        return getattr(trainer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
