"""Builds a config's model, trains it for one step and lets it predict, on a generated batch.

Runs in a process of its own (`segue.migration.work`); every step is timed, and what fails is told with its place.
"""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch

from segue.config import Config
from segue.config.builder.build import build_model, check
from segue.config.builder.pretrained import pretrained_sources
from segue.config.builder.register import import_custom
from segue.config.labels import apply_labels
from segue.config.trust import Rights, rights_of, screen
from segue.config.v0 import is_v0, migrate
from segue.errors import ConfigError, Problem, SegueError
from segue.inference.segment import label_maps
from segue.migration.batch import Generated, generated, resized
from segue.models.seg_data_preprocessor import stack_targets
from segue.models.total_loss import total_loss
from segue.recipes.open import open_config
from segue.training.optimizers import build_optimizer, read_optim_wrapper
from segue.training.parts import check_classes
from segue.training.plan import located, read_plan

#: sides of the generated images; a larger one is tried where a model fails at a smaller
SIDES = (64, 128, 256, 512)
STAGE = "segue stage:"
STAGES = ("read", "code", "check", "build", "data", "train", "predict")


class Steps:
    """Times the stages and remembers which one is under way."""

    def __init__(self) -> None:
        self.done: list[list[Any]] = []
        self.now = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One stage."""
        self.now, start = name, time.perf_counter()
        print(f"{STAGE} {name}", flush=True)  # in the log, for the case that nothing else is left
        yield
        self.done.append([name, round(time.perf_counter() - start, 3)])
        self.now = ""


def run_config(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run a config; the answer holds ``ok``, the stages done, facts, notes, and the error if there is one.

    Args:
        job: ``file``; ``trust``; ``imports``, modules to import besides those that the config names; ``shapes``, to
            get the names and shapes of the weights, too.
        folder: for generated files.
    """
    steps = Steps()
    facts: dict[str, Any] = {}
    notes: list[str] = []
    answer: dict[str, Any] = {"ok": False, "facts": facts, "notes": notes}
    try:
        torch.manual_seed(0)
        cfg = prepare(job, steps, facts, notes)
        model = built(cfg, steps, facts)
        if job.get("shapes"):
            answer["shapes"] = {key: list(value.shape) for key, value in model.state_dict().items()}
        with steps.step("data"):
            train, test = batches(cfg, model, folder, notes, facts)
        trained_and_seen(cfg, model, train, test, steps, facts, notes)
        answer["ok"] = True
    except BaseException as error:  # a user's code may raise anything, SystemExit included
        answer["error"] = describe(error)
        answer["stage"] = steps.now
    answer["stages"] = steps.done
    return answer


def prepare(job: Mapping[str, Any], steps: Steps, facts: dict[str, Any], notes: list[str]) -> Config:
    """The config with user code imported and everything checked that can be without building."""
    with steps.step("read"):
        cfg = open_config(job["file"], trust=bool(job.get("trust")))
        if is_v0(cfg):
            migration = migrate(cfg)
            cfg, facts["generation"] = migration.cfg, "0.x"
            ignored = [entry.key for entry in migration.entries if entry.fate == "ignored"]
            facts["ignored"] = [f"{e.key} ({e.note})" for e in migration.entries if e.fate == "ignored"]
            if ignored:
                notes.append(f"keys that mean nothing any more: {', '.join(ignored)}")
    with steps.step("code"):
        rights = Rights.TRUSTED if job.get("trust") else rights_of(cfg)
        cfg = cfg.with_rights(rights)
        if problems := screen(cfg, rights):
            raise ConfigError(problems)
        import_custom(cfg)
        cfg = cast(Config, apply_labels(cfg))
    with steps.step("check"):
        if not isinstance(cfg.get("model"), Mapping):
            raise ConfigError(Problem("model", "the config has no model"))
        problems = check(cfg)
        if cfg.get("train_dataloader") and cfg.get("optim_wrapper") and cfg.get("train_cfg"):
            try:
                with located(cfg):
                    read_plan(cfg, amp=False)
            except ConfigError as error:
                problems += [p for p in error.problems if p not in problems]
        if problems:
            raise ConfigError(problems)
        starts = [source.checkpoint for source in pretrained_sources(cfg)]
        starts += [str(cfg["load_from"])] if cfg.get("load_from") else []
        if starts:
            facts["weights"] = starts
    return cfg


def built(cfg: Config, steps: Steps, facts: dict[str, Any]) -> Any:
    """The model, whose padding is that of small images."""
    with steps.step("build"):
        small = copy.deepcopy(cfg)
        for node in (small.get("data_preprocessor"), small["model"].get("data_preprocessor")):
            shrink(node)
        model = build_model(small)
        if getattr(model, "data_preprocessor", None) is None:
            message = "is missing: without it images are not normalized and batches not stacked; add "
            message += "data_preprocessor=dict(type='SegDataPreProcessor', mean=..., std=..., bgr_to_rgb=True)"
            raise ConfigError(Problem("model.data_preprocessor", message))
        parts = [type(getattr(model, key)).__name__ for key in ("backbone", "neck") if getattr(model, key, None)]
        head = getattr(model, "decode_head", None)
        heads = [type(h).__name__ for h in (head if isinstance(head, torch.nn.ModuleList) else [head]) if h is not None]
        facts["model"] = type(model).__name__
        facts["parts"] = [*parts, *heads]
        facts["parameters"] = sum(p.numel() for p in model.parameters())
    return model


def shrink(node: Any) -> None:
    """Take the fixed size from a preprocessor's dict: the generated images are smaller."""
    if isinstance(node, Mapping):
        for options in (node, node.get("test_cfg")):
            if isinstance(options, dict) and options.get("size") is not None:
                options["size"] = None
                options.setdefault("size_divisor", 32)


def batches(
    cfg: Config, model: Any, folder: Path, notes: list[str], facts: dict[str, Any]
) -> tuple[Generated, Generated]:
    """Samples for training and prediction; what their classes contradict is an error."""
    classes = int(getattr(model, "num_classes", 0) or 2)
    train = generated(cfg, "train", folder / "train", classes)
    test = generated(cfg, "test" if cfg.get("test_dataloader") else "val", folder / "test", classes)
    for name, made in (("training", train), ("testing", test)):
        if not made.proven and made.dataset:
            notes.append(f"data for {name}: the dataset and pipeline could not be fed generated files ({made.reason})")
    for split, made in (("train", train), ("test", test)):
        if made.proven and made.classes:
            check_classes(cfg, made.classes, f"{split}_dataloader.dataset")
    facts["dataset"] = train.dataset or test.dataset
    facts["classes"] = len(train.classes or test.classes) or classes
    facts["data_proven"] = train.proven and test.proven
    return train, test


def trained_and_seen(
    cfg: Config,
    model: Any,
    train: Generated,
    test: Generated,
    steps: Steps,
    facts: dict[str, Any],
    notes: list[str],
) -> None:
    """One step of the optimizer and one prediction, at the smallest size that the model takes.

    A model whose own `train_step` takes other batches than a config's loader gives is trained by a program of the
    project's, so that a note says what was not tried.
    """
    first: BaseException | None = None
    for side in SIDES:
        try:
            with steps.step("train"):
                why = tried(cfg, model, train, side, facts)
            if why:
                notes.append(f"training was not tried: it is by a program of the project's ({why})")
            if not why or hasattr(model, "encode_decode"):
                with steps.step("predict"):
                    predict(model, test, side)
            facts["side"] = side
            return
        except SegueError:
            raise
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:  # perhaps the image was too small
            again = first is not None and str(first) == str(error)  # then the size is not the reason
            first = first or error
            failed = steps.now
            steps.done = [done for done in steps.done if done[0] not in ("train", "predict")]
            if again:
                break
    assert first is not None
    steps.now = failed
    raise first


def tried(cfg: Config, model: Any, made: Generated, side: int, facts: dict[str, Any]) -> str:
    """Take a step; why it could not be taken, where the model's own ``train_step`` takes batches of its own kind."""
    try:
        facts["loss"] = train_step(cfg, model, made, side)
    except (TypeError, KeyError, AttributeError) as error:
        if not getattr(model, "trains_by_steps", False):
            raise
        return f"{type(model).__name__}.train_step takes other batches; {type(error).__name__}: {error}"
    return ""


def train_step(cfg: Config, model: Any, made: Generated, side: int) -> float:
    """The loss of a step of training, with the config's optimizer if it names one."""
    optimizer: Any = None
    if cfg.get("optim_wrapper"):
        optimizer = build_optimizer(model, read_optim_wrapper(cfg["optim_wrapper"]))
    model.train()
    inputs, samples = model.data_preprocessor(resized(made.packs, side, labels=True), training=True)
    total, values = total_loss(model.loss(inputs, stack_targets(samples)))
    if not torch.isfinite(total):
        parts = ", ".join(f"{name}={float(value):.4g}" for name, value in values.items())
        raise SegueError(f"the loss of the generated batch is not finite ({parts})")
    torch.autograd.backward(total)
    if optimizer is not None:
        optimizer.step()
        optimizer.zero_grad()
    return float(total.detach())


def predict(model: Any, made: Generated, side: int) -> list[Any]:
    """Label maps of the samples, of their size and with labels below the number of classes."""
    model.eval()
    with torch.inference_mode():
        found = label_maps(model, resized(made.packs[:1], side, labels=False))
    classes = int(getattr(model, "num_classes", 0) or 0)
    for labels in found:
        if tuple(labels.shape) != (side, side) or (
            classes > 1 and not labels.is_floating_point() and int(labels.max()) >= classes
        ):
            raise SegueError(f"the prediction is {tuple(labels.shape)} with labels up to {int(labels.max())}, for an "
                             f"image of {(side, side)} and {classes} classes")  # fmt: skip
    return found


def describe(error: BaseException) -> dict[str, Any]:
    """An error as data: its type, message, problems, and the frames of the traceback."""
    cause = error
    while cause.__cause__ is not None and not isinstance(error, ConfigError):
        cause = cause.__cause__
    frames = [
        [frame.filename, frame.lineno or 0, frame.name] for frame in traceback.extract_tb(cause.__traceback__)[-40:]
    ]
    found: dict[str, Any] = {"type": type(error).__name__, "message": str(error).strip(), "frames": frames}
    found["expected"] = isinstance(error, SegueError)
    if isinstance(error, ConfigError):
        found["problems"] = [[p.key, p.message, p.where] for p in error.problems]
    missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
    if isinstance(missing, ModuleNotFoundError) and missing.name:
        found["module"] = missing.name
    if isinstance(error, SyntaxError):
        found["message"] = f"{error.filename}:{error.lineno}: this is not valid Python 3: {error.msg}"
    return found
