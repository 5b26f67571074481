"""More rows for `places`, and which modules hold what each registry of mmengine has from the beginning."""

from __future__ import annotations

#: registry, by the name that it gives itself -> modules whose classes it has
REGISTERED: dict[str, tuple[str, ...]] = {
    "model": ("mmseg.models.segmentors", "mmengine.model"),
    "hook": ("mmengine.hooks", "mmseg.engine.hooks"),
    "vis_backend": ("mmengine.visualization",),
    "visualizer": ("mmengine.visualization", "mmseg.visualization"),
    "parameter scheduler": ("mmengine.optim", "mmseg.engine.schedulers"),
    "loop": ("mmengine.runner",),
    "data sampler": ("mmengine.dataset",),
    "optim_wrapper": ("mmengine.optim",),
    "optimizer wrapper constructor": ("mmengine.optim", "mmseg.engine.optimizers"),
    "model_wrapper": ("mmengine.model",),
    "runner": ("mmengine.runner",),
    "evaluator": ("mmengine.evaluator",),
    "log_processor": ("mmengine.runner",),
    "inferencer": ("mmseg.apis",),
    "function": ("mmengine.dataset",),
    "metric": ("mmseg.evaluation.metrics", "mmengine.evaluator"),
    "task util": ("mmseg.models.assigners",),
}

SHOWN: tuple[tuple[str, str, str], ...] = (
    (
        "mmengine.trackers",
        "mmengine.visualization mmengine.visualization.vis_backend",
        "TensorboardVisBackend WandbVisBackend MLflowVisBackend ClearMLVisBackend NeptuneVisBackend "
        "DVCLiveVisBackend AimVisBackend",
    ),
    (
        "mmengine.drawing_hooks",
        "mmseg.engine mmseg.engine.hooks mmseg.engine.hooks.visualization_hook",
        "SegVisualizationHook",
    ),
    ("mmengine.views", "mmengine.model mmengine.model.test_time_aug", "BaseTTAModel"),
    ("mmengine.views", "mmseg.models.segmentors mmseg.models mmseg.models.segmentors.seg_tta", "SegTTAModel"),
    (
        "mmseg.cityscapes_metric",
        "mmseg.evaluation mmseg.evaluation.metrics mmseg.evaluation.metrics.citys_metric",
        "CityscapesMetric",
    ),
    ("mmengine.drawing_hooks", "mmengine.hooks", "NaiveVisualizationHook ProfilerHook PrepareTTAHook"),
)
