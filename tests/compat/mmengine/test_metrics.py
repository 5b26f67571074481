"""A user's metric on depths, by hand: it finds them under mmseg's names."""

from __future__ import annotations

from typing import Any

import torch

import segue.compat  # noqa: F401


def test_depths_have_their_own_names() -> None:
    from mmengine.evaluator import BaseMetric

    class Farthest(BaseMetric):
        def process(self, data_batch: Any, data_samples: Any) -> None:
            for sample in data_samples:
                assert "pred_sem_seg" not in sample
                self.results.append(sample["pred_depth_map"]["data"].max() - sample["gt_depth_map"]["data"].max())

        def compute_metrics(self, results: list[Any]) -> dict[str, float]:
            return {"farthest": float(sum(results))}

    metric = Farthest()
    metric.update(torch.tensor([[1.0, 4.5]]), torch.tensor([[1.0, 4.0]]), {"img_path": "room.jpg"})
    assert metric.compute() == {"farthest": 0.5}
