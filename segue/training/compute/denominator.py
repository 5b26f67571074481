"""What the gradients of an accumulated step are divided by.

mmengine, and by default Segue (``denominator='batches'``): by the number of batches, the last, incomplete group by its
own. Where a loss is a mean over all pixels, ignored ones included, that is the gradient of one large batch. Where it is
a mean over the labeled pixels (``avg_non_ignore=True``) it is not, unless each batch has as many of them: a batch with
few labels counts as much as one with many. ``optim_wrapper.denominator='pixels'`` weighs each batch of each process by
its labeled pixels, which gives the gradient of the one large batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from segue.errors import ConfigError, Problem
from segue.masks.labels import IGNORE
from segue.training.optimizers import OptimWrapper

#: a power of two, so that nothing is rounded, near the pixels of a batch, so that half precision holds the factor
UNIT = 2.0**20


class StepMean:
    """Factors of the losses of a step of the optimizer.

    Args:
        wrapper: its ``accumulative_counts`` and ``denominator``.
        length: batches to train.
    """

    def __init__(self, wrapper: OptimWrapper, length: int) -> None:
        self.by_pixels, self.counts, self.length = wrapper.denominator == "pixels", wrapper.accumulative_counts, length
        self.pixels = 0.0  # labeled, of the step so far, in this process

    def factor(self, batch_idx: int, samples: Sequence[Any]) -> float:
        """What the loss of a batch is multiplied by; Lightning divides it by ``counts``."""
        if self.by_pixels:
            number = float(sum(int((one.gt_sem_seg != IGNORE).sum()) for one in samples if one.gt_sem_seg is not None))
            self.pixels += number
            return self.counts * number / UNIT
        rest = self.length % self.counts
        return self.counts / rest if rest and batch_idx >= self.length - rest else 1.0

    def finish(self, optimizer: Any, trainer: Any) -> None:
        """Before the optimizer steps: divide by the labeled pixels of all its batches in all processes."""
        if not self.by_pixels:
            return
        mean, self.pixels = self.pixels, 0.0
        if trainer.world_size > 1:  # over the processes, as gradients are
            mean = float(trainer.strategy.reduce(Tensor([mean]).to(trainer.strategy.root_device), reduce_op="mean"))
        if mean == 0:
            return
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.mul_(UNIT / mean)


def denominator_problems(model: nn.Module, wanted: str) -> Iterator[Problem]:
    """Losses that are no mean over the labeled pixels, where ``denominator='pixels'`` is wanted."""
    if wanted != "pixels":
        return
    for name, module in model.named_modules():
        if not type(module).__module__.startswith("segue.losses."):
            continue
        if not getattr(module, "avg_non_ignore", False):
            why = "is no mean over the labeled pixels (avg_non_ignore=True); without it, accumulation is exact anyway"
        elif getattr(module, "class_weight", None) is not None:
            why = "is a mean over the weights of classes"
        else:
            continue
        yield Problem("optim_wrapper.denominator", f"'pixels': {type(module).__name__} at model.{name} {why}")


def check_denominator(model: nn.Module, wanted: str) -> None:
    """See `denominator_problems`.

    Raises:
        ConfigError: there are some.
    """
    if problems := list(denominator_problems(model, wanted)):
        raise ConfigError(problems)
