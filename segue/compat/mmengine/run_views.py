"""A run in mmseg's classes, for hooks: the visualizer of the work folder, and predicted samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from segue.compat.mmengine.registry import VISUALIZERS
from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmengine.visualization import SegLocalVisualizer, Visualizer
from segue.datasets.palette import generate_palette
from segue.types import SegSample


class RunViews:
    """See `segue.training.user_views`."""

    def visualizer(
        self, folder: Path, metainfo: dict[str, Any], node: Mapping[str, Any], backends: Sequence[Any]
    ) -> Any:
        """Writes pictures to ``vis_data/vis_image`` of the work folder, as mmseg does, or to the backends."""
        kind = node.get("type", "SegLocalVisualizer")
        cls = VISUALIZERS.get(kind) or (Visualizer if str(kind).endswith(".Visualizer") else SegLocalVisualizer)
        given = {key: value for key, value in node.items() if key not in ("type", "_scope_", "vis_backends")}
        made = cls(**{"save_dir": str(folder), **given, "vis_backends": list(backends) or None})
        classes = metainfo.get("classes")
        if classes and getattr(made, "dataset_meta", None) is None:
            palette = metainfo.get("palette") or generate_palette(classes)
            made.dataset_meta = {"classes": tuple(classes), "palette": palette}
        return made

    def sample(self, sample: SegSample, predicted: Tensor) -> SegDataSample:
        """With ``pred_sem_seg`` (1, H, W), and ``img_path`` and its like as attributes."""
        made = from_segue(sample)
        made.pred_sem_seg = PixelData(data=predicted if predicted.ndim == 3 else predicted[None])
        return made
