"""One training run: the Trainer, its callbacks and loaders, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.utilities.exceptions import SIGTERMException
from rich.console import Console

from segue.checkpoints import save_weights
from segue.config.trust import rights_of
from segue.errors import ConfigError, Problem
from segue.system.shown import visible
from segue.training.averaging import Averaging
from segue.training.cached_features import CachedFeatures, installed
from segue.training.chores.made import chores
from segue.training.compute.denominator import check_denominator
from segue.training.compute.ways import apply_ways, filtered
from segue.training.data import Loader, make_loader, read_loader
from segue.training.failures.explained import explained
from segue.training.failures.ranks import RankWatch
from segue.training.handover import Handover
from segue.training.interruption import Interrupted, StopRequest
from segue.training.introduction import introduce
from segue.training.launch import is_own_child
from segue.training.loops import Loop
from segue.training.machine import Machine, has_sync_norm, machine_count, make_trainer, uses_cuda, workers_of
from segue.training.mmengine_log import RunLog
from segue.training.optimization.schedule_free import averaging_of
from segue.training.optimizers import build_optimizer
from segue.training.outcome import TrainResult
from segue.training.own_epoch_loop import OwnEpochLoop
from segue.training.own_hooks import own_callbacks
from segue.training.own_loop import ENDLESS, LoopRunner
from segue.training.own_sampler import OwnStream
from segue.training.parts import Parts, load_initial
from segue.training.plan import Plan, config_text, lr_scale, rules_of
from segue.training.preflight import input_shape
from segue.training.preview.screen import DryRun, Preview
from segue.training.progress import Terminal
from segue.training.rare import RareClassStream
from segue.training.recipe import Evaluation, Recipe
from segue.training.record import Record
from segue.training.report_card import trained, watching
from segue.training.resumed import fits
from segue.training.saving import SafeFiles, Saver, writable
from segue.training.scaler import make_scaler
from segue.training.stopping import EarlyStopping, ValidationTimes
from segue.training.streams import EvaluationStream, TrainStream
from segue.training.task import SegmentationTask


class Run:
    """One training run, from its parts to its result."""

    def __init__(
        self,
        cfg: Mapping[str, Any],
        plan: Plan,
        parts: Parts,
        folder: Path,
        seed: int,
        before: dict[str, Any] | Handover | None,
        console: Console,
        dry: bool = False,
        report: bool = False,
        again: str = "",
    ) -> None:
        self.cfg, self.plan, self.parts = cfg, plan, parts
        self.folder, self.seed, self.console = folder, seed, console
        self.handover = before if isinstance(before, Handover) else None
        self.raw = before if isinstance(before, dict) else None
        self.resumed = int(self.raw["meta"]["iter"]) if self.raw else 0
        self.loaders: list[Loader] = []
        self.dry = dry
        self.report = report
        self.again = again  # how to continue, where that is not by this folder
        self.log: RunLog | None = None  # of the first process
        self.cache: CachedFeatures | None = None

    def fit(
        self, stop: StopRequest, source: Path | None, machine: Machine, callbacks: Sequence[Callback]
    ) -> TrainResult:
        """Train, and describe what came of it."""
        files = SafeFiles(self.raw)
        trainer = self.trainer(machine, files)
        loop = self.sized_loop(trainer.world_size)
        if self.handover:
            self.resumed = self.handover.iteration(loop)
        saver = Saver(self.folder, self.plan.hooks.checkpoint, loop, stop, save_weights)
        if trainer.is_global_zero and not self.dry:
            batches = partial(validation_batches, trainer)
            self.log = RunLog(self.folder, loop, batches, config_text(self.cfg))
        terminal = Terminal(loop, self.console, lambda: saver.best)
        averaging = averaging_of(self.plan.hooks, self.plan.wrapper, loop)
        record = Record(
            self.folder / "scalars.jsonl",
            self.plan.hooks.logger.interval,
            loop,
            None if source is None else self.resumed,
            lambda: saver.validated,
            [terminal.line, *([self.log.line] if self.log else [])],
        )
        stopping = self.plan.hooks.early_stopping
        preview = Preview(self, loop, self.dry)
        own: list[Callback | None] = [
            RankWatch(),
            preview,
            *chores(self, loop, preview),
            averaging,
            EarlyStopping(stopping, terminal.say) if stopping else None,
            record,
            terminal,
            *self.users(),
            *callbacks,
            ValidationTimes(loop, lambda: saver.validated, self.resumed),
            saver,
        ]
        trainer.callbacks[:] = [preview] if self.dry else [callback for callback in own if callback is not None]  # type: ignore[attr-defined]
        task = self.task(trainer, loop, averaging, files)
        if loop.own:
            self.give_over(trainer, loop, task)
        if self.raw and source is not None:
            loops = {name: getattr(trainer, name).state_dict() for name in ("fit_loop", "validate_loop")}
            optimizer = build_optimizer(self.parts.model, self.plan.wrapper, rules=rules_of(self.cfg, loop))
            fits(source, self.raw, self.parts.model, optimizer, loops)
        if self.raw:  # a finished run goes on if the config has become longer
            batches = self.raw["loops"]["fit_loop"]["epoch_loop.batch_progress"]
            batches["is_last_batch"] = self.resumed >= loop.max_iters
        if self.resumed >= loop.max_iters and not self.pending(loop):
            self.say(f"{source} has all {loop.max_iters} iterations; there is nothing left to train.")
        elif trainer.is_global_zero:
            introduce(self, trainer, loop, source)
        try:
            with filtered(self.cfg, cuda=uses_cuda(machine)):
                trainer.fit(task, ckpt_path=source)
        except (Interrupted, KeyboardInterrupt, SystemExit) as error:
            ended = stop.ended or isinstance(error, SIGTERMException)
            if isinstance(error, SystemExit) and not ended and not isinstance(error.__context__, KeyboardInterrupt):
                raise
            self.say(
                f"Stopped after iteration {saver.saved} of {loop.max_iters}. To continue: "
                + (self.again or f"segue train CONFIG --work-dir {self.folder} --resume")
            )
            self.say_report(saver.last)
            if ended:  # so that a cluster does not take the run for finished; for the children see `segue.cli.main`
                raise SystemExit(0 if is_own_child() else stop.status or 143) from None
            raise KeyboardInterrupt from None
        except DryRun:
            return TrainResult(self.folder, None, first=trainer.is_global_zero)
        except (RuntimeError, OSError, MemoryError) as error:
            known = preview.measured.activations if preview.measured else None
            told = explained(error, self.cfg, task.model, trainer, known)
            if told is None:
                raise
            raise told from None
        finally:
            for loader in self.loaders:
                loader.close()
            if self.cache is not None:
                self.cache.close()
        if self.cache is not None:
            self.say(self.cache.told())
        if trainer.is_global_zero and not self.dry:
            for path in saver.publish(task):
                self.say(f"Published: {path}")
        best = {key: (float(value), int(at)) for key, (value, at, _) in saver.best.items()}
        if (card := task.evaluation.card) is not None:
            about = trained(self.cfg, self.folder, task, best, self.seed)
            for line in card.finish(self.folder, "report", about, self.cfg, trainer.is_global_zero):
                self.say(line)
            if task.iteration < loop.max_iters:
                self.say_report(saver.last)
        file = next((saver.folder / name for *_, name in saver.best.values()), saver.last)
        found = file if file.exists() else saver.last if saver.last.exists() else None
        return TrainResult(self.folder, found, dict(task.metrics), best, task.iteration, trainer.is_global_zero)

    def say_report(self, checkpoint: Path) -> None:
        """How to make the report of a run that ended before its last validation."""
        if self.report and self.parts.val_data is not None and checkpoint.exists():
            self.say(f"A report of what is trained so far: segue test {self.folder / 'config.py'} {checkpoint}")

    def give_over(self, trainer: Trainer, loop: Loop, task: SegmentationTask) -> None:
        """Put a loop of the user's own in the place of Lightning's.

        Raises:
            ConfigError: there are several processes.
        """
        assert loop.own is not None
        if trainer.world_size > 1:
            message = f"{loop.own.title}, which trains in one process; {trainer.world_size} are asked for"
            raise ConfigError(Problem(f"{loop.own.key}.type", message))
        task.automatic_optimization = False
        size = read_loader(self.cfg["train_dataloader"], "train_dataloader", rights_of(self.cfg))[0].batch_size
        runner = LoopRunner(trainer, task, self.cfg, self.folder, loop, size, self.resumed)
        trainer.fit_loop.epoch_loop = OwnEpochLoop(trainer, runner)

    def pending(self, loop: Loop) -> bool:
        """Whether the validation after the resumed iteration was cut off."""
        assert self.raw is not None
        states = self.raw.get("callbacks") or {}
        validated = next((s["validated"] for k, s in states.items() if k.startswith("Saver")), 0)
        return self.parts.val_data is not None and loop.validates_after(self.resumed) and validated < self.resumed

    def trainer(self, machine: Machine, files: SafeFiles) -> Trainer:
        """Lightning's Trainer for this run; its callbacks come later, since they need the number of processes."""
        wrapper, cfg = self.plan.wrapper, self.cfg
        precision = wrapper.precision(cuda=uses_cuda(machine))
        plugins: list[Any] = [files]
        if precision == "16-mixed":
            plugins.append(MixedPrecision("16-mixed", "cuda", make_scaler(wrapper.loss_scale)))
        randomness = cfg.get("randomness") or {}
        return make_trainer(
            cfg,
            machine,
            plugins,
            precision=None if precision == "16-mixed" else precision,
            max_epochs=1,
            val_check_interval=1,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            limit_val_batches=1.0 if self.parts.val_data is not None else 0,
            # a loop of the user's own adds gradients up itself
            accumulate_grad_batches=1 if self.plan.loop.own else wrapper.accumulative_counts,
            # torch synchronizes batch normalization between GPUs only
            sync_batchnorm=machine_count(machine) > 1 and uses_cuda(machine) and has_sync_norm(cfg.get("model")),
            deterministic="warn" if randomness.get("deterministic") else None,
            benchmark=bool((cfg.get("env_cfg") or {}).get("cudnn_benchmark")) and not randomness.get("deterministic"),
            use_distributed_sampler=False,
            default_root_dir=self.folder,
        )

    def sized_loop(self, world: int) -> Loop:
        """The loop, with the length of an epoch for this many processes."""
        return replace(self.plan.loop, epoch_length=self.stream(0, world).epoch_length)

    def stream(self, rank: int, world: int, stop: int = 0) -> TrainStream:
        """The training batches of a process: batch n of all together is what one process with all of it would have."""
        node, sampler = read_loader(self.cfg["train_dataloader"], "train_dataloader", rights_of(self.cfg))
        if sampler.own is not None:
            order = sampler.own(self.parts.train_data, self.seed)
            last, start = node.drop_last, self.resumed
            return OwnStream(order, node.batch_size, self.seed, drop_last=last, rank=rank, start=start, stop=stop)
        kind = RareClassStream if sampler.rare else TrainStream
        stream = kind(
            len(self.parts.train_data),
            node.batch_size,
            self.seed if sampler.seed is None else sampler.seed,
            infinite=sampler.infinite,
            shuffle=sampler.shuffle,
            drop_last=node.drop_last,
            rank=rank,
            world=world,
            start=self.resumed,
            stop=stop,
        )
        if sampler.rare and isinstance(stream, RareClassStream):
            stream.draw_from(self.parts.counts(), sampler.rare)
        return stream

    def task(self, trainer: Trainer, loop: Loop, averaging: Averaging | None, files: SafeFiles) -> SegmentationTask:
        """The task, with weights to start from."""
        cfg, parts = self.cfg, self.parts
        workers = workers_of(cfg, trainer)
        train_node, _ = read_loader(cfg["train_dataloader"], "train_dataloader", rights_of(cfg))

        def train_loader(rank: int, world: int) -> Loader:
            self.seed = recipe.seed  # of the first process, where each has drawn its own
            stream = self.stream(rank, world, ENDLESS if loop.own else loop.max_iters)
            loader = make_loader(parts.train_data, stream, train_node, parts.collate, workers)
            loader.length = loop.max_iters if loop.own else None
            return self.opened(loader)

        def val_loader(rank: int, world: int) -> Loader:
            node, _ = read_loader(cfg["val_dataloader"], "val_dataloader", rights_of(cfg))
            stream = EvaluationStream(len(parts.val_data), node.batch_size, rank=rank, world=world)
            return self.opened(make_loader(parts.val_data, stream, node, parts.collate, workers))

        recipe = Recipe(
            loop=loop,
            wrapper=self.plan.wrapper,
            rules=rules_of(cfg, loop),
            seed=self.seed,
            train_loader=train_loader,
            val_loader=val_loader if parts.val_data is not None else None,
            lr_scale=lr_scale(cfg, train_node.batch_size * trainer.world_size),
            averaging=averaging,
        )
        card = watching(parts.val_data, loop.max_iters) if self.report else None
        task = SegmentationTask(parts.model, Evaluation(parts.metrics, self.plan.mixed_validation, card=card), recipe)
        if self.handover:
            hook = self.plan.hooks.checkpoint
            self.raw = files.raw = self.handover.state(self.resumed, parts.model, recipe, trainer, hook)
        metainfo = dict(getattr(parts.train_data, "metainfo", {}))
        dataset = {"classes": list(metainfo.get("classes") or ()), "palette": metainfo.get("palette")}
        task.notes = {"cfg": config_text(cfg), "dataset_meta": dataset, "seed": self.seed}
        if self.raw is None:
            said = load_initial(parts.model, cfg)
            if said and trainer.is_global_zero:
                self.say("\n".join(said))
        check_denominator(parts.model, self.plan.wrapper.denominator)
        for line in apply_ways(parts.model, cfg) if not loop.own else ():
            self.say(line)
        if not self.dry:
            self.cache = installed(parts.model, cfg, self.folder, len(parts.train_data), self.say)
        if self.cache is not None:
            self.say(self.cache.expected(input_shape(parts.model, cfg)))
        if trainer.is_global_zero and not self.dry:
            (writable(self.folder) / "config.py").write_text(task.notes["cfg"], encoding="utf-8")
        return task

    def say(self, text: str) -> None:
        """Lines for people, of which parts may come from files."""
        self.console.print(visible(text), highlight=False, markup=False, soft_wrap=True)
        if self.log is not None:
            self.log.say(text)

    def opened(self, loader: Loader) -> Loader:
        """Remember a loader, to close it when the run ends."""
        self.loaders.append(loader)
        return loader

    def users(self) -> list[Callback]:
        """The callbacks that the config's hooks, visualizer and backends name."""
        metainfo = dict(getattr(self.parts.val_data, "metainfo", None) or {})
        return own_callbacks(self.plan.hooks, self.cfg, self.folder, metainfo, self.say)


def validation_batches(trainer: Trainer) -> int:
    """How many batches this process validates."""
    return sum(int(count) for count in trainer.num_val_batches)
