"""The error of a step whose loss or gradients are not finite: the layer, the files, and a file to do it again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from segue.errors import SegueError
from segue.training.failures.not_finite import first_not_finite
from segue.training.failures.replay_file import Step, write_step
from segue.training.step import losses_of
from segue.training.streams import seed_step


class LossError(SegueError):
    """The loss or a gradient is not a finite number."""


def step_error(task: Any, batch: Any, samples: list[Any], what: str) -> LossError:
    """Describe a step of ``task`` that has failed, before the optimizer moves.

    The step is done again with hooks, in this process alone; nothing is looked at in a step that does not fail.

    Args:
        task: the `segue.training.task.SegmentationTask`.
        batch: as the loader gave it; None where a loop of the user's own has computed the loss.
        samples: of the batch.
        what: ``loss`` or ``gradient``.
    """
    scaler = getattr(task.trainer.precision_plugin, "scaler", None)
    scale = float(scaler.get_scale()) if scaler is not None else 1.0
    parts = ", ".join(f"{name}={float(value.float().mean()):.4g}" for name, value in task.values.items())
    files = "\n".join(f"  {sample.meta.get('img_path', '?')}" for sample in samples)
    lines = [f"the {what} is not finite at iteration {task.iteration} ({parts}). The images of the batch:\n{files}"]
    if batch is not None:
        where = _where(task, batch, scale)
        if where:
            lines.append(where[0].upper() + where[1:] + ".")
        if written := _written(task, batch, scale, where):
            lines.append(f"To do this step again: segue replay {written}")
    rate = "a lower learning rate, a warmup or clip_grad"
    advice = rate + (", or dtype='bfloat16'" if scaler is not None else "")
    lines.append(f"If they and their labels are in order, try {advice}.")
    return LossError("\n".join(lines))


def _where(task: Any, batch: Any, scale: float) -> str:
    def losses() -> Any:
        seed_step(task.recipe.seed, task.iteration - 1, task.global_rank)
        with task.trainer.precision_plugin.forward_context():
            return losses_of(task.model, batch)[:2]

    try:
        return first_not_finite(task.model, losses, batch.get("inputs"), scale)
    except Exception as error:
        return f"the step cannot be done again to find the layer ({type(error).__name__}: {error})"


def _written(task: Any, batch: Any, scale: float, where: str) -> Path | None:
    rank = f"_rank{task.global_rank}" if task.trainer.world_size > 1 else ""
    path = Path(task.trainer.default_root_dir) / f"replay_iter_{task.iteration}{rank}.safetensors"
    try:
        step = Step(
            config=str(task.notes.get("cfg") or ""),
            iteration=task.iteration,
            seed=task.recipe.seed,
            rank=task.global_rank,
            precision=str(task.trainer.precision),
            scale=scale,
            said=where,
            values={name: repr(float(value.float().mean())) for name, value in task.values.items()},
            weights=dict(task.model.state_dict()),
            optimizer=task.trainer.optimizers[0].state_dict() if task.trainer.optimizers else {},
            batch=dict(batch),
        )
        return write_step(path, step)
    except Exception as error:  # a full disk must not hide what went wrong
        logging.getLogger("segue").warning("%s cannot be written: %s", path, error)
        return None
