"""mmseg's CityscapesMetric for subclasses: each image's counts are a result, and `compute_metrics` adds them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from segue.compat.mmengine.metrics import BaseMetric
from segue.metrics.cityscapes import CityscapesMetric as House
from segue.metrics.cityscapes import counts_of, scores, truth_of


class CityscapesMetric(BaseMetric):
    """The scores of Cityscapes' own evaluation; see `segue.metrics.cityscapes`."""

    stands_for: ClassVar = ("metrics", "CityscapesMetric")

    def __init__(
        self,
        output_dir: str | None = None,
        ignore_index: int = 255,
        format_only: bool = False,
        keep_results: bool = False,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.output_dir, self.ignore_index = output_dir, ignore_index
        self.format_only, self.keep_results = format_only, keep_results
        self._house = House(output_dir, ignore_index, format_only, keep_results)

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Count each image; with ``format_only`` write it."""
        for sample in data_samples:
            labels = sample["pred_sem_seg"]["data"].squeeze()
            if self._house.output_dir is not None:
                writer = House(str(self._house.output_dir), self.ignore_index, format_only=True)
                writer.update(labels, None, sample)
            if not self.format_only:
                ids = self._house.ids_of(labels)
                self.results.append(counts_of(ids, *truth_of(sample, ids.shape)))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """The means, from 0 to 1; none with ``format_only``."""
        if self.format_only:
            return {}
        return scores({name: sum(part[name] for part in results) for name in results[0]})
