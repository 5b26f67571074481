"""The report card of a training's last validation, or of a test: gathered in the pass that measures anyway.

A training's card is of the weights that its last validation measures, after the last iteration (the averaged ones where
weights are averaged); no pass is added for it. What goes wrong with a card is said, and never ends a run.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from segue.config.config import Config
from segue.config.show import show_origins
from segue.datasets.palette import generate_palette
from segue.inference.ensemble import Weights, listed
from segue.inference.grid import grid_logs
from segue.inference.segment import Seen, is_multilabel, predicts_depth
from segue.masks.labels import IGNORE
from segue.report.card import gather, results
from segue.report.card.gather import Gathered
from segue.report.card.page import log_of, write_card
from segue.report.card.suspects import GRID, Grid
from segue.system.cores import usable_cores
from segue.training.pictures import picture_of
from segue.types import SegSample
from segue.version import __version__

#: bytes of measured images and labels up to which their content is hashed
_HASHED = 2 << 30


class CardPass:
    """Watches a validation or test.

    Args:
        metainfo: of the data set: ``classes``, ``palette``.
        images: how many will pass.
        last: the iteration whose validation is watched; None: a test, which is watched.
    """

    def __init__(self, metainfo: Mapping[str, Any], images: int, last: int | None = None) -> None:
        self.metainfo, self.images, self.last = dict(metainfo), images, last
        self.gathered: Gathered | None = None
        self.failed = ""
        self.files: list[tuple[str, str]] = []
        self.seconds = 0.0

    def begin(self, iteration: int | None) -> None:
        """A validation begins, after this iteration."""
        self.gathered, self.files, self.seconds = None, [], 0.0
        if self.last is not None and (iteration is None or iteration < self.last):
            return
        classes = [str(name) for name in self.metainfo.get("classes") or ()]
        palette = self.metainfo.get("palette")
        if not palette or len(palette) != len(classes):
            palette = generate_palette(classes)
        self.gathered = Gathered(classes, [tuple(int(v) for v in color) for color in palette], self.images)

    def update(self, model: Any, seen: Seen, sample: SegSample, batch: Any, at: int) -> None:
        """One image, after the metrics have taken it."""
        if self.gathered is None or self.failed:
            return
        started = time.perf_counter()
        try:
            self._update(self.gathered, model, seen, sample, batch, at)
        except Exception as error:  # a report is no reason to lose a training
            self.failed = f"{type(error).__name__}: {error}"
        self.seconds += time.perf_counter() - started

    def _update(self, own: Gathered, model: Any, seen: Seen, sample: SegSample, batch: Any, at: int) -> None:
        path = str(sample.meta.get("img_path") or f"image {len(own.images)}")
        self.files.append((path, str(sample.meta.get("seg_map_path") or "")))
        if predicts_depth(model) or sample.gt_sem_seg is None or not own.classes:
            return
        true, predicted = (side.detach().cpu().numpy() for side in (sample.gt_sem_seg, seen.labels))
        name = sample.meta.get("img_path")
        own.add(
            gather.Seen(
                name=_below(str(name)) if name else path,
                true=true if not is_multilabel(model) else (true == 1).astype(np.uint8),
                predicted=predicted,
                void=true == IGNORE,
                picture=lambda: picture_of(sample.meta, seen.labels, batch, at),
                grid=_grid(model, seen, true, predicted, len(own.classes)),
            )
        )

    def finish(self, folder: Path, name: str, about: Mapping[str, Any], cfg: Any, first: bool) -> list[str]:
        """Write page and data of this process and all others; lines to say. Only the first process writes."""
        if self.gathered is None:
            return []
        started = time.perf_counter()
        try:
            self._merge()
            if not first:
                return []
            if self.failed:
                return [f"The report could not be made ({self.failed}); the measurement stands"]
            card = {**results.results(self.gathered), **about, "config": _config(cfg)}
            card["config_name"] = str(getattr(cfg, "filename", None) or "config")
            card["said"] = [*card["said"], *self._remarks()]
            seconds = self.seconds + time.perf_counter() - started
            own = about.get("facts", [])
            card["facts"] = [*own, *_hashes(self.files), *facts(), ("time for the report", f"{seconds:.1f} s")]
            results.write(folder / f"{name}.json", card)
            page = write_card(folder / f"{name}.html", card, log_of(folder))
        except Exception as error:  # as above
            return [f"The report could not be made ({type(error).__name__}: {error}); the measurement stands"]
        return [f"The report: {page}"]

    def _remarks(self) -> list[str]:
        own = self.gathered
        assert own is not None
        if not own.classes or not own.images:
            return ["No classes were measured, so there are neither worst images nor labels to look at."]
        if not own.exclusive:
            return ["A pixel may have several classes: there are no confusions, calibration and suspicious labels."]
        if not any(own.pixels.counts):
            return ["The model gives no probabilities: there are no calibration and suspicious labels."]
        return []

    def _merge(self) -> None:
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return
        world = torch.distributed.get_world_size()
        if world == 1:
            return
        parts: list[Any] = [None] * world
        torch.distributed.all_gather_object(parts, (self.gathered, self.files, self.failed))
        whole, self.files = parts[0][0], []
        for index, (gathered, files, failed) in enumerate(parts):
            if index:
                whole.merge(gathered)
            self.files += files
            self.failed = self.failed or failed
        self.gathered = whole


def watching(data: Any, last: int) -> CardPass | None:
    """Watches the validation after the last iteration; None without validation data."""
    if data is None:
        return None
    return CardPass(dict(getattr(data, "metainfo", None) or {}), len(data), last)


def report_folder(work_dir: str | Path | None, checkpoint: Weights | None) -> Path | None:
    """Where a test's report goes: to the folder that is named, else beside a checkpoint that a training left there;
    that of several has no place of its own.
    """
    if work_dir is not None:
        return Path(work_dir)
    folder = Path(checkpoint).parent if isinstance(checkpoint, (str, Path)) else None
    return folder if folder is not None and (folder / "scalars.jsonl").is_file() else None


def trained(cfg: Any, folder: Path, task: Any, best: Mapping[str, tuple[float, int]], seed: int) -> dict[str, Any]:
    """What a training's card says about itself."""
    weights = sum(parameter.numel() for parameter in task.model.parameters())
    tops = ", ".join(f"best {name} {value:.2f} after {at}" for name, (value, at) in best.items())
    lead = f"The weights after iteration {task.iteration}, as the last validation of the training measures them."
    if tops and any(at != task.iteration for _, at in best.values()):
        lead += f" They are not the best ones ({tops}), of which segue test makes a page."
    about = [("iterations", f"{task.iteration:,}"), ("parameters", f"{weights:,}"), ("seed", str(seed))]
    return {"title": _title(cfg, folder), "lead": lead, "metrics": _finite(task.metrics), "facts": about}


def tested(cfg: Any, checkpoint: Weights | None, task: Any) -> dict[str, Any]:
    """What a test's card says about itself."""
    weights = sum(parameter.numel() for parameter in task.model.parameters())
    names = [str(name) for name in listed(checkpoint)]
    with_ = Path(names[0]).name if names else "the weights as built"
    if len(names) > 1:
        with_ = f"the mean probabilities of {len(names)} models"
    about = [("parameters", f"{weights:,}"), *(("checkpoint", name) for name in names)]
    here = [name for name in names if os.path.isfile(name)]
    if here and sum(map(os.path.getsize, here)) <= _HASHED:
        about += [("SHA-256 of the checkpoint", _digest([name])) for name in here]
    lead = f"The test split, measured with {with_}."
    return {"title": _title(cfg, Path("model")), "lead": lead, "metrics": _finite(task.metrics), "facts": about}


def _title(cfg: Any, folder: Path) -> str:
    name = getattr(cfg, "filename", None)
    return Path(str(name)).stem if name else folder.name


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _grid(model: Any, seen: Seen, true: Any, predicted: Any, classes: int) -> Grid | None:
    found = grid_logs(model, seen, GRID)
    if found is None or true.ndim != 2:
        return None
    step, logs = found
    if logs.shape[0] != max(2, classes):
        return None
    true, predicted = true[:: step[0], :: step[1]], predicted[:: step[0], :: step[1]].astype(np.int64)
    return Grid(step, true.astype(np.int64), predicted, true != IGNORE, logs.numpy())


def _below(path: str) -> str:
    """The last parts of a path: enough to find the file, without where the data happens to lie."""
    return "/".join(Path(path).parts[-2:])


def _config(cfg: Any) -> str:
    if isinstance(cfg, Config):
        text = io.StringIO()
        show_origins(cfg, Console(file=text, soft_wrap=True, highlight=False, width=400))
        return text.getvalue()
    return "".join(f"{key} = {value!r}\n" for key, value in dict(cfg).items())


def facts() -> list[tuple[str, str]]:
    """Versions, hardware and time."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{usable_cores()} CPU cores"
    return [
        ("Segue", __version__),
        ("PyTorch", torch.__version__),
        ("Python", platform.python_version()),
        ("numpy", np.__version__),
        ("system", platform.platform()),
        ("hardware", f"{device}, {platform.machine()}"),
        ("made", time.strftime("%Y-%m-%d %H:%M:%S %z")),
    ]


def _hashes(files: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """SHA-256 of the measured images and of their labels, in the order of their names."""
    found = []
    for title, index in (("images", 0), ("labels", 1)):
        paths = sorted({pair[index] for pair in files if pair[index] and os.path.isfile(pair[index])})
        if not paths:
            continue
        whole = sum(os.path.getsize(path) for path in paths)
        what = "" if whole <= _HASHED else ", of sizes only"
        size = f"{len(paths)} files, {whole / 1e6:,.1f} MB"
        found.append((f"measured {title}", f"{size}, SHA-256 {_digest(paths, not what)}{what}"))
    return found


def _digest(paths: list[str], content: bool = True) -> str:
    """SHA-256 of the files one after the other, or of their sizes."""
    digest = hashlib.sha256()
    for path in paths:
        if not content:
            digest.update(f"{os.path.getsize(path)} ".encode())
            continue
        with open(path, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()
