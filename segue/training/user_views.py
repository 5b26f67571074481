"""What user code sees of a run in mmseg's own classes: a visualizer that draws, the samples of a batch, the model.

Those classes are in `segue.compat`, which stands above this room and offers them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from segue.types import SegSample


class Views(Protocol):
    """Makes them."""

    def visualizer(
        self, folder: Path, metainfo: dict[str, Any], node: Mapping[str, Any], backends: Sequence[Any]
    ) -> Any:
        """The one that a config's ``node`` names, mmseg's by default; without backends it writes to ``folder``."""
        ...

    def sample(self, sample: SegSample, predicted: Tensor) -> Any:
        """A SegDataSample with what was predicted: labels (H, W), or a map per class (K, H, W)."""
        ...

    def batch(self, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """A batch of the loader as mmengine's has it, with SegDataSamples."""
        ...

    def loop(self, by_epoch: bool) -> type:
        """mmengine's loop of training, by epochs or by iterations."""
        ...

    def segmentor(self, cfg: Mapping[str, Any]) -> Any:
        """The model of a config with mmseg's calls, ``train_step`` and the like."""
        ...


_offered: list[Views] = []


def offer(views: Views) -> None:
    """Take a maker of views; the last one counts."""
    _offered[:] = [views]


def offered() -> Views | None:
    """The maker of views; None where no hook of mmseg's can be, since its class was never imported."""
    return _offered[0] if _offered else None
