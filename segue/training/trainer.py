"""`train` and `evaluate`: a config to a Lightning Trainer and back."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback
from rich.console import Console
from rich.text import Text

from segue.config.origins import origin_of
from segue.config.trust import Rights, rights_of
from segue.errors import ConfigError, InputError, Problem
from segue.inference.crf import CRF
from segue.inference.ensemble import Weights
from segue.inference.views import with_views
from segue.system.shown import visible
from segue.training.backends import check_backends
from segue.training.data import Loader, make_loader, read_loader
from segue.training.folder import disk_full, occupied, overwritten, read_source, resume_source, work_folder
from segue.training.gather import Gathered
from segue.training.handover import Handover
from segue.training.hooks import read_hooks
from segue.training.ignored import uncalled
from segue.training.interruption import StopRequest
from segue.training.launch import is_first
from segue.training.loops import read_evaluation_loop, stepwise
from segue.training.lost_workers import lost_worker, worker_counts
from segue.training.machine import Machine, make_trainer, placed, workers_of
from segue.training.members import with_weights
from segue.training.outcome import TrainResult
from segue.training.own_hooks import own_callbacks
from segue.training.parts import Metric, Parts, build_parts, check_components
from segue.training.plan import Plan, located, read_plan
from segue.training.preflight import check_before_first_step
from segue.training.progress import Terminal, class_table, summary
from segue.training.quiet import quiet
from segue.training.recipe import Evaluation
from segue.training.report_card import CardPass, tested
from segue.training.run import Run
from segue.training.run_settings import check_small_sections
from segue.training.saving import may_write, writable
from segue.training.shares import Share, check_sums, facts_of
from segue.training.streams import EvaluationStream
from segue.training.task import SegmentationTask
from segue.training.user_views import offered

__all__ = ["Machine", "TrainResult", "evaluate", "train"]


def train(
    cfg: Mapping[str, Any],
    *,
    work_dir: str | Path | None = None,
    resume: bool | str | Path | None = None,
    seed: int | None = None,
    amp: bool = False,
    machine: Machine | None = None,
    callbacks: Sequence[Callback] = (),
    console: Console | None = None,
    build: Callable[[], Parts] | None = None,
    wrong: Sequence[Problem] = (),
    dry_run: bool = False,
    report: bool = True,
    again: str = "",
) -> TrainResult:
    """Train the model of ``cfg``.

    Args:
        cfg: a config, as `segue.config` reads it or as a plain dict.
        work_dir: folder for everything that is written; by default the config's, or ``work_dirs/<config name>``.
        resume: continue the folder's last checkpoint if there is one, or a given ``.ckpt``, or a training checkpoint of
            mmengine or mmcv (``iter_N.pth``). None: as the config's ``resume`` and ``load_from`` say.
        seed: of everything random; by default the config's ``randomness``, else a new one, which is shown and stored.
        amp: mixed precision, also where the config does not ask for it.
        machine: devices; by default Lightning's choice.
        callbacks: Lightning callbacks of your own.
        console: where progress is shown.
        build: makes the parts instead of the config, for models and datasets that exist already.
        wrong: what reading the config has found; raised together with what is found here.
        dry_run: show what would be done, draw the first batches, and stop before the first step.
        report: write ``report.html`` and ``report.json`` of the last validation.
        again: what is said to continue a run that was stopped, where its work folder alone does not say it.

    Raises:
        ConfigError, DataError, CheckpointError ...: see `segue.errors`.
        KeyboardInterrupt: stopped with Ctrl-C; ``last.ckpt`` is written.
    """
    console = console or Console(quiet=not is_first())
    machine = placed(machine or Machine())
    folder = work_folder(cfg, work_dir)
    if resume is None:
        resume = cfg.get("load_from") or True if cfg.get("resume") else False

    def say(text: str) -> None:
        console.print(visible(text), highlight=False, markup=False, soft_wrap=True)

    gathered = Gathered(wrong)
    source = gathered.attempt("resume", lambda: resume_source(folder, resume, say))
    before = gathered.attempt("resume", lambda: read_source(source)) if source else None
    chosen = gathered.attempt("randomness.seed", lambda: choose_seed(cfg, seed, before))
    seed = 0 if chosen is None else chosen
    seed_all(seed)
    with located(cfg):
        plan, parts = _prepared(cfg, amp, folder, build, gathered)
        run = Run(cfg, plan, parts, folder, seed, before, console, dry_run, report, again)
        alone = occupied(writable(folder)) if is_first() else nullcontext()
        with disk_full(folder), alone, quiet(), StopRequest(say) as stop:
            if source is None and not dry_run and (text := overwritten(folder)):
                say(text)
            return run.fit(stop, source, machine, callbacks)


def _prepared(
    cfg: Mapping[str, Any], amp: bool, folder: Path, build: Callable[[], Parts] | None, gathered: Gathered
) -> tuple[Plan, Parts]:
    """The sections and parts of a training; everything that can be found wrong with them is raised together."""
    if build is not None:
        gathered.raise_all()
        return stepping(read_plan(cfg, amp), parts := build()), parts
    plan = gathered.attempt("", lambda: read_plan(cfg, amp))
    gathered.attempt("", lambda: check_small_sections(cfg))
    gathered.attempt("", lambda: check_backends(cfg))
    if is_first():
        gathered.attempt("work_dir", lambda: may_write(folder))
    if gathered.left_out:  # the rest would be judged by defaults that are not meant
        gathered.attempt("", lambda: check_components(cfg))
        gathered.raise_all()
    views = offered() if plan is not None and plan.loop.own else None
    parts = build_parts(cfg, "train", gathered, views.segmentor if views else None)
    check_before_first_step(cfg, plan, parts, gathered)
    gathered.raise_all()
    assert plan is not None
    return stepping(plan, parts), parts


def stepping(plan: Plan, parts: Parts) -> Plan:
    """The plan with a loop that calls the model's ``train_step``, if a user's class has its own."""
    views = offered()
    if views is None or plan.loop.own is not None or not getattr(parts.model, "trains_by_steps", False):
        return plan
    loop = stepwise(plan.loop, views.loop(plan.loop.by_epoch), type(parts.model).__name__)
    return replace(plan, loop=loop)


def evaluate(
    cfg: Mapping[str, Any],
    checkpoint: Weights | None,
    *,
    work_dir: str | Path | None = None,
    out: str | Path | None = None,
    tta: bool = False,
    crf: CRF | None = None,
    shard: tuple[int, int] | None = None,
    machine: Machine | None = None,
    console: Console | None = None,
    build: Callable[[], Parts] | None = None,
    report: str | Path | None = None,
) -> dict[str, float]:
    """Measure ``checkpoint`` on the test set of ``cfg`` and return the metrics.

    The numbers equal the ones that validation during training would give on the same data.

    Args:
        cfg: a config.
        checkpoint: path, URL or alias of the weights, or several to be averaged; None takes the model as it is built.
        work_dir: folder for ``metrics.json``; by default nothing is written.
        out: folder for the predicted label maps as PNG.
        tta: average over the views of ``tta_pipeline``.
        crf: what refines the probabilities, on the pictures as their files hold them.
        shard: (i, n): measure the i-th of n shares of the images, from 1; the last of them to end adds all up.
        machine: devices; by default Lightning's choice.
        console: where progress is shown.
        build: makes the parts instead of the config.
        report: folder for ``test_report.html`` and ``test_report.json``; None: neither is made.
    """
    console = console or Console(quiet=not is_first())
    machine = placed(machine or Machine())
    needed = ("test_dataloader",) if build else ("model", "test_dataloader", "test_evaluator")
    missing = [section for section in needed if not cfg.get(section)]
    if missing:
        raise ConfigError([Problem(section, "measuring needs this section") for section in missing])
    if shard is not None and work_dir is None:
        raise InputError("shard: the shares are kept in work_dir; name one that all machines have")
    if tta:
        cfg = with_views(cfg)
    for given in (work_dir, out, report):
        if given is not None:
            writable(given)

    def say(text: str) -> None:
        console.print(visible(text), highlight=False, markup=False, soft_wrap=True)

    with located(cfg):
        hooks = read_hooks(cfg.get("default_hooks"), cfg.get("custom_hooks"), rights_of(cfg))
        loop = read_evaluation_loop(cfg.get("test_cfg"), "test_cfg")
        settings, _ = read_loader(cfg["test_dataloader"], "test_dataloader", rights_of(cfg))
        parts = (build or (lambda: build_parts(cfg, "test")))()
        folder = Path(work_dir) if work_dir is not None else work_folder(cfg, None)
        metainfo = dict(getattr(parts.val_data, "metainfo", None) or {})
        own = own_callbacks(hooks, cfg, folder, metainfo, say)
    for line in uncalled(parts.val_data):
        say(line)
    if out is not None:
        for metric in parts.metrics:
            metric.output_dir = Path(out)
    if checkpoint is not None:
        parts.model = with_weights(parts.model, checkpoint, rights_of(cfg) is Rights.TRUSTED, say)
    share = None
    if shard is not None:
        check_sums(parts.metrics)
        options = {"tta": tta, "crf": None if crf is None else asdict(crf)}
        facts = facts_of(cfg, parts.model, len(parts.val_data), options)
        share = Share(*shard, Path(work_dir or "") / "shares", facts)
        if share.done:
            say(f"share {share.index} of {share.count} is there already")
            return joined(share, parts.metrics, console)
        say(f"share {share.index} of {share.count} of {len(parts.val_data)} images, which alone the table shows")
        if report is not None:
            say("a share of the images has no report: measure all of them in one process group for it")
    card = None if report is None or share is not None else CardPass(metainfo, len(parts.val_data))
    with quiet():
        precision = "16-mixed" if loop.fp16 and torch.cuda.is_available() else "32-true"
        trainer = make_trainer(cfg, machine, [], precision=precision, callbacks=[*own, Terminal(console=console)])
        workers = workers_of(cfg, trainer)

        loaders: list[Loader] = []

        def loader(rank: int, world: int) -> Loader:
            rank, world = (rank, world) if share is None else share.part(rank, world)
            stream = EvaluationStream(len(parts.val_data), settings.batch_size, rank=rank, world=world)
            loaders.append(make_loader(parts.val_data, stream, settings, parts.collate, workers))
            return loaders[-1]

        task = SegmentationTask(parts.model, Evaluation(parts.metrics, loop.fp16, loader, crf, card))
        task.notes = {"dataset_meta": metainfo}
        try:
            trainer.test(task, verbose=False)
        except (RuntimeError, OSError) as error:
            lost = lost_worker(error, worker_counts(cfg))
            if lost is None:
                raise
            raise lost from None
        finally:
            for made in loaders:
                made.close()
    if share is not None:
        if trainer.is_global_zero:
            share.write(parts.metrics)
        return joined(share, parts.metrics, console)
    if work_dir is not None and trainer.is_global_zero:
        write_metrics(Path(work_dir) / "metrics.json", task.metrics)
    if card is not None and report is not None:
        for line in card.finish(
            Path(report), "test_report", tested(cfg, checkpoint, task), cfg, trainer.is_global_zero
        ):
            say(line)
    return dict(task.metrics)


def joined(share: Share, metrics: Sequence[Metric], console: Console) -> dict[str, float]:
    """The metrics of all shares, with ``metrics.json``; of none, with a word about what is missing."""
    missing = share.join(metrics)
    if missing:
        some = ", ".join(str(i) for i in missing[:10]) + (" ..." if len(missing) > 10 else "")
        console.print(
            f"{len(missing)} of {share.count} shares are missing: {some}; the last one measures", soft_wrap=True
        )
        return {}
    found: dict[str, float] = {}
    for metric in metrics:
        found |= {name: float(value) for name, value in metric.compute().items()}
        console.print(Text(f"All {share.count} shares", style="bold"), class_table(metric.table()), sep="\n")
    console.print(summary(found, {}), highlight=False, markup=False, soft_wrap=True)
    if is_first():
        write_metrics(share.folder.parent / "metrics.json", found)
    return found


def choose_seed(cfg: Mapping[str, Any], given: int | None, before: dict[str, Any] | Handover | None) -> int:
    """The argument, else the resumed run's, else the config's, else a new one."""
    if given is not None:
        if not 0 <= given < 2**63:
            raise InputError(f"seed={given}: must be a whole number from 0 on, below 2**63")
        return given
    noted = before.seed if isinstance(before, Handover) else before["meta"]["seed"] if before else None
    if isinstance(noted, int):
        return noted
    configured = (cfg.get("randomness") or {}).get("seed")
    if configured is None:
        return secrets.randbelow(2**31)
    if not isinstance(configured, int) or isinstance(configured, bool) or not 0 <= configured < 2**63:
        message = f"a whole number from 0 on, below 2**63, is expected, not {configured!r}"
        raise ConfigError(Problem("randomness.seed", message, str(origin_of(cfg, "randomness.seed") or "")))
    return configured


def seed_all(seed: int) -> None:
    """Seed what initializes the model."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def write_metrics(path: Path, metrics: Mapping[str, float]) -> None:
    """The metrics as JSON; a value that does not exist is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    finite = {k: v if v == v else None for k, v in metrics.items()}
    path.write_text(json.dumps(finite, indent=2) + "\n", encoding="utf-8")
