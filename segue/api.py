"""The verbs of the command ``segue`` as functions, beside `load`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from segue.config import Config
from segue.errors import Problem, refuse
from segue.inference.load import find_weights, load
from segue.inference.many import predict
from segue.inference.scenes.predict import predict_scene
from segue.recipes.open import read_config
from segue.report.score_folders import score
from segue.system.shown import escape

if TYPE_CHECKING:
    from segue.doctor import Report
    from segue.inference.crf import CRF
    from segue.migration import Report as MigrationReport
    from segue.recipes.catalogue import Entry
    from segue.training import Callback, Machine, TrainResult

__all__ = ["check", "evaluate", "load", "migrate", "models", "pack", "predict", "predict_scene", "score", "train"]

AnyConfig: TypeAlias = "str | Path | Config | Mapping[str, Any]"  # a file, a recipe's name, a config, or its sections


def evaluate(
    config: AnyConfig,
    checkpoint: str | Path,
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
) -> dict[str, float]:
    """Metrics of the test split (``test_dataloader``, ``test_evaluator``), the same ones as validation during training.

    Args:
        config: a config file or object, or the name of a recipe.
        checkpoint: weights: a path, URL or alias, or ``published`` for the weights published with a recipe.
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

    Raises:
        ConfigError, DataError, CheckpointError: what is wrong with the config, its data or the weights.
    """
    from segue.training import evaluate as run
    from segue.training.pictured import with_pictures

    cfg = read_config(config, cfg_options, trust=trust)
    cfg = with_pictures(cfg, show_dir, show=show, wait_time=wait_time)
    weights = find_weights(config, checkpoint)
    return run(cfg, weights, work_dir=work_dir, out=out, tta=tta, crf=crf, shard=shard, machine=machine)


def train(
    config: AnyConfig,
    *,
    work_dir: str | Path | None = None,
    resume: bool | str | Path | None = None,
    seed: int | None = None,
    amp: bool = False,
    log: str | None = None,
    machine: Machine | None = None,
    callbacks: Sequence[Callback] = (),
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> TrainResult:
    """Train as the config says.

    Args:
        config: a config file or object, or the name of a recipe.
        work_dir: folder for everything that is written; by default the config's, or ``work_dirs/<config name>``.
        resume: continue the folder's last checkpoint, or a given one; None: do as the config says.
        seed: seed of everything random; by default the config's ``randomness``, else a new one, shown and stored.
        amp: mixed precision, also where the config does not ask for it.
        log: where the numbers go besides: ``'tensorboard,csv'``, the names of `segue.training.backends.LOGS`.
        machine: devices; by default Lightning's choice.
        callbacks: Lightning callbacks of your own.
        cfg_options, trust: see `segue.recipes.open.read_config`.

    Raises:
        ConfigError, DataError, CheckpointError: what is wrong, before the first step as far as it can be known.
        KeyboardInterrupt: stopped with Ctrl-C; ``last.ckpt`` is written.
    """
    from segue.training import train as run

    wrong: list[Problem] = []
    cfg = read_config(config, cfg_options, trust=trust, wrong=wrong)
    if log is not None:
        from segue.training.backends import log_options

        more = log_options(cfg, log)
        wrong.clear()
        cfg = read_config(config, [*cfg_options, *more], trust=trust, wrong=wrong)
    return run(
        cfg, work_dir=work_dir, resume=resume, seed=seed, amp=amp, machine=machine, callbacks=callbacks, wrong=wrong
    )


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
        cfg_options, trust: for a config; see `read_config`.

    Raises:
        ConfigError, DataError, InputError: the config or the folder cannot be read at all.
    """
    from rich.console import Console

    from segue.doctor import check_config, check_folder
    from segue.doctor.deliver import deliver
    from segue.doctor.layout import Given

    console, config = Console(), None
    if Path(target).is_dir():
        refuse({"--cfg-options": cfg_options, "--trust-config": trust}, "only for a config; this is a folder")
        report = check_folder(
            target,
            num_classes=num_classes,
            images=images,
            masks=masks,
            given=Given(mask_format, image_suffix, mask_suffix, tuple(splits)),
            workers=workers,
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
        refuse(names, "only for a folder; a config says so itself")
        cfg = read_config(config, cfg_options, trust=trust)
        report = check_config(cfg, name=str(config), workers=workers, console=console)
    deliver(report, console, config=config, json=json, html=html, apply=apply)
    return report


def migrate(
    folder: str | Path,
    *,
    checkpoint: str | Path | None = None,
    config: str | None = None,
    only: Sequence[str] = (),
    code: bool = True,
    trust: bool = False,
    time_limit: float = 60.0,
    jobs: int | None = None,
    html: str | Path | None = "segue-migration.html",
    patch: str | Path | None = None,
    json: str | Path | None = None,
) -> MigrationReport:
    """Try a project built on mmseg, print what runs, and write a page, the edits as a patch, and perhaps JSON.

    Args:
        folder: the project's folder; it is only read.
        checkpoint, config, only, code, trust, time_limit, jobs: see `segue.migration.migrate`.
        html: where to write the page; None: no page is written.
        patch: where to write the edits; by default beside the page, with ``.patch`` for ``.html``.
        json: where to write the report as JSON.

    Raises:
        InputError: the folder or the checkpoint is not there, or a file cannot be written.
    """
    from rich.console import Console

    from segue.migration import migrate as run
    from segue.migration.page import write_page
    from segue.migration.show import show, write, write_json

    console = Console()
    report = run(
        folder,
        checkpoint=checkpoint,
        config=config,
        only=only,
        code=code,
        trust=trust,
        time_limit=time_limit,
        jobs=jobs,
    )
    show(report, console)
    if patch is None and html is not None:
        patch = Path(html).with_suffix(".patch")
    if patch is not None and report.patch:
        console.print(f"Edits: {escape(write(patch, report.patch))}", highlight=False, soft_wrap=True)
    if json is not None:
        write_json(json, report)
    if html is not None:
        page = write_page(html, report, str(patch or ""))
        console.print(f"Page: {escape(page)}", highlight=False, soft_wrap=True)
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
    from rich.console import Console

    from segue.convert.pack import pack_config, pack_folder

    console = Console()
    if Path(target).is_dir():
        given = {"--splits": splits, "--cfg-options": cfg_options, "--trust-config": trust}
        refuse(given, "only for a config; this is a folder, all of which is packed")
        made = pack_folder(target, out, workers, console)
        settings = [f"pack={entry.folder}" for entry in made]
        advice = "Read it by this argument of the dataset, whose data_root is the folder:"
    else:
        made = pack_config(read_config(target, cfg_options, trust=trust), out, splits or ("train",), workers, console)
        settings = [f"{key}.pack={entry.folder}" for entry in made for key in entry.keys]
        advice = "Read it by these settings, in the config or after --cfg-options:"
    console.print(escape("\n  ".join([advice, *settings])), highlight=False, soft_wrap=True)
    return settings


def models(pattern: str = "*", data: str | None = None) -> list[Entry]:
    """The recipes whose names match a pattern such as ``ocrnet*``, trained or tested on a dataset: the reference's, and
    the OCR paper's comparisons.

    Raises:
        ConfigError: no recipe has this dataset.
    """
    from segue.recipes.catalogue import select

    return list(select(pattern, data))
