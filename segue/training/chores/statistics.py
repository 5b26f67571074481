"""Running statistics of normalizations that are no numbers: training does not use them, and every prediction does.

A loss may stay finite while an activation is so large that its variance overflows. The running variance is Inf from
then on, and the model predicts nothing. So they are looked at after every step.
"""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback
from torch import Tensor, nn

from segue.training.failures.not_finite import all_finite, counted, not_finite
from segue.training.failures.report import LossError


class Statistics(Callback):
    """Ends a run with the names of the layer and of the files."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Tensor]] | None = None
        self._before: Tensor | None = None  # on a GPU the answer of the step before, which is there by now

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Look.

        Raises:
            LossError: one is not finite.
        """
        if self._kept is None:
            self._kept = running(pl_module.model)
        if not self._kept:
            return
        with torch.no_grad():
            fine = all_finite([buffer for _, buffer in self._kept])
        look, self._before = (self._before, fine) if fine.is_cuda else (fine, None)
        if look is None or bool(look):
            return
        wrong = [f"{name} ({counted(buffer)})" for name, buffer in self._kept if not_finite(buffer)]
        some = ", ".join(wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")
        files = "\n".join(f"  {one.meta.get('img_path', '?')}" for one in batch["data_samples"])
        loss = pl_module.values.get("loss")
        number = "?" if loss is None else f"{float(loss):.4g}"
        raise LossError(
            f"the loss is finite at iteration {batch_idx + 1} ({number}), but running statistics are not: {some}. What "
            f"is normalized there has become too large, and predictions use them. The images of the batch:\n{files}\n"
            "Try a lower learning rate, a warmup or clip_grad, and look at the values of the images; what was saved "
            "before this step is whole."
        )


def running(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Means and variances that normalizations keep."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
    return [
        (f"{path}.{name}", buffer)
        for path, module in model.named_modules()
        if isinstance(module, kinds)
        for name, buffer in module.named_buffers(recurse=False)
        if buffer.is_floating_point()
    ]
