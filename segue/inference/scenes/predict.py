"""Scenes from a config and weights to files in one call: ``segue.predict_scene`` and ``segue predict --tile``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from segue.config import Config
from segue.errors import InputError
from segue.inference.crf import CRF
from segue.inference.ensemble import Weights
from segue.inference.load import load
from segue.inference.scenes.run import Result, predict_scenes
from segue.inference.scenes.settings import Settings
from segue.inference.scenes.vectors import check_vector, write_vectors


def predict_scene(
    config: str | Path | Config | Mapping[str, Any],
    checkpoint: Weights | None,
    scenes: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    tile: int = 1024,
    overlap: int = 128,
    blend: str = "gaussian",
    bands: Sequence[int] | None = None,
    value_range: Sequence[float] | None = None,
    save: Sequence[str] = (),
    batch_size: int = 1,
    block: int | None = None,
    tta: bool = False,
    crf: CRF | None = None,
    vector: str | Path | None = None,
    simplify: float = 0.0,
    least_area: int = 0,
    shard: tuple[int, int] | None = None,
    ray: str | None = None,
    keep: bool = False,
    device: str = "cpu",
    precision: str = "fp32",
    compiled: bool = False,
    engine: str = "torch",
    windows: str = "constant",
    cfg_options: Sequence[str] = (),
    trust: bool = False,
    console: Console | None = None,
) -> Result:
    """Segment rasters of any size by tiles, into GeoTIFFs; the same call after an interruption does the rest.

    Args:
        config, checkpoint, device, precision, compiled, engine, windows, cfg_options, trust: as for `load`.
        scenes: a raster or picture, or several.
        out: ``NAME.tif`` or ``NAME.vrt`` of one scene, or a folder; see `segue.inference.scenes.run.predict_scenes`.
        tile, overlap, blend, bands, value_range, save, batch_size, block, tta, crf: see
            `segue.inference.scenes.settings.Settings`.
        vector: outlines of the labels of one scene: ``.geojson`` or ``.gpkg``.
        simplify, least_area: of the outlines; see `segue.inference.scenes.vectors.write_vectors`.
        shard, ray, keep, console: see `segue.inference.scenes.run.predict_scenes`.

    Raises:
        InputError, DataError, SomeFailedError: what cannot be done, and for which scene.
    """
    files = [scenes] if isinstance(scenes, (str, Path)) else list(scenes)
    settings = Settings(tile, overlap, blend, bands, value_range, tuple(save), batch_size, block, tta, crf)
    if vector is not None:
        check_vector(vector, simplify=simplify, least_area=least_area)
        if len(files) != 1:
            raise InputError(f"{vector}: outlines are of one scene, not of {len(files)}")
        if os.path.realpath(vector) in (os.path.realpath(out), os.path.realpath(files[0])):
            raise InputError(f"{vector}: is the scene, or its result; outlines need a file of their own")
    elif simplify or least_area:
        raise InputError("simplify and least_area: only of outlines; say with vector where they go")
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
    result = predict_scenes(predictor, files, out, settings, shard=shard, ray=ray, keep=keep, console=console)
    if vector is not None and result.files:
        labels = result.files[0]
        result.regions = write_vectors(labels, vector, predictor.classes, simplify=simplify, least_area=least_area)
    return result
