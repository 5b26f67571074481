"""A run in mmseg's classes, for hooks: the visualizer of the work folder, and predicted samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from segue.compat.mmengine.loaders import shown
from segue.compat.mmengine.registry import LOOPS, MODELS, VISUALIZERS
from segue.compat.mmengine.structures import PixelData, SegDataSample, from_segue
from segue.compat.mmengine.visualization import SegLocalVisualizer, Visualizer
from segue.config.tree import ConfigDict
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

    def batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """A dict of lists, with SegDataSamples; without what Segue's loader notes beside them."""
        return {key: shown(value) for key, value in batch.items() if key != "counted"}

    def loop(self, by_epoch: bool) -> type:
        """mmengine's."""
        found: type = LOOPS.get("EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop")
        return found

    def segmentor(self, cfg: Mapping[str, Any]) -> Any:
        """Of mmseg's classes, so that a loop of the user's own finds ``train_step``, ``parse_losses`` ..."""
        node = cfg["model"]
        top = cfg.get("data_preprocessor")
        if top and not node.get("data_preprocessor"):
            node = {**node, "data_preprocessor": top}
        return MODELS.build(ConfigDict(node))
