"""An error of torch or Python in training as one that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from segue.errors import ConfigError, Problem, SegueError
from segue.training.failures.memory import is_out_of_memory, out_of_memory
from segue.training.failures.ranks import connection_lost
from segue.training.lost_workers import lost_worker, worker_counts


def explained(
    error: BaseException, cfg: Mapping[str, Any], model: nn.Module, trainer: Any, activations: int | None
) -> SegueError | None:
    """The error to raise in place of ``error``; None where nothing is known about it.

    Args:
        error: as it came out of training.
        cfg: the run's config.
        model: the segmentor.
        trainer: Lightning's.
        activations: bytes that a step keeps for its backward pass, where that was measured.
    """
    if "find_unused_parameters=True" in str(error):
        return unused(model)
    if is_out_of_memory(error):
        return out_of_memory(error, cfg, model, activations)
    return lost_worker(error, worker_counts(cfg)) or connection_lost(error, trainer)


def unused(model: nn.Module) -> ConfigError:
    """The error that names the parameters that took no part in the loss, for which several processes would wait."""
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
    some = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
    message = (
        f"{len(names)} parameters take no part in the loss ({some}), which several processes do not expect: set "
        "find_unused_parameters = True, or leave them out of the model"
    )
    return ConfigError(Problem("find_unused_parameters", message))
