"""mmseg's and mmengine's hooks that draw, profile or prepare: those that user code derives from.

Named in a config, ``SegVisualizationHook`` is `segue.training.pictures`; a class derived from it is called here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.compat.mmengine.hooks import Hook
from segue.errors import InputError
from segue.training.pictures import picture_of


class SegVisualizationHook(Hook):
    """Draws the labels of every ``interval``-th batch of a validation or test with the run's visualizer.

    Args:
        draw: whether to.
        interval: in batches.
        show: in a window, for ``wait_time`` seconds.
        backend_args: accepted; images are read from the local disk.
    """

    def __init__(
        self,
        draw: bool = False,
        interval: int = 50,
        show: bool = False,
        wait_time: float = 0.0,
        backend_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.draw, self.interval, self.show, self.wait_time = draw, interval, show, wait_time
        self.backend_args = backend_args

    def _after_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None, mode: str = "val"
    ) -> None:
        if not self.draw or mode == "train" or not self.every_n_inner_iters(batch_idx, self.interval):
            return
        for at, sample in enumerate(outputs or ()):
            name = f"{mode}_{Path(str(sample.metainfo.get('img_path', at))).name}"
            runner.visualizer.add_datasample(
                name,
                _image(sample, data_batch, at),
                data_sample=sample,
                show=self.show,
                wait_time=self.wait_time,
                step=runner.iter,
            )


class NaiveVisualizationHook(Hook):
    """Draws the labels of every ``interval``-th batch of a test."""

    priority = "NORMAL"

    def __init__(self, interval: int = 1, draw_gt: bool = True, draw_pred: bool = True) -> None:
        self._interval, self.draw_gt, self.draw_pred = interval, draw_gt, draw_pred

    def after_test_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """After a batch of a test."""
        if not self.every_n_inner_iters(batch_idx, self._interval):
            return
        for at, sample in enumerate(outputs or ()):
            name = Path(str(sample.metainfo.get("img_path", at))).name
            image = _image(sample, data_batch, at)
            shown = {"draw_gt": self.draw_gt, "draw_pred": self.draw_pred}
            runner.visualizer.add_datasample(name, image, data_sample=sample, **shown)


class ProfilerHook(Hook):
    """torch.profiler over the first ``profile_times`` epochs or iterations; the table of times is printed.

    Args:
        by_epoch: what ``profile_times`` counts.
        profile_times: how many are profiled.
        activity_with_cpu, activity_with_cuda: what is measured.
        schedule: arguments of ``torch.profiler.schedule``.
        on_trace_ready: a function of the profile; None prints its table.
        record_shapes, profile_memory, with_stack, with_flops: see ``torch.profiler.profile``.
        json_trace_path: where to write a trace for chrome://tracing.
    """

    priority = "VERY_LOW"

    def __init__(
        self,
        *,
        by_epoch: bool = True,
        profile_times: int = 1,
        activity_with_cpu: bool = True,
        activity_with_cuda: bool = False,
        schedule: Mapping[str, int] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        json_trace_path: str | None = None,
    ) -> None:
        kinds = torch.profiler.ProfilerActivity
        chosen = [(activity_with_cpu, kinds.CPU), (activity_with_cuda, kinds.CUDA)]
        self.activities = [kind for wanted, kind in chosen if wanted]
        if not self.activities:
            raise ValueError("nothing to profile: set activity_with_cpu or activity_with_cuda")
        if profile_times < 1:
            raise ValueError(f"profile_times must be at least 1, got {profile_times}")
        self.by_epoch, self.profile_times, self.json_trace_path = by_epoch, profile_times, json_trace_path
        self.schedule = torch.profiler.schedule(**schedule) if schedule else None
        self.on_trace_ready = on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops = with_stack, with_flops
        self.profiler: Any = None
        self._seen = 0

    def before_run(self, runner: Any) -> None:
        """Begin."""
        self.profiler = torch.profiler.profile(
            activities=self.activities,
            schedule=self.schedule,
            on_trace_ready=self.on_trace_ready,
            record_shapes=self.record_shapes,
            profile_memory=self.profile_memory,
            with_stack=self.with_stack,
            with_flops=self.with_flops,
        )
        self.profiler.__enter__()

    def after_train_epoch(self, runner: Any) -> None:
        """Count, where epochs are counted."""
        if self.by_epoch:
            self._count(runner)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Count, where iterations are counted, and go on with the schedule."""
        if self.profiler is not None:
            self.profiler.step()
        if not self.by_epoch:
            self._count(runner)

    def after_run(self, runner: Any) -> None:
        """The end of a run that was shorter."""
        self._finish(runner)

    def _count(self, runner: Any) -> None:
        self._seen += 1
        if self._seen >= self.profile_times:
            self._finish(runner)

    def _finish(self, runner: Any) -> None:
        profiler, self.profiler = self.profiler, None
        if profiler is None:
            return
        profiler.__exit__(None, None, None)
        if self.on_trace_ready is None and self.schedule is None:
            runner.logger.info(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=20))
        if self.json_trace_path is not None:
            profiler.export_chrome_trace(self.json_trace_path)


class PrepareTTAHook(Hook):
    """Wraps the model of a test in the TTA model of a config, for runs by hand; ``segue test --tta`` needs none."""

    def __init__(self, tta_cfg: Mapping[str, Any]) -> None:
        if not isinstance(tta_cfg, Mapping) or "type" not in tta_cfg:
            raise InputError(f"tta_cfg is a dict(type='SegTTAModel', ...), not {tta_cfg!r}")
        self.tta_cfg = dict(tta_cfg)

    def before_test(self, runner: Any) -> None:
        """Wrap ``runner.model``, which a runner of one's own must let itself be given."""
        from segue.compat.mmengine.registry import MODELS

        runner.model = MODELS.build({**self.tta_cfg, "module": runner.model})


def _image(sample: Any, data_batch: Any, at: int) -> np.ndarray:
    """The picture (H, W, 3) RGB behind a SegDataSample."""
    for name in ("pred_sem_seg", "gt_sem_seg", "pred_depth_map"):
        if name in sample:
            return picture_of(sample.metainfo, getattr(sample, name).data, data_batch, at)
    raise InputError("a sample without labels cannot be drawn")
