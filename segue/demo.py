"""``segue demo``: from nothing to a trained model and a page with pictures, through the whole of Segue.

Draws a small town (images and polygons), turns the polygons into masks, trains the OCRNet of
``recipes/demo_town.py``, segments the held-out tiles, and writes a page. Everything lies in one folder::

    OUT/index.html       the page
    OUT/demo_town.py     the config, ready to be changed and trained again
    OUT/town/            images, polygons, masks, splits
    OUT/run/             the training: last.ckpt, scalars.jsonl, config.py
    OUT/overlays/        image, truth and prediction of each held-out tile
"""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from rich.console import Console

from segue.errors import InputError
from segue.report.draw import enlarge, overlay, save_picture, sheet
from segue.report.page import ClassRow, Command, Curve, Number, Shot, Summary, write_page
from segue.system.bars import shown
from segue.system.cores import usable_cores

if TYPE_CHECKING:
    from segue.inference.predictor import Prediction

RECIPE = Path(__file__).parent / "recipes" / "demo_town.py"
TRAIN_TILES, VAL_TILES, TILE = 24, 6, 256

#: What ``quick`` changes: enough steps to see that everything runs, too few to learn anything.
QUICK = (
    "train_cfg.max_iters=6",
    "train_cfg.val_interval=3",
    "param_scheduler.0.end=2",
    "param_scheduler.1.begin=2",
    "param_scheduler.1.end=6",
    "train_dataloader.batch_size=2",
    "default_hooks.logger.interval=1",
)


def run_demo(out: Path, quick: bool = False, console: Console | None = None) -> Path:
    """Run the demo and return the page's path, which is printed too.

    Args:
        out: folder for everything; made if it is not there.
        quick: few tiles and steps, for testing an installation.
        console: where progress is shown.

    Raises:
        InputError: ``out`` cannot be written.
    """
    started = time.monotonic()
    console = console or Console()
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(RECIPE, out / RECIPE.name)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror or error}); choose another --out") from error

    console.rule("1/4  A town is drawn", align="left")
    make_data(out / "town", *((3, 2, 128) if quick else (TRAIN_TILES, VAL_TILES, TILE)), console)

    console.rule("2/4  An OCRNet learns it", align="left")
    from segue.inference.load import load  # torch: only now, the first lines should appear at once
    from segue.recipes.open import read_config
    from segue.training import train

    config = read_config(out / RECIPE.name, QUICK if quick else ())
    result = train(config, work_dir=out / "run", console=console)

    console.rule("3/4  The held-out tiles are segmented", align="left")
    predictor = load(config, out / "run" / "last.ckpt")
    names = (out / "town/splits/val.txt").read_text(encoding="utf-8").split()
    found = predictor.predict([out / "town/images" / f"{name}.png" for name in names])
    truths = [cv2.imread(str(out / "town/masks" / f"{name}.png"), cv2.IMREAD_GRAYSCALE) for name in names]
    shots = draw(out / "overlays", names, found, truths)

    console.rule("4/4  A page sums it up", align="left")
    summary = Summary(
        title="A small town, segmented",
        lead=f"Segue drew {training_tiles(out)} training and {len(names)} held-out tiles of an invented town, "
        "turned its building and road polygons into masks, and trained an OCRNet from scratch. "
        "Everything below was held out: the model has not seen these tiles.",
        numbers=[
            Number(f"{result.metrics['mIoU']:.1f} %", "mIoU on the held-out tiles"),
            Number(str(result.iterations), "training steps"),
            Number(clock(time.monotonic() - started), f"in all, on {processors()}"),
            Number(f"{sum(p.numel() for p in predictor.model.parameters()) / 1e6:.1f} M", "parameters"),
        ],
        classes=class_rows(result.metrics, predictor.classes, predictor.palette, truths),
        curves=curves(out / "run" / "scalars.jsonl"),
        shots=shots,
        commands=next_steps(out),
        config=(out / RECIPE.name).read_text(encoding="utf-8"),
        config_name=str(out / RECIPE.name),
        facts=versions(),
    )
    page = write_page(out / "index.html", summary)
    console.print(f"Buildings and roads of {len(names)} tiles: {out / 'overlays'}")
    console.print(f"The page: [bold]{page.resolve()}[/bold]", soft_wrap=True)
    return page


def make_data(root: Path, train: int, val: int, size: int, console: Console) -> None:
    """Images, polygons, splits and masks."""
    from segue.convert.masks import convert_polygons
    from segue.convert.town import write_town

    for folder in ("images", "buildings", "roads", "masks"):  # what a demo of another size left behind
        shutil.rmtree(root / folder, ignore_errors=True)
    for _ in shown(write_town(root, train, val, size), train + val, "drawing tiles", console):
        pass
    convert_polygons(root, console=console)


def training_tiles(out: Path) -> int:
    """Number of training tiles."""
    return len((out / "town/splits/train.txt").read_text(encoding="utf-8").split())


def draw(folder: Path, names: Sequence[str], found: Sequence[Prediction], truths: Sequence[Any]) -> list[Shot]:
    """Write a sheet for each tile, and return the same pictures for the page, most buildings first."""
    shots = []
    for name, result, truth in zip(names, found, truths, strict=True):
        maps = [("truth", truth), ("prediction", result.labels.astype(np.uint8))]
        picture = sheet(result.image, maps, result.classes, result.palette, skip=(0,))
        save_picture(folder / f"{name}.png", picture)
        large, enlarged = enlarge(result.image, [labels for _, labels in maps], 680)
        panels = [(c, overlay(large, m, result.palette, skip=(0,))) for (c, _), m in zip(maps, enlarged, strict=True)]
        shots.append((int((truth == 1).sum()), Shot(name, [("image", large), *panels])))
    return [shot for _, shot in sorted(shots, key=lambda pair: -pair[0])]


def class_rows(
    metrics: dict[str, float], classes: Sequence[str], palette: Sequence[Sequence[int]], truths: Sequence[Any]
) -> list[ClassRow]:
    """The table: one row for each class."""
    counts = np.sum([np.bincount(truth.ravel(), minlength=len(classes)) for truth in truths], axis=0)
    shares = 100 * counts / counts.sum()
    return [
        ClassRow(name, color, metrics[f"IoU/{name}"], metrics[f"Acc/{name}"], float(share))
        for name, color, share in zip(classes, palette, shares, strict=True)
    ]


def curves(path: Path) -> list[Curve]:
    """Loss and mIoU from the scalars of a run."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    loss = [(line["step"], line["loss"]) for line in lines if line.get("loss") is not None and line["mode"] == "train"]
    miou = [(line["step"], line["mIoU"]) for line in lines if line["mode"] == "val" and line.get("mIoU") is not None]
    return [
        Curve("Training loss", loss),
        Curve("mIoU on the held-out tiles, %", miou, smooth=False, percent=True),
    ]


def next_steps(out: Path) -> list[Command]:
    """What to type next."""
    config, weights = out / RECIPE.name, out / "run" / "last.ckpt"
    return [
        Command(
            f"segue train {config} --work-dir {out / 'mine'}", f"Change the config, {config.name}, and train again."
        ),
        Command(f"segue test {config} {weights}", "Measure the trained model once more."),
        Command(
            f"segue predict {config} {weights} {out / 'town/images'} --out {out / 'seen'}", "Segment other images."
        ),
        Command(
            "segue convert polygons MY_FOLDER",
            "Use polygons of your own: images/, buildings/ and roads/, laid out as in town/.",
        ),
    ]


def versions() -> list[tuple[str, str]]:
    """What the numbers depend on."""
    import torch

    from segue.version import __version__

    parts = [("Segue", __version__), ("PyTorch", torch.__version__), ("Python", platform.python_version())]
    return [*parts, ("made", time.strftime("%Y-%m-%d %H:%M"))]


def processors() -> str:
    """What the training ran on, in words."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    count = usable_cores()
    return f"{count} CPU core{'s' if count > 1 else ''}"


def clock(seconds: float) -> str:
    """``1 min 05 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
