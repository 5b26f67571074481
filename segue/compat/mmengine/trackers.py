"""mmengine's visualizer backends, to be made by hand or derived from: those of `segue.training`, as BaseVisBackends."""

from __future__ import annotations

from typing import ClassVar

from segue.compat.mmengine.visualization import BaseVisBackend
from segue.training import services, trackers


class TensorboardVisBackend(trackers.TensorboardVisBackend, BaseVisBackend):
    """Event files for ``tensorboard --logdir``."""

    stands_for: ClassVar = ("visualizers", "TensorboardVisBackend")


class WandbVisBackend(services.WandbVisBackend, BaseVisBackend):
    """Weights & Biases."""

    stands_for: ClassVar = ("visualizers", "WandbVisBackend")


class MLflowVisBackend(services.MLflowVisBackend, BaseVisBackend):
    """MLflow."""

    stands_for: ClassVar = ("visualizers", "MLflowVisBackend")


class ClearMLVisBackend(services.ClearMLVisBackend, BaseVisBackend):
    """ClearML."""

    stands_for: ClassVar = ("visualizers", "ClearMLVisBackend")


class NeptuneVisBackend(services.NeptuneVisBackend, BaseVisBackend):
    """Neptune."""

    stands_for: ClassVar = ("visualizers", "NeptuneVisBackend")


class DVCLiveVisBackend(services.DVCLiveVisBackend, BaseVisBackend):
    """DVCLive."""

    stands_for: ClassVar = ("visualizers", "DVCLiveVisBackend")


class AimVisBackend(services.AimVisBackend, BaseVisBackend):
    """Aim."""

    stands_for: ClassVar = ("visualizers", "AimVisBackend")
