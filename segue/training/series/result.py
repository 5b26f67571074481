"""``result.json``: what became of one run of a series, so that a series that is continued need not train it again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.report.logs.show import write_text
from segue.training.outcome import TrainResult
from segue.training.plan import config_text

NAME, FORMAT = "result.json", 1


def digest(cfg: Any, seed: int | None) -> str:
    """Of what a run is made of."""
    return hashlib.sha256(f"{config_text(cfg)}\nseed = {seed}".encode("utf-8", "surrogateescape")).hexdigest()


def write(result: TrainResult, of: str) -> None:
    """Keep it in its work folder.

    Raises:
        DataError: it cannot be written.
    """
    metrics = {name: value if math.isfinite(value) else None for name, value in result.metrics.items()}
    facts: dict[str, Any] = {"format": FORMAT, "digest": of, "iterations": result.iterations, "metrics": metrics}
    facts["checkpoint"] = None if result.checkpoint is None else result.checkpoint.name
    facts["best"] = {name: list(pair) for name, pair in result.best.items()}
    write_text(result.work_dir / NAME, json.dumps(facts, indent=1) + "\n")


def read(folder: Path) -> tuple[str, TrainResult] | None:
    """The digest and the result of a run that has ended; None of one that has not, that was trained again by itself
    since, or whose file is damaged.
    """
    last = folder / "last.ckpt"
    try:
        if last.exists() and last.stat().st_mtime_ns > (folder / NAME).stat().st_mtime_ns:
            return None
        held = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            return None
        metrics = {str(name): math.nan if value is None else float(value) for name, value in held["metrics"].items()}
        best = {str(name): (float(value), int(at)) for name, (value, at) in held["best"].items()}
        checkpoint = None if held["checkpoint"] is None else folder / Path(str(held["checkpoint"])).name
        found = TrainResult(folder, checkpoint, metrics, best, int(held["iterations"]))
        return str(held["digest"]), found
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def last_validation(folder: Path) -> Mapping[str, float]:
    """The metrics of the last validation in the record; empty where there is none."""
    found: dict[str, float] = {}
    try:
        lines = (folder / "scalars.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue  # cut off by a crash
        if isinstance(line, dict) and line.get("mode") == "val":
            rest = {k: v for k, v in line.items() if k not in ("mode", "step", "epoch", "time")}
            found = {k: math.nan if v is None else float(v) for k, v in rest.items()}
    return found
