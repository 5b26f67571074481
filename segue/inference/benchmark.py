"""How fast a model predicts, and what it takes: `segue benchmark`."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from segue.config import Config
from segue.config.builder.build import build_model
from segue.errors import InputError, SegueError
from segue.inference.load import load
from segue.inference.predictor import Predictor
from segue.inference.segment import label_maps
from segue.inference.views import crop_of
from segue.inference.way import going
from segue.models.complexity import Part, parts
from segue.recipes.catalogue import entry
from segue.recipes.compose import is_recipe_name
from segue.types import SegSample

#: by a certificate's word, that of ``--precision``
NAMES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "int8": "int8"}
#: passes before the measured ones: the first one watches the model, and compiles it where that is asked for
WARM_UP = 3


@dataclass(frozen=True)
class Benchmark:
    """What was measured.

    Attributes:
        model: what was given.
        device, threads, precision, compiled, engine: how it ran.
        size: (H, W) of the images. batch_size: of them at once. runs: passes that were measured.
        median_ms, p90_ms: of one pass, from pixels in memory to labels: preprocessing, network, upsampling, decision.
        images_per_s: by the median.
        memory: bytes at most; memory_of: of what: all that the process ever held, or what tensors took on the device.
        parameters: their number. flops: of one image; products and sums counted alike.
        parts: the same of modules.
        published: numbers of the recipe of this name: mIoU and so on, its paper.
    """

    model: str
    device: str
    threads: int
    precision: str
    compiled: bool
    engine: str
    size: tuple[int, int]
    batch_size: int
    runs: int
    median_ms: float
    p90_ms: float
    images_per_s: float
    memory: int | None
    memory_of: str
    parameters: int | None
    flops: int | None
    parts: list[Part]
    published: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The facts as JSON data."""
        return asdict(self)


def benchmark(
    config: str | Path | Config | Mapping[str, Any],
    checkpoint: str | Path | None = None,
    *,
    device: str = "cpu",
    size: tuple[int, int] | None = None,
    batch_size: int = 1,
    runs: int = 20,
    precision: str = "fp32",
    compiled: bool = False,
    engine: str = "torch",
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> Benchmark:
    """Measure a model on images of random pixels.

    Args:
        config, checkpoint, device, precision, compiled, engine, cfg_options, trust: as for `segue.inference.load.load`.
        size: (H, W) of the images after the pipeline; by default the config's training crop, or what a file of
            one size takes.
        batch_size: images at once.
        runs: passes that are measured.

    Raises:
        InputError: a size or a number below 1, or the model cannot take images of this size.
    """
    if min(batch_size, runs, *(size or (1, 1))) < 1:
        raise InputError(f"size={size}, batch_size={batch_size}, runs={runs}: all must be 1 or more")
    predictor = load(
        config,
        checkpoint,
        device=device,
        precision=precision,
        compiled=compiled,
        engine=engine,
        cfg_options=cfg_options,
        trust=trust,
    )
    height, width = size or getattr(predictor.model, "fixed_size", None) or crop_of(predictor.cfg)
    held = next(predictor.model.parameters(), None)  # an exported file has none
    place = torch.device("cpu") if held is None else held.device
    if place.type == "cuda":
        torch.cuda.reset_peak_memory_stats(place)
    try:
        times = sorted(_times(predictor, (height, width), batch_size, runs, place))
    except (RuntimeError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise InputError(f"the model cannot take {batch_size} images of {height} x {width} pixels ({said})") from error
    memory, memory_of = _memory(place)
    median = statistics.median(times)
    channels = predictor.expected.channels
    network = predictor.model if held is not None else _model_of(predictor.cfg)
    try:
        found = [] if network is None else parts(network, (height, width), channels)
    except (NotImplementedError, RuntimeError, TypeError, ValueError):  # a forward of the user's, of another kind
        found = []
    return Benchmark(
        model=str(getattr(config, "filename", None) or (config if isinstance(config, (str, Path)) else "a config")),
        device=torch.cuda.get_device_name(place) if place.type == "cuda" else place.type,
        threads=torch.get_num_threads(),
        precision=NAMES.get(str(getattr(predictor.model, "certificate", {}).get("precision")), precision),
        compiled=compiled,
        engine=getattr(predictor.model, "engine", engine),
        size=(height, width),
        batch_size=batch_size,
        runs=runs,
        median_ms=median * 1e3,
        p90_ms=times[min(len(times) - 1, round(0.9 * (len(times) - 1)))] * 1e3,
        images_per_s=batch_size / median,
        memory=memory,
        memory_of=memory_of,
        parameters=None if network is None else sum(p.numel() for p in network.parameters()),
        flops=sum(one.flops for one in found if "." not in one.name) or None,
        parts=found,
        published=_published(config),
    )


def _model_of(cfg: Mapping[str, Any]) -> Any:
    """The model of an exported file's config; None where its classes are not here."""
    try:
        return build_model(cfg).eval()
    except SegueError:
        return None


def _times(
    predictor: Predictor, size: tuple[int, int], batch_size: int, runs: int, place: torch.device
) -> Iterator[float]:
    """Seconds of each pass."""
    draw = torch.Generator().manual_seed(0)
    shape = (predictor.expected.channels, *size)
    images = [torch.randint(0, 256, shape, generator=draw, dtype=torch.uint8) for _ in range(batch_size)]
    batch = {"inputs": images, "data_samples": [SegSample({"ori_shape": size, "img_shape": size}) for _ in images]}
    with torch.inference_mode(), going(predictor.way):
        for number in range(WARM_UP + runs):
            begin = time.perf_counter()
            label_maps(predictor.model, batch)
            if place.type == "cuda":
                torch.cuda.synchronize(place)
            if number >= WARM_UP:
                yield time.perf_counter() - begin


def _memory(place: torch.device) -> tuple[int | None, str]:
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated(place), "tensors on the device"
    try:
        import resource
    except ImportError:  # Windows has none
        return None, "not known here"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024, "the whole process"


def _published(config: Any) -> dict[str, Any]:
    """What is published about a recipe, where the config is one by its name."""
    name = Path(str(getattr(config, "filename", None) or config)).stem if not isinstance(config, Mapping) else ""
    if not name or not is_recipe_name(name):
        return {}
    known = entry(name)
    return {**known.metrics, "paper": known.paper, "link": known.link} if known.metrics or known.paper else {}
