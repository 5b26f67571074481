"""A run in mmseg's classes, for hooks: the visualizer of the work folder, and predicted samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmengine.visualization import SegLocalVisualizer
from segue.datasets.palette import generate_palette
from segue.types import SegSample


class RunViews:
    """See `segue.training.user_views`."""

    def visualizer(self, folder: Path, metainfo: dict[str, Any]) -> SegLocalVisualizer:
        """Writes pictures to ``vis_data/vis_image`` of the work folder, as mmseg does."""
        made = SegLocalVisualizer(save_dir=str(folder))
        classes = metainfo.get("classes")
        if classes:
            made.set_dataset_meta(classes, metainfo.get("palette") or generate_palette(classes))
        return made

    def sample(self, sample: SegSample, predicted: Tensor) -> SegDataSample:
        """With ``pred_sem_seg`` (1, H, W), and ``img_path`` and its like as attributes."""
        made = from_segue(sample)
        made.pred_sem_seg = PixelData(data=predicted if predicted.ndim == 3 else predicted[None])
        return made
