"""Test-time augmentation by hand: a model that merges what another predicts of several views of an image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from segue.compat.mmengine.registry import MODELS
from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmseg.base_model import BaseModel
from segue.types import SegSample


class BaseTTAModel(BaseModel):
    """Asks ``module`` about every view of a batch; a subclass writes ``merge_preds``.

    Args:
        module: a model, or the dict of one.
        data_preprocessor: accepted; that of the module counts.
    """

    stands_for: ClassVar = ("models", "BaseTTAModel")
    takes_views = True

    def __init__(self, module: Any, data_preprocessor: Any = None) -> None:
        module = MODELS.build(module) if isinstance(module, Mapping) else module
        super().__init__(data_preprocessor)
        if not isinstance(module, nn.Module):
            raise TypeError(f"module is a model or the dict of one, not {type(module).__name__}")
        self.module = module

    @abstractmethod
    def merge_preds(self, data_samples_list: Any) -> list[Any]:
        """Samples of every image, one of each view, to one sample of each image."""
        raise NotImplementedError(f"{type(self).__name__} does not say how views are merged: write merge_preds")

    def test_step(self, data: Any) -> list[Any]:
        """Merged predictions of a batch whose entries are lists, one of each view."""
        if isinstance(data, Mapping):
            count = len(next(iter(data.values())))
            views: list[Any] = [{key: value[index] for key, value in data.items()} for index in range(count)]
        else:
            views = [list(part) for part in zip(*data, strict=True)]
        predictions = [self.module.test_step(view) for view in views]  # type: ignore[operator]
        return self.merge_preds(list(zip(*predictions, strict=True)))

    val_step = test_step

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:
        """Not for a model of views.

        Raises:
            NotImplementedError: always; call ``test_step``.
        """
        raise NotImplementedError("a model of views is asked by test_step(data)")

    def label_maps(self, batch: Mapping[str, Any]) -> list[Tensor]:
        """Labels (H, W) of a batch as Segue's evaluation has it: a list of views of each image."""
        views = [list(part) for part in zip(*batch["inputs"], strict=True)]
        samples = [
            [from_segue(sample) if isinstance(sample, SegSample) else sample for sample in part]
            for part in zip(*batch["data_samples"], strict=True)
        ]
        found = self.test_step({"inputs": views, "data_samples": samples})
        return [sample.pred_sem_seg.data[0].long() for sample in found]

    # weights are the module's, under its own names

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The module's."""
        return self.module.state_dict(*args, **kwargs)

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Into the module."""
        return self.module.load_state_dict(state_dict, strict, assign)


class SegTTAModel(BaseTTAModel):
    """The mean over views of the classes' probabilities; with one logit the mean of its sigmoid."""

    stands_for: ClassVar = ("models", "SegTTAModel")

    def merge_preds(self, data_samples_list: Sequence[Any]) -> list[SegDataSample]:
        """The sample of each image's first view, with ``pred_sem_seg`` (1, H, W) of all its views."""
        merged = []
        for samples in data_samples_list:
            mean: Tensor = torch.stack([self._shares(sample.seg_logits.data) for sample in samples]).mean(dim=0)
            head = getattr(self.module, "decode_head", None)
            head = head[-1] if isinstance(head, nn.ModuleList) else head
            if mean.shape[0] == 1:
                threshold = getattr(head, "threshold", None)
                labels = (mean > (0.5 if threshold is None else threshold)).to(torch.int64)
            else:
                labels = mean.argmax(dim=0, keepdim=True)
            samples[0].pred_sem_seg = PixelData(data=labels)
            merged.append(samples[0])
        return merged

    @staticmethod
    def _shares(logits: Tensor) -> Tensor:
        """(classes, H, W) probabilities; the segmentors give one logit as its sigmoid already."""
        if logits.shape[0] > 1:
            return logits.softmax(dim=0)
        inside = logits.min() >= 0 and logits.max() <= 1
        return logits if inside else logits.sigmoid()
