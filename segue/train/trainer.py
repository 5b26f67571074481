"""`train` and `evaluate`: a config to a Lightning Trainer and back."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.strategies import DDPStrategy
from rich.console import Console

from segue.errors import ConfigError, InputError, Problem
from segue.train.averaging import Averaging
from segue.train.data import EvaluationStream, Loader, TrainStream, Workers, make_loader, read_loader
from segue.train.hooks import Hooks, read_hooks
from segue.train.loops import Loop, read_evaluation_loop, read_train_loop
from segue.train.optimizers import OptimWrapper, read_optim_wrapper
from segue.train.parts import Parts, build_parts, load_initial_weights, save_weights
from segue.train.progress import Terminal, device_line
from segue.train.quiet import quiet
from segue.train.record import Record
from segue.train.saving import Interrupted, SafeFiles, Saver, StopRequest, read_state
from segue.train.scaler import make_scaler
from segue.train.schedule import build_rules
from segue.train.stopping import EarlyStopping, ValidationTimes
from segue.train.task import Evaluation, Recipe, SegmentationTask


@dataclass
class TrainResult:
    """What a run left behind.

    Attributes:
        work_dir: the folder of its files.
        checkpoint: the best weights if the config keeps them, otherwise the last checkpoint.
        metrics: of the last validation.
        best: metric -> (value, iteration).
        iterations: how many were trained in all.
    """

    work_dir: Path
    checkpoint: Path | None
    metrics: dict[str, float] = field(default_factory=dict)
    best: dict[str, tuple[float, int]] = field(default_factory=dict)
    iterations: int = 0


@dataclass(frozen=True)
class Machine:
    """Where to run: Lightning's ``accelerator``, ``devices``, ``num_nodes`` and ``strategy``."""

    accelerator: str = "auto"
    devices: Any = "auto"
    num_nodes: int = 1
    strategy: Any = "auto"


def train(
    cfg: Mapping[str, Any],
    *,
    work_dir: str | Path | None = None,
    resume: bool | str | Path = False,
    seed: int | None = None,
    amp: bool = False,
    machine: Machine | None = None,
    callbacks: Sequence[Callback] = (),
    console: Console | None = None,
    build: Callable[[], Parts] | None = None,
) -> TrainResult:
    """Train the model of ``cfg``.

    Args:
        cfg: a config, as `segue.config` reads it or as a plain dict.
        work_dir: folder for everything that is written; by default the config's, or ``work_dirs/<config name>``.
        resume: continue ``last.ckpt`` of the folder if there is one, or a given ``.ckpt``.
        seed: of everything random; by default the config's ``randomness``, else a new one, which is shown and stored.
        amp: mixed precision, also where the config does not ask for it.
        machine: devices; by default Lightning's choice.
        callbacks: Lightning callbacks of your own.
        console: where progress is shown.
        build: makes the parts instead of the config, for models and datasets that exist already.

    Raises:
        ConfigError, DataError, CheckpointError ...: see `segue.errors`.
        KeyboardInterrupt: stopped with Ctrl-C; ``last.ckpt`` is written.
    """
    console = console or Console()
    folder = work_folder(cfg, work_dir)
    source = resume_source(folder, resume)
    raw = read_state(source) if source else None
    seed = choose_seed(cfg, seed, raw)
    seed_all(seed)
    with located(cfg):
        plan = read_plan(cfg, amp)
        parts = (build or (lambda: build_parts(cfg, "train")))()
        run = Run(cfg, plan, parts, folder, seed, raw, console)
        with quiet(), StopRequest(console.print) as stop:
            return run.fit(stop, source, machine or Machine(), callbacks)


def evaluate(
    cfg: Mapping[str, Any],
    checkpoint: str | Path | None,
    *,
    work_dir: str | Path | None = None,
    out: str | Path | None = None,
    machine: Machine | None = None,
    console: Console | None = None,
    build: Callable[[], Parts] | None = None,
) -> dict[str, float]:
    """Measure ``checkpoint`` on the test set of ``cfg`` and return the metrics.

    The numbers are those of the validation during training, were it run on the same data.

    Args:
        cfg: a config.
        checkpoint: path, URL or alias of the weights; None takes the model as it is built.
        work_dir: folder for ``metrics.json``; by default nothing is written.
        out: folder for the predicted label maps as PNG.
        machine: devices; by default Lightning's choice.
        console: where progress is shown.
        build: makes the parts instead of the config.
    """
    console = console or Console()
    with located(cfg):
        loop = read_evaluation_loop(cfg.get("test_cfg"), "test_cfg")
        settings, _ = read_loader(cfg["test_dataloader"], "test_dataloader")
        parts = (build or (lambda: build_parts(cfg, "test")))()
    if out is not None:
        for metric in parts.metrics:
            metric.output_dir = Path(out)
    if checkpoint is not None:
        load_initial_weights(parts.model, checkpoint)
    machine = machine or Machine()
    with quiet():
        trainer = Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.num_nodes,
            strategy=strategy_of(cfg, machine),
            precision="16-mixed" if loop.fp16 and torch.cuda.is_available() else "32-true",
            callbacks=[Terminal(console=console)],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        workers = workers_of(cfg, trainer)

        loaders: list[Loader] = []

        def loader(rank: int, world: int) -> Loader:
            stream = EvaluationStream(len(parts.val_data), settings.batch_size, rank=rank, world=world)
            loaders.append(make_loader(parts.val_data, stream, settings, parts.collate, workers))
            return loaders[-1]

        task = SegmentationTask(parts.model, Evaluation(parts.metrics, loop.fp16, loader))
        try:
            trainer.test(task, verbose=False)
        finally:
            for made in loaders:
                made.close()
    if work_dir is not None and trainer.is_global_zero:
        write_metrics(Path(work_dir) / "metrics.json", task.metrics)
    return dict(task.metrics)


@dataclass(frozen=True)
class Plan:
    """The translated sections of a config; the loop's ``epoch_length`` is still to be filled in."""

    loop: Loop
    wrapper: OptimWrapper
    hooks: Hooks
    mixed_validation: bool


def read_plan(cfg: Mapping[str, Any], amp: bool) -> Plan:
    """Translate the training sections and report all their problems together."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}

    def attempt(name: str, read: Callable[[], Any]) -> None:
        try:
            found[name] = read()
        except ConfigError as error:
            problems.extend(error.problems)

    for section in ("model", "train_dataloader", "train_cfg", "optim_wrapper"):
        if not cfg.get(section):
            problems.append(Problem(section, "training needs this section"))
    if problems:
        raise ConfigError(problems)
    attempt("loop", lambda: read_train_loop(cfg["train_cfg"], 1))
    attempt("wrapper", lambda: read_optim_wrapper(cfg["optim_wrapper"], amp=amp))
    attempt("hooks", lambda: read_hooks(cfg.get("default_hooks"), cfg.get("custom_hooks")))
    attempt("val", lambda: read_evaluation_loop(cfg.get("val_cfg"), "val_cfg"))
    for name in ("train_dataloader", "val_dataloader"):
        if cfg.get(name):
            attempt(name, lambda name=name: read_loader(cfg[name], name))  # type: ignore[misc]
    if "loop" in found:
        attempt("rules", lambda: rules_of(cfg, found["loop"]))
    if problems:
        raise ConfigError(problems)
    return Plan(found["loop"], found["wrapper"], found["hooks"], found["val"].fp16)


def rules_of(cfg: Mapping[str, Any], loop: Loop) -> Any:
    """The learning-rate rules for a loop."""
    return build_rules(
        cfg.get("param_scheduler"),
        max_iters=loop.max_iters,
        max_epochs=loop.max_epochs,
        epoch_length=loop.epoch_length,
    )


class Run:
    """One training run, from its parts to its result."""

    def __init__(
        self,
        cfg: Mapping[str, Any],
        plan: Plan,
        parts: Parts,
        folder: Path,
        seed: int,
        raw: dict[str, Any] | None,
        console: Console,
    ) -> None:
        self.cfg, self.plan, self.parts = cfg, plan, parts
        self.folder, self.seed, self.raw, self.console = folder, seed, raw, console
        self.resumed = int(raw["meta"]["iter"]) if raw else 0
        self.loaders: list[Loader] = []

    def fit(self, stop: StopRequest, source: Path | None, machine: Machine, callbacks: Sequence[Callback]) -> TrainResult:
        """Train, and describe what came of it."""
        files = SafeFiles(self.raw)
        trainer = self.trainer(machine, files)
        loop = self.sized_loop(trainer.world_size)
        saver = Saver(self.folder, self.plan.hooks.checkpoint, loop, stop, save_weights)
        terminal = Terminal(loop, self.console, lambda: saver.best)
        averaging = Averaging(self.plan.hooks.ema, loop.epoch_length) if self.plan.hooks.ema else None
        record = Record(
            self.folder / "scalars.jsonl",
            self.plan.hooks.logger.interval,
            loop,
            self.resumed if self.raw else None,
            lambda: saver.validated,
            [terminal.line],
        )
        stopping = self.plan.hooks.early_stopping
        own: list[Callback | None] = [
            averaging,
            EarlyStopping(stopping, terminal.say) if stopping else None,
            record,
            terminal,
            *self.users(),
            *callbacks,
            ValidationTimes(loop, lambda: saver.validated, self.resumed),
            saver,
        ]
        trainer.callbacks[:] = [callback for callback in own if callback is not None]
        task = self.task(trainer, loop, averaging)
        if self.resumed >= loop.max_iters and not self.pending(loop):
            self.console.print(f"{source} has all {loop.max_iters} iterations; there is nothing left to train.")
        elif trainer.is_global_zero:
            self.introduce(trainer, loop, source)
        try:
            trainer.fit(task, ckpt_path=source)
        except (Interrupted, KeyboardInterrupt, SystemExit) as error:
            if isinstance(error, SystemExit) and not isinstance(error.__context__, KeyboardInterrupt):
                raise
            self.console.print(
                f"Stopped after iteration {saver.saved} of {loop.max_iters}. To continue: segue train CONFIG "
                f"--work-dir {self.folder} --resume"
            )
            raise KeyboardInterrupt from None
        finally:
            for loader in self.loaders:
                loader.close()
        best = {key: (float(value), int(at)) for key, (value, at, _) in saver.best.items()}
        file = next((saver.folder / name for *_, name in saver.best.values()), saver.last)
        return TrainResult(self.folder, file if file.exists() else None, dict(task.metrics), best, task.iteration)

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
            plugins.append(MixedPrecision(precision, "cuda", make_scaler(wrapper.loss_scale)))
        randomness = cfg.get("randomness") or {}
        return Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.num_nodes,
            strategy=strategy_of(cfg, machine),
            precision=None if precision == "16-mixed" else precision,  # type: ignore[arg-type]
            plugins=plugins,
            max_epochs=1,
            val_check_interval=1,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            limit_val_batches=1.0 if self.parts.val_data is not None else 0,
            accumulate_grad_batches=wrapper.accumulative_counts,
            sync_batchnorm=machine_count(machine) > 1 and has_sync_norm(cfg.get("model")),
            deterministic="warn" if randomness.get("deterministic") else None,
            benchmark=bool((cfg.get("env_cfg") or {}).get("cudnn_benchmark")) and not randomness.get("deterministic"),
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=self.folder,
        )

    def sized_loop(self, world: int) -> Loop:
        """The loop, with the length of an epoch for this many processes."""
        return replace(self.plan.loop, epoch_length=self.stream(0, world).epoch_length)

    def stream(self, rank: int, world: int, stop: int = 0) -> TrainStream:
        """The training batches of a process."""
        node, sampler = read_loader(self.cfg["train_dataloader"], "train_dataloader")
        return TrainStream(
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

    def task(self, trainer: Trainer, loop: Loop, averaging: Averaging | None) -> SegmentationTask:
        """The task, with weights to start from."""
        cfg, parts = self.cfg, self.parts
        workers = workers_of(cfg, trainer)
        train_node, _ = read_loader(cfg["train_dataloader"], "train_dataloader")

        def train_loader(rank: int, world: int) -> Loader:
            stream = self.stream(rank, world, loop.max_iters)
            return self.opened(make_loader(parts.train_data, stream, train_node, parts.collate, workers))

        def val_loader(rank: int, world: int) -> Loader:
            node, _ = read_loader(cfg["val_dataloader"], "val_dataloader")
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
        task = SegmentationTask(parts.model, Evaluation(parts.metrics, self.plan.mixed_validation), recipe)
        metainfo = dict(getattr(parts.train_data, "metainfo", {}))
        dataset = {"classes": list(metainfo.get("classes") or ()), "palette": metainfo.get("palette")}
        task.notes = {"cfg": config_text(cfg), "dataset_meta": dataset, "seed": self.seed}
        if self.raw is None and cfg.get("load_from"):
            load_initial_weights(parts.model, cfg["load_from"])
        if trainer.is_global_zero:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "config.py").write_text(task.notes["cfg"], encoding="utf-8")
        return task

    def opened(self, loader: Loader) -> Loader:
        """Remember a loader, to close it when the run ends."""
        self.loaders.append(loader)
        return loader

    def users(self) -> list[Callback]:
        """The callbacks that the config's custom hooks name."""
        made = []
        for hook in self.plan.hooks.custom:
            if not (isinstance(hook.cls, type) and issubclass(hook.cls, Callback)):
                name = getattr(hook.cls, "__name__", hook.cls)
                advice = "hooks are Lightning callbacks: derive it from lightning.pytorch.Callback (before_train_iter is "
                raise ConfigError(Problem(hook.key, f"{name}: {advice}on_train_batch_start, and so on)"))
            try:
                made.append(hook.cls(**hook.arguments))
            except TypeError as error:
                raise ConfigError(Problem(hook.key, str(error))) from error
        return made

    def introduce(self, trainer: Trainer, loop: Loop, source: Path | None) -> None:
        """What is about to happen, in a few lines."""
        model = self.parts.model
        weights = sum(p.numel() for p in model.parameters()) / 1e6
        length = f"{loop.max_epochs} epochs of {loop.epoch_length}" if loop.by_epoch else f"{loop.max_iters}"
        images = len(self.parts.train_data)
        checked = f", {len(self.parts.val_data)} for validation" if self.parts.val_data is not None else ""
        self.console.print(
            f"{type(model).__name__}, {weights:.1f} M parameters; {images} images{checked}\n"
            f"{length} iterations on {device_line(trainer)}; seed {self.seed}\n"
            f"Everything is written to {self.folder}",
            highlight=False,
        )
        if source is not None:
            self.console.print(f"Continuing {source} after iteration {self.resumed}", highlight=False)


class located:  # noqa: N801  used as a function
    """Adds file and line to the problems of a ConfigError that know only their key."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        self.cfg = cfg

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        origin = getattr(self.cfg, "origin", None)
        if not isinstance(error, ConfigError) or not callable(origin) or all(p.where for p in error.problems):
            return
        raise ConfigError([p if p.where else replace(p, where=str(origin(p.key) or "")) for p in error.problems]) from None


def work_folder(cfg: Mapping[str, Any], given: str | Path | None) -> Path:
    """The argument, else the config's ``work_dir``, else ``work_dirs/<config name>``."""
    if given is None:
        given = cfg.get("work_dir")
    if given is not None:
        return Path(given)
    name = getattr(cfg, "filename", None)
    return Path("work_dirs") / (Path(name).stem if name else "run")


def resume_source(folder: Path, resume: bool | str | Path) -> Path | None:
    """The file to continue from; with ``resume=True`` and none there, training starts from the beginning."""
    if resume is False or resume is None:
        return None
    if resume is True:
        last = folder / "last.ckpt"
        return last if last.exists() else None
    path = Path(resume)
    if path.is_dir():
        path = path / "last.ckpt"
    if not path.exists():
        raise InputError(f"{path} does not exist: give --resume a .ckpt file, or no value for the work folder's last one")
    return path


def choose_seed(cfg: Mapping[str, Any], given: int | None, raw: dict[str, Any] | None) -> int:
    """The argument, else the resumed run's, else the config's, else a new one."""
    if given is not None:
        return given
    if raw is not None:
        return int(raw["meta"]["seed"])
    configured = (cfg.get("randomness") or {}).get("seed")
    return int(configured) if configured is not None else secrets.randbelow(2**31)


def seed_all(seed: int) -> None:
    """Seed what initializes the model."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def machine_count(machine: Machine) -> int:
    """How many processes there will be."""
    devices = machine.devices
    if devices in ("auto", -1, "-1"):
        count = torch.cuda.device_count() if uses_cuda(machine) else 1
    elif isinstance(devices, str):
        count = int(devices) if devices.isdigit() else len([d for d in devices.split(",") if d.strip()])
    else:
        count = devices if isinstance(devices, int) else len(devices)
    return count * machine.num_nodes


def uses_cuda(machine: Machine) -> bool:
    """Whether the run is on CUDA devices."""
    return machine.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def strategy_of(cfg: Mapping[str, Any], machine: Machine) -> Any:
    """Lightning's strategy: for several processes DDP, with buffers left alone as in mmengine."""
    if machine.strategy != "auto" or machine_count(machine) == 1:
        return machine.strategy
    return DDPStrategy(
        broadcast_buffers=False, find_unused_parameters=bool(cfg.get("find_unused_parameters", False))
    )


def has_sync_norm(node: Any) -> bool:
    """Whether a model section asks for synchronized batch normalization anywhere."""
    if isinstance(node, Mapping):
        return node.get("type") in ("SyncBN", "MMSyncBN") or any(has_sync_norm(v) for v in node.values())
    return isinstance(node, (list, tuple)) and any(has_sync_norm(v) for v in node)


def workers_of(cfg: Mapping[str, Any], trainer: Trainer) -> Workers:
    """How workers start, from ``env_cfg.mp_cfg``."""
    given = (cfg.get("env_cfg") or {}).get("mp_cfg") or {}
    cuda = trainer.strategy.root_device.type == "cuda"
    return Workers(given.get("mp_start_method"), given.get("opencv_num_threads", 0), cuda)


def lr_scale(cfg: Mapping[str, Any], batch: int) -> float:
    """``auto_scale_lr``: the actual batch size by the one that the learning rate was chosen for."""
    given = cfg.get("auto_scale_lr") or {}
    if not given.get("enable"):
        return 1.0
    if "base_batch_size" not in given:
        raise ConfigError(Problem("auto_scale_lr", "enable=True needs base_batch_size"))
    return batch / float(given["base_batch_size"])


def config_text(cfg: Any) -> str:
    """The resolved config as Python text."""
    for name in ("dump", "pretty_text"):
        found = getattr(cfg, name, None)
        if found is not None and not isinstance(cfg, dict):
            return str(found() if callable(found) else found)
    return "".join(f"{key} = {value!r}\n" for key, value in cfg.items())


def write_metrics(path: Path, metrics: Mapping[str, float]) -> None:
    """The metrics as JSON; a value that does not exist is null."""
    import json

    path.parent.mkdir(parents=True, exist_ok=True)
    finite = {k: v if v == v else None for k, v in metrics.items()}
    path.write_text(json.dumps(finite, indent=2) + "\n", encoding="utf-8")
