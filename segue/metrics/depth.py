"""DepthMetric: how far predicted depths are from measured ones (Eigen et al. 2014, arXiv:1406.2283, section 4).

With the depths p (predicted) and t (true) of an image's pixels, and d = ln p - ln t: ``d1``, ``d2``, ``d3`` are the
shares of pixels with max(p / t, t / p) < 1.25, 1.25^2, 1.25^3; ``abs_rel`` = mean |p - t| / t; ``sq_rel`` = mean
(p - t)^2 / t; ``rmse`` = sqrt(mean (p - t)^2); ``rmse_log`` = sqrt(mean d^2); ``log10`` = mean |log10 p - log10 t|;
``silog`` = sqrt(mean d^2 - (mean d)^2 / 2). Each is measured per image and then averaged over the images.

Deviations from the reference: ``depth_metrics`` can be given (there, TypeError); an image without any true depth does
not count (there, all values become NaN); a predicted depth of 0 or less counts as 1e-6 in ratios and logarithms (there,
the logarithms are NaN, and negative depths are right for ``d1``); written depths are rounded and stay within 16 bits
(there, cut off and wrapped); ``nyu_crop`` refuses images of other sizes than NYU's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segue.errors import InputError
from segue.images.read import depth_png, write_png

MEASURES = ("d1", "d2", "d3", "abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog")
SMALLEST = 1e-6
#: The part of NYU's images that Eigen et al. compare: rows and columns of 480 x 640 pixels.
NYU_SIZE, NYU_CROP = (480, 640), (slice(45, 471), slice(41, 601))


class DepthMetric:
    """Measures per image as sums: memory does not grow with the number of images.

    Args:
        depth_metrics: any of ``d1``, ``d2``, ``d3``, ``abs_rel``, ``sq_rel``, ``rmse``, ``rmse_log``, ``log10``,
            ``silog``; None for all.
        min_depth_eval, max_depth_eval: pixels count whose true depth is strictly between these.
        crop_type: ``nyu_crop`` leaves out the border that NYU's depth maps lack.
        depth_scale_factor: written files hold depths times this, such as 1000 for millimeters of meters.
        collect_device: accepted for mmseg configs; sums are kept on the CPU.
        output_dir: folder for predicted depths as PNG of 16 bits, one per image.
        format_only: write these files and measure nothing.
        prefix: put before every name, with a slash.
        keep_results: accepted for mmseg's tools; what is written stays in any case.
    """

    def __init__(
        self,
        depth_metrics: Sequence[str] | None = None,
        min_depth_eval: float = 0.0,
        max_depth_eval: float = float("inf"),
        crop_type: str | None = None,
        depth_scale_factor: float = 1.0,
        collect_device: str = "cpu",
        output_dir: str | None = None,
        format_only: bool = False,
        prefix: str | None = None,
        keep_results: bool = True,
    ) -> None:
        wanted = [depth_metrics] if isinstance(depth_metrics, str) else list(depth_metrics or MEASURES)
        if any(name not in MEASURES for name in wanted):
            raise InputError(f"DepthMetric: depth_metrics must be among {', '.join(MEASURES)}, got {depth_metrics!r}")
        if not 0 <= min_depth_eval < max_depth_eval:
            raise InputError(
                f"DepthMetric: min_depth_eval={min_depth_eval!r} must be at least 0 and below "
                f"max_depth_eval={max_depth_eval!r}"
            )
        if crop_type not in (None, "nyu_crop"):
            raise InputError(f"DepthMetric: crop_type must be 'nyu_crop' or None, got {crop_type!r}")
        if depth_scale_factor <= 0:
            raise InputError(f"DepthMetric: depth_scale_factor must be positive, got {depth_scale_factor!r}")
        if format_only and output_dir is None:
            raise InputError("DepthMetric: format_only=True writes files, so it needs output_dir")
        self.metrics = wanted
        self.low, self.high = min_depth_eval, max_depth_eval
        self.crop_type = crop_type
        self.depth_scale_factor = depth_scale_factor
        self.output_dir = None if output_dir is None else Path(output_dir)
        self.format_only = format_only
        self.prefix = f"{prefix}/" if prefix else ""
        self.reset()

    def set_dataset(self, metainfo: Mapping[str, Any]) -> None:
        """Start from zero; nothing that a dataset says changes the measures."""
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self._sums = torch.zeros(1 + len(MEASURES), dtype=torch.float64)

    def update(self, pred: Tensor, label: Tensor | None, meta: Mapping[str, Any] | None = None) -> None:
        """Measure one image.

        Args:
            pred: (H, W) predicted depths, floating point, on any device.
            label: (H, W) true depths; None only with ``format_only``.
            meta: of the sample; ``img_path`` names the image in errors, and the output file.

        Raises:
            InputError: class ids in place of depths, no true depths, other sizes, or depths that are no numbers.
        """
        meta = meta or {}
        name = str(meta.get("img_path") or "an image")
        if not pred.is_floating_point():
            raise InputError(f"DepthMetric: {name}: the model predicts classes; depths come from a DepthEstimator")
        if not bool(torch.isfinite(pred).all()):
            raise InputError(f"DepthMetric: {name}: the model predicts depths that are not finite numbers")
        if self.output_dir is not None:
            if not meta.get("img_path"):
                raise InputError("DepthMetric: output_dir needs img_path in the sample's meta; add it to meta_keys")
            file = self.output_dir / f"{Path(meta['img_path']).stem}.png"
            write_png(file, depth_png(pred.float().cpu().numpy(), self.depth_scale_factor))
        if self.format_only:
            return
        if label is None:
            raise InputError(f"DepthMetric: {name} has no depths; put LoadDepthAnnotation into the test pipeline")
        if pred.shape != label.shape:
            raise InputError(
                f"DepthMetric: {name}: the prediction is {tuple(pred.shape)}, the depth map {tuple(label.shape)}; "
                "predictions must be brought back to the size of the original image"
            )
        label = label.to(pred.device)
        counted = (label > self.low) & (label < self.high)
        if self.crop_type:
            if tuple(label.shape) != NYU_SIZE:
                raise InputError(
                    f"DepthMetric: {name} is {tuple(label.shape)}; crop_type='nyu_crop' is made for {NYU_SIZE}: use "
                    "crop_type=None"
                )
            inside = torch.zeros_like(counted)
            inside[NYU_CROP] = True
            counted &= inside
        if bool(counted.any()):
            # in double precision on the CPU, which not every device has
            self._sums += torch.tensor([1.0, *_measured(pred[counted].cpu().double(), label[counted].cpu().double())])

    def compute(self) -> dict[str, float]:
        """The means over images of what ``depth_metrics`` asks for; nan where no image has a depth that counts."""
        if self.format_only:
            return {}
        count, *sums = self._sums.tolist()
        means = {name: value / count if count else math.nan for name, value in zip(MEASURES, sums, strict=True)}
        return {self.prefix + name: means[name] for name in self.metrics}

    def table(self) -> list[dict[str, str | float]]:
        """One row per measure: ``measure`` and ``value``, a text of four decimals: errors are parts of a meter."""
        return [{"measure": name, "value": f"{value:.4f}"} for name, value in self.compute().items()]

    def state(self) -> dict[str, Tensor]:
        """``sums`` (10,) float64: images, and each measure's sum over them. They add up across processes."""
        return {"sums": self._sums.clone()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a `state`."""
        sums = state["sums"]
        if sums.shape != self._sums.shape:
            raise InputError(
                f"DepthMetric: sums of shape {tuple(sums.shape)}, expected {tuple(self._sums.shape)}: images and "
                f"{', '.join(MEASURES)}"
            )
        self._sums = sums.detach().to("cpu", torch.float64, copy=True)


def _measured(pred: Tensor, truth: Tensor) -> list[float]:
    """The measures, in their order, of depths (N,) float64; the true ones are positive."""
    error = pred - truth
    positive = pred.clamp(min=SMALLEST)
    logs = positive.log() - truth.log()
    ratio = torch.maximum(positive / truth, truth / positive)
    square = logs.square().mean()
    values = [
        *((ratio < 1.25**power).double().mean() for power in (1, 2, 3)),
        (error.abs() / truth).mean(),
        (error.square() / truth).mean(),
        error.square().mean().sqrt(),
        square.sqrt(),
        logs.abs().mean() / math.log(10),
        (square - logs.mean().square() / 2).sqrt(),
    ]
    return [float(value) for value in values]
