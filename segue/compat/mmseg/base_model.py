"""mmengine's BaseModel: the steps that loops and scripts call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

from torch import Tensor

from segue.compat.mmengine.loaders import shown
from segue.compat.mmengine.modules import BaseModule
from segue.compat.mmengine.registry import MODELS
from segue.compat.mmengine.run_views import RunViews
from segue.compat.mmseg.preprocessors import BaseDataPreprocessor, Bridge, SegDataPreProcessor
from segue.compat.overrides import Guarded, overridden
from segue.models.seg_data_preprocessor import SegDataPreProcessor as House
from segue.models.total_loss import total_loss
from segue.training.user_views import offer

offer(RunViews())


class BaseModel(Guarded, BaseModule):
    """The base of models: ``forward(inputs, data_samples, mode)`` with the modes loss, predict and tensor."""

    stands_for: ClassVar = ("models", "BaseModel")

    def __init__(self, data_preprocessor: Any = None, init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        given = {"type": "BaseDataPreprocessor"} if data_preprocessor is None else data_preprocessor
        if isinstance(given, Mapping):
            bare = given.get("type") == "BaseDataPreprocessor"
            given = BaseDataPreprocessor() if bare else MODELS.build(given)
        if type(given) is House:  # as the builder makes it; the same with the results of mmseg's
            given.__class__ = SegDataPreProcessor
        self.data_preprocessor = given if isinstance(given, House) else Bridge(given)

    def _run_forward(self, data: Any, mode: str) -> Any:
        if isinstance(data, Mapping):
            return self(**data, mode=mode)
        return self(*data, mode=mode)

    def train_step(self, data: Any, optim_wrapper: Any = None) -> dict[str, Any]:
        """One step of training; returns what to log, or for a batch of 0.x what its runners expect."""
        if isinstance(data, Mapping) and "img_metas" in data:  # of 0.x, as its loaders made them
            return self.stepped_as_0x(data)  # type: ignore[operator,no-any-return]
        with getattr(optim_wrapper, "optim_context", lambda model: nullcontext())(self):
            losses = self._run_forward(self.data_preprocessor(data, True), mode="loss")
        total, values = self.parse_losses(losses)
        optim_wrapper.update_params(total)
        return values

    @property
    def trains_by_steps(self) -> bool:
        """Whether a subclass has a ``train_step`` of its own: a loop must call it."""
        return overridden(self, "train_step")

    @property
    def own_losses(self) -> Any:
        """What makes the total and the values of a batch, where a subclass says how; None where Segue knows."""
        return self._own_losses if overridden(self, "parse_losses", "_run_forward", "forward") else None

    def _own_losses(self, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        data = {key: shown(value) for key, value in batch.items() if key != "counted"}
        return self.parse_losses(self._run_forward(self.data_preprocessor(data, True), mode="loss"))

    def val_step(self, data: Any) -> Any:
        """Predictions of a batch of the loader."""
        return self._run_forward(self.data_preprocessor(data, False), mode="predict")

    test_step = val_step

    def parse_losses(self, losses: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum of the entries whose name contains ``loss``, and all values."""
        total, values = total_loss(losses)
        return total, OrderedDict([("loss", total), *values.items()])
