"""The verbs of the command ``segue`` as functions, beside `load`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from segue.config import Config
from segue.errors import InputError, Problem, refuse
from segue.inference.ensemble import Weights, listed
from segue.inference.fresh import model
from segue.inference.hub import pull, push
from segue.inference.load import find_weights, load
from segue.inference.many import predict
from segue.inference.scenes.predict import predict_scene
from segue.migration.reported import migrate
from segue.recipes.open import read_config
from segue.report.score_folders import score

if TYPE_CHECKING:
    from segue.doctor import Report
    from segue.inference.crf import CRF
    from segue.recipes.catalogue import Entry
    from segue.training import Callback, Machine, TrainResult

__all__ = [
    "check",
    "evaluate",
    "load",
    "migrate",
    "model",
    "models",
    "pack",
    "predict",
    "predict_scene",
    "pull",
    "push",
    "score",
    "train",
]

AnyConfig: TypeAlias = "str | Path | Config | Mapping[str, Any]"  # a file, a recipe's name, a config, or its sections


def evaluate(
    config: AnyConfig,
    checkpoint: Weights,
    *,
    work_dir: str | Path | None = None,
    out: str | Path | None = None,
    tta: bool = False,
    crf: CRF | None = None,
    shard: tuple[int, int] | None = None,
    show_dir: str | Path | None = None,
    show: bool = False,
    wait_time: float = 2.0,
    machine: Machine | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
    report: bool | str | Path = False,
) -> dict[str, float]:
    """Metrics of the test split (``test_dataloader``, ``test_evaluator``), the same ones as validation during training.

    Args:
        config: a config file or object, or the name of a recipe.
        checkpoint: weights: a path, URL or alias, or ``published`` for the weights published with a recipe; or a list
            of several, whose probabilities are averaged.
        work_dir: folder for ``metrics.json``; by default nothing is written.
        out: folder for the predicted label maps as PNG.
        tta: average over the views of ``tta_pipeline``.
        crf: what refines the probabilities, `segue.inference.crf.CRF`.
        shard: (i, n): the i-th of n shares of the images, from 1, whose counts go to ``work_dir``; whichever call is
            last adds all up, the others return nothing.
        show_dir: folder for pictures of what is predicted.
        show, wait_time: show each picture in a window, for so many seconds.
        machine: devices; by default Lightning's choice.
        cfg_options, trust: see `segue.recipes.open.read_config`.
        report: write ``test_report.html`` and ``test_report.json`` to a folder; True: to ``work_dir``, else to that of
            the one checkpoint where a training left it there.

    Raises:
        ConfigError, DataError, CheckpointError: what is wrong with the config, its data or the weights.
    """
    from segue.training import evaluate as run
    from segue.training.pictured import with_pictures
    from segue.training.report_card import report_folder

    cfg = read_config(config, cfg_options, trust=trust)
    cfg = with_pictures(cfg, show_dir, show=show, wait_time=wait_time)
    weights = [one for name in listed(checkpoint) if (one := find_weights(config, name)) is not None]
    alone = weights[0] if len(weights) == 1 else None
    folder = report_folder(work_dir, alone) if report is True else report or None
    return run(
        cfg, weights or None, work_dir=work_dir, out=out, tta=tta, crf=crf, shard=shard, machine=machine, report=folder
    )


def train(
    config: AnyConfig,
    *,
    model: str | None = None,
    time: str | None = None,
    work_dir: str | Path | None = None,
    resume: bool | str | Path | None = None,
    seed: int | None = None,
    fold: str | None = None,
    folds: int | None = None,
    seeds: int | str | Sequence[int] | None = None,
    amp: bool = False,
    log: str | None = None,
    effective_batch: int | None = None,
    machine: Machine | None = None,
    callbacks: Sequence[Callback] = (),
    cfg_options: Sequence[str] = (),
    trust: bool = False,
    dry_run: bool = False,
    report: bool = True,
) -> TrainResult:
    """Train as the config says, or on a folder of images and masks, whose config is written first (docs/folder.md).

    Args:
        config: a config file or object, or the name of a recipe; or a folder.
        model: for a folder: a method and a backbone, such as ``ocrnet_hr18s``; by default ``segformer_mit-b0``.
        time: for a folder: how long, such as ``30m``; by default a number of passes over its images.
        work_dir: folder for everything that is written; by default the config's, or ``work_dirs/<config name>``.
        resume: continue the folder's last checkpoint, or a given one; None: do as the config says.
        seed: seed of everything random; by default the config's ``randomness``, else a new one, shown and stored.
        fold: ``'2/5'``: validate on the second of five folds of the training images, and train on the others, in a
            folder of its own below the work folder.
        folds: 5: train all of them, one after the other; the result is their mean.
        seeds: 3, or ``[0, 1, 2]``: the same config with several seeds; the result is their mean.
        amp: mixed precision, also where the config does not ask for it.
        log: where the numbers go besides: ``'tensorboard,csv'``, the names of `segue.training.backends.LOGS`.
        effective_batch: images of each step of the optimizer, by accumulation and as many times the iterations
            (`segue.training.compute.batch`); 0: those that the config's rate was chosen for.
        machine: devices; by default Lightning's choice.
        callbacks: Lightning callbacks of your own.
        cfg_options, trust: see `segue.recipes.open.read_config`.
        dry_run: show what would be done, draw the first batches, and stop before the first step.
        report: write ``report.html`` and ``report.json`` of the last validation to the work folder.

    Raises:
        ConfigError, DataError, CheckpointError: what is wrong, before the first step as far as it can be known.
        KeyboardInterrupt: stopped with Ctrl-C; ``last.ckpt`` is written.
    """
    from segue.training import train as run
    from segue.training.series.start import Asked, start

    asked = Asked(fold, folds, seeds, seed)
    if isinstance(config, (str, Path)) and Path(config).is_dir():
        from segue.training.from_folder import prepare

        made = prepare(config, model=model, time=time, work_dir=work_dir, resume=bool(resume), cfg_options=cfg_options)
        config, work_dir = made.config, made.work_dir
    else:
        refuse({"--model": model, "--time": time}, "only for a folder of images and masks; a config says so itself")
    wrong: list[Problem] = []
    cfg = read_config(config, cfg_options, trust=trust, wrong=wrong)
    if log is not None or effective_batch is not None:
        from segue.training.backends import log_options
        from segue.training.compute.batch import effective_batch_options
        from segue.training.machine import Machine as Here
        from segue.training.machine import machine_count, placed

        world = machine_count(placed(machine or Here()))
        more = [*log_options(cfg, log), *effective_batch_options(cfg, effective_batch, world)]
        wrong.clear()
        cfg = read_config(config, [*cfg_options, *more], trust=trust, wrong=wrong)
    one = partial(run, amp=amp, machine=machine, callbacks=callbacks, wrong=wrong, dry_run=dry_run, report=report)
    if wrong:
        return one(cfg, work_dir=work_dir, resume=resume)  # raises it all
    return start(cfg, asked, one, work_dir=work_dir, resume=resume, machine=machine, dry_run=dry_run)


def check(
    target: str | Path,
    *,
    json: str | Path | None = None,
    html: str | Path | None = None,
    apply: bool | str | Path = False,
    workers: int | None = None,
    num_classes: int | None = None,
    images: str | None = None,
    masks: str | None = None,
    mask_format: str | Mapping[str, Any] | None = None,
    image_suffix: str | None = None,
    mask_suffix: str | None = None,
    splits: Sequence[str] = (),
    shard: tuple[int, int] | None = None,
    shares: str | Path | None = None,
    model: str | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> Report:
    """Look for mistakes in the images and masks of a config or a folder, and print what mends them.

    Args:
        target: a config file, or a folder with images and masks.
        json, html: files to write the findings to.
        apply: write the proposed settings to a new config: True for ``NAME_checked.py`` beside the config (for a
            folder, ``FOLDER_data.py`` here), or its path.
        workers: files read at once; by default one per core.
        num_classes, images, masks, mask_format, image_suffix, mask_suffix: what a folder holds, if the names in it do
            not tell; as of `FolderDataset`.
        splits: of a folder, files that list names, relative to it.
        shard, shares: (i, n): look at the i-th of n shares of the files, from 1, and keep what was found in the folder
            ``shares``, which all machines have; the last share to end judges all of them.
        model: with ``apply``, of a folder: write a whole config that trains this model, as `train` would.
        cfg_options, trust: for a config; see `read_config`.

    Raises:
        ConfigError, DataError, InputError: the config or the folder cannot be read at all.
    """
    from rich.console import Console

    from segue.doctor import check_config, check_folder
    from segue.doctor.deliver import deliver
    from segue.doctor.layout import Given
    from segue.doctor.shares import Share

    if (shard is None) != (shares is None):
        raise InputError("shard and shares go together: which files to look at, and where it is kept what was found")
    share = None if shard is None or shares is None else Share(*shard, Path(shares))
    console, config = Console(), None
    if Path(target).is_dir():
        refuse({"--cfg-options": cfg_options, "--trust-config": trust}, "only for a config; this is a folder")
        if not apply:
            refuse({"--model": model}, "names the model of the config that --apply writes; add --apply")
        report = check_folder(
            target,
            num_classes=num_classes,
            images=images,
            masks=masks,
            given=Given(mask_format, image_suffix, mask_suffix, tuple(splits)),
            workers=workers,
            share=share,
            console=console,
        )
    else:
        config = Path(target)
        names: dict[str, Any] = {
            "--images": images,
            "--masks": masks,
            "--num-classes": num_classes,
            "--mask-format": mask_format,
        }
        names |= {"--image-suffix": image_suffix, "--mask-suffix": mask_suffix, "--split": list(splits) or None}
        names["--model"] = model
        refuse(names, "only for a folder; a config says so itself")
        cfg = read_config(config, cfg_options, trust=trust)
        report = check_config(cfg, name=str(config), workers=workers, share=share, console=console)
    deliver(report, console, config=config, json=json, html=html, apply=apply if model is None else False)
    if apply and model is not None and not report.missing:
        from segue.training.from_folder import apply_model

        apply_model(report, model, None if apply is True else apply, console)
    return report


def pack(
    target: str | Path,
    out: str | Path,
    *,
    splits: Sequence[str] | None = None,
    workers: int | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> list[str]:
    """Decode the images and label maps of a config or a folder into a pack, and print the settings that use it.

    Args:
        target: a config file, or a folder with images and masks.
        out: folder of the pack; of one pack per data root where a config has several.
        splits: of a config; by default ``train``.
        workers: processes; by default one per core.
        cfg_options, trust: for a config; see `read_config`.

    Returns:
        The settings, ``key=value`` as after ``--cfg-options``; for a folder, the setting of its dataset.

    Raises:
        ConfigError, DataError, InputError: what cannot be packed, and why.
    """
    from segue.convert.pack_target import pack_target

    return pack_target(target, out, splits=splits, workers=workers, cfg_options=cfg_options, trust=trust)


def models(pattern: str = "*", data: str | None = None, *, commercial: bool = False) -> list[Entry]:
    """The recipes whose names match a pattern such as ``ocrnet*``, trained or tested on a dataset: the reference's, and
    those that it does not have. With ``commercial``, those whose weights' licences allow commercial use.

    Raises:
        ConfigError: no recipe has this dataset.
    """
    from segue.recipes.catalogue import select

    return list(select(pattern, data, commercial=commercial))
