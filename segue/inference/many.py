"""Predicting many images to files in one call: ``segue.predict`` and the command of that name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segue.config import Config
from segue.errors import InputError
from segue.inference.crf import CRF
from segue.inference.ensemble import Weights
from segue.inference.load import load
from segue.inference.outputs import DEFAULT, Saving, Written
from segue.inference.sources import Video, list_sources
from segue.inference.write import write_all


def predict(
    config: str | Path | Config | Mapping[str, Any],
    checkpoint: Weights | None,
    images: Any,
    out: str | Path,
    *,
    device: str = "cpu",
    batch_size: int = 1,
    tta: bool = False,
    recursive: bool = False,
    crf: CRF | None = None,
    save: Sequence[str] = DEFAULT,
    legend: bool = False,
    background: bool = False,
    least_area: int = 1,
    frames: int | None = None,
    precision: str = "fp32",
    compiled: bool = False,
    engine: str = "torch",
    windows: str = "constant",
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> list[Written]:
    """Segment images, folders, patterns and videos; writes ``NAME.png`` (labels; ``CLASS/NAME.png`` where a pixel may
    have several classes; a depth model writes thousandths of its unit) and ``NAME_overlay.png`` into ``out``, or what
    ``save`` names; see docs/predict.md.

    Args:
        config, checkpoint: as for `load`.
        images: paths, or whatever `segue.inference.predictor.Predictor.stream` takes. Files of one name from several
            folders keep their folders below ``out``.
        out: folder.
        device, precision, compiled, engine, windows, cfg_options, trust: as for `load`.
        batch_size, tta, recursive, crf, frames: as for `segue.inference.predictor.Predictor.predict`.
        save: see `segue.inference.outputs`.
        legend, background: overlays have the names of their classes below; they draw a class named background, too.
        least_area: pixels below which a region is no polygon.

    Returns:
        What was written of each image: its name, path, files and the share of each class.

    Raises:
        DataError: a path that is no image, or ``out`` cannot be written.
        SomeFailedError: images that cannot be read or segmented; all others are written, and are its ``results``.
    """
    saving = Saving(tuple(save), legend, background, least_area)
    sources = [images] if isinstance(images, (str, Path)) else images
    if isinstance(sources, (list, tuple)) and all(isinstance(one, (str, Path, int, Video)) for one in sources):
        sources = list_sources(sources, recursive=recursive)[0]  # before the model, which takes longer
    elif recursive:
        raise InputError("recursive is about folders; name them in a list of paths")
    predictor = load(
        config,
        checkpoint,
        device=device,
        precision=precision,
        compiled=compiled,
        engine=engine,
        windows=windows,
        cfg_options=cfg_options,
        trust=trust,
    )
    return write_all(predictor, sources, out, batch_size=batch_size, tta=tta, crf=crf, saving=saving, frames=frames)
