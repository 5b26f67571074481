"""A checkpoint and the config it belongs to: matched by the names and shapes of the weights, loaded, tried.

``perform`` runs in a process of its own (`segue.migration.work`); ``choose`` compares what such jobs have told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from segue.checkpoints import load_weights, read
from segue.config.builder.build import build_model
from segue.errors import CheckpointError
from segue.migration.batch import generated, scene
from segue.migration.run import Steps, describe, predict, prepare

Shapes = Mapping[str, Sequence[int]]
_PICTURE = 256
_MOST_KEYS = 40


def perform(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``weights``: what a checkpoint holds. ``load``: load it into a config's model and let that predict."""
    try:
        found = look(job) if job["kind"] == "weights" else load(job, folder)
    except BaseException as error:  # a user's code may raise anything
        return {"ok": False, "error": describe(error), "stage": job["kind"]}
    return {"ok": True, **found}


def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """Facts, names and shapes, and the text of the config that the file holds."""
    checkpoint = read(job["file"])
    shapes = {key: list(value.shape) for key, value in checkpoint.state_dict.items()}
    return {"facts": checkpoint.summary(), "shapes": shapes, "config": checkpoint.config}


def load(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What of the file the model took, and what it sees in a generated picture, drawn to ``picture``."""
    cfg = prepare(job, Steps(), {}, [])
    checkpoint = read(job["weights"])
    model = build_model(cfg)
    report = load_weights(model, checkpoint)
    names = list(checkpoint.classes or ())
    size = {"taken": len(report.loaded), "of": len(model.state_dict())}
    found: dict[str, Any] = {
        **size,
        "missing": list(report.missing)[:_MOST_KEYS],
        "unexpected": list(report.unexpected)[:_MOST_KEYS],
        "mismatched": [str(mismatch) for mismatch in report.mismatched][:_MOST_KEYS],
        "counts": [len(report.missing), len(report.unexpected), len(report.mismatched)],
        "classes": names,
        "num_classes": int(getattr(model, "num_classes", 0) or 0),
    }
    if report.missing or report.mismatched:
        raise_said = f"{Path(job['weights']).name} does not fit the model of the config. {report}"
        return {**found, "fits": False, "said": raise_said}
    found |= {"fits": True, "said": str(report)}
    made = generated(cfg, "test" if cfg.get("test_dataloader") else "val", folder, found["num_classes"] or 2)
    channels = int(made.packs[0]["inputs"].shape[0])
    image = scene(_PICTURE)[0]
    planes = torch.from_numpy(image).permute(2, 0, 1).repeat(-(-channels // 3), 1, 1)[:channels]
    made.packs[0]["inputs"] = planes.to(made.packs[0]["inputs"].dtype)
    labels = predict(model, made, _PICTURE)[0]
    if not labels.is_floating_point():
        found["shares"] = shares(labels, names or [f"class {i}" for i in range(found["num_classes"])])
        draw(job["picture"], image, labels.cpu().numpy(), checkpoint.palette, found["num_classes"])
    return found


def shares(labels: torch.Tensor, names: Sequence[str]) -> list[list[Any]]:
    """[class, share of the pixels], the largest first."""
    counts = torch.bincount(labels.flatten(), minlength=len(names)).double() / labels.numel()
    order = counts.argsort(descending=True).tolist()
    return [[names[i] if i < len(names) else f"class {i}", float(counts[i])] for i in order if counts[i] > 0][:8]


def draw(path: str, image: np.ndarray, labels: np.ndarray, palette: Any, classes: int) -> None:
    """The generated picture beside what the model sees in it."""
    from segue.datasets.palette import generate_palette
    from segue.report.draw import overlay

    colors = palette if palette and len(palette) >= classes else generate_palette([f"c{i}" for i in range(classes)])
    rgb = np.ascontiguousarray(image[..., ::-1])
    both = np.concatenate([rgb, overlay(rgb, labels, colors, 0.6)], axis=1)
    done, data = cv2.imencode(".png", both[..., ::-1])
    if done:
        Path(path).write_bytes(data.tobytes())


def agreement(weights: Shapes, model: Shapes) -> float:
    """The share of the weights of both that have the same name and shape: 1 where all agree."""
    best = 0
    for prefix in ("", "module.", "model."):
        names = {key.removeprefix(prefix): list(shape) for key, shape in weights.items()}
        best = max(best, sum(name in model and list(model[name]) == shape for name, shape in names.items()))
    union = len(weights) + len(model) - best
    return best / union if union else 0.0


def choose(
    weights: Shapes, models: Mapping[str, Shapes], hint: str = "", last: Collection[str] = ()
) -> list[tuple[str, float]]:
    """The configs by agreement, best first; of equals, one whose file name stands in ``hint``, and not one of ``last``.

    Raises:
        CheckpointError: nothing agrees with any of them.
    """
    rated = [(name, agreement(weights, shapes)) for name, shapes in models.items()]
    rated.sort(key=lambda pair: (-pair[1], Path(pair[0]).stem not in hint, pair[0] in last, pair[0]))
    if not rated or not rated[0][1]:
        raise CheckpointError("the weights fit the model of none of the project's configs")
    return rated
