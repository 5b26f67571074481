"""The parts of a run: model, datasets and metrics built from a config, and the weights that they start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

from segue.checkpoints import load_weights
from segue.config.builder.pretrained import pretrained_sources
from segue.config.nodes import other_class_counts
from segue.config.origins import origin_of
from segue.datasets.collate import collate
from segue.errors import CheckpointError, ConfigError, DataError, DownloadError, LabelError, Problem
from segue.export.runtime import RuntimeModel, is_exported
from segue.export.targets import check_runs
from segue.inference.load import merged_after
from segue.layers.lora import without_adapters
from segue.training.gather import Gathered

if TYPE_CHECKING:
    from segue.doctor.counts import LabelCounts


class Metric(Protocol):
    """What evaluation needs of a metric."""

    def reset(self) -> None:
        """Forget all images."""

    def update(self, pred: Tensor, label: Tensor | None, meta: Mapping[str, Any] | None = None) -> None:
        """Count one image: labels (H, W) predicted and true."""

    def compute(self) -> Mapping[str, float]:
        """Values by name."""
        ...

    def table(self) -> list[dict[str, str | float]]:
        """One row per class."""
        ...

    def state(self) -> Mapping[str, Tensor]:
        """Sums that add up across processes."""
        ...

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from sums."""


def build_parts(
    cfg: Mapping[str, Any],
    split: str,
    gathered: Gathered | None = None,
    model: Callable[[Mapping[str, Any]], nn.Module] | None = None,
) -> Parts:
    """Build what ``split`` (``train``, ``val`` or ``test``) needs; training also validates if the config can.

    Args:
        cfg: a config.
        split: of the data.
        gathered: takes what fails, and the parts come without it; None: it is raised.
        model: makes the model in place of Segue's builder.

    Raises:
        SegueError: what is wrong with the parts, all of it.
    """
    gather = Gathered() if gathered is None else gathered
    parts = _built(cfg, split, gather, model)
    if gathered is None:
        gather.raise_all()
    return parts


def _built(
    cfg: Mapping[str, Any], split: str, gather: Gathered, model: Callable[[Mapping[str, Any]], nn.Module] | None
) -> Parts:
    from segue.config.balance import named_weights
    from segue.config.builder import build
    from segue.config.labels import apply_labels
    from segue.doctor.before_training import check_before_training
    from segue.training.balance import with_class_weights

    parts = Parts()
    labeled = gather.attempt("", lambda: apply_labels(cfg))
    if labeled is None:
        return parts
    cfg = labeled
    wanted = ["train", "val"] if split == "train" else [split]
    wanted = [s for s in wanted if cfg.get(f"{s}_dataloader") and (s == "train" or cfg.get(f"{s}_evaluator"))]
    paths = {"model": "models"}
    for name in wanted:
        paths[f"{name}_dataloader.dataset"] = "datasets"
        if name != "train":
            paths[f"{name}_evaluator"] = "metrics"
    paths = {path: room for path, room in paths.items() if cfg.get(path.partition(".")[0])}
    wrong: dict[str, list[Problem]] = {}
    for path, room in paths.items():
        try:
            wrong[path] = build.check(cfg, {path: room})
        except ConfigError as error:
            wrong[path] = error.problems
    if problems := [problem for found in wrong.values() for problem in found]:
        gather.errors.append(("", ConfigError(problems)))
    for name in wanted:
        path = f"{name}_dataloader.dataset"
        if not wrong[path]:
            data = gather.attempt(path, lambda path=path: _dataset(cfg, path, gather))  # type: ignore[misc]
            setattr(parts, "train_data" if name == "train" else "val_data", data)
        if name != "train" and not wrong[f"{name}_evaluator"]:
            key = f"{name}_evaluator"
            parts.metrics = gather.attempt(key, lambda key=key: build.build_metric(cfg, key)) or []  # type: ignore[misc]
            for metric in parts.metrics if parts.val_data is not None else ():
                gather.attempt(key, lambda metric=metric: metric.set_dataset(parts.val_data.metainfo))  # type: ignore[misc]
    if split == "train":
        looked = {name: (f"{name}_dataloader.dataset", getattr(parts, f"{name}_data")) for name in wanted}
        looked = {name: pair for name, pair in looked.items() if pair[1] is not None}
        parts.said = gather.attempt("", lambda: check_before_training(looked)) or []
        if named_weights(cfg) and not gather.errors:  # counting takes time
            weighted = gather.attempt("model", lambda: with_class_weights(cfg, parts.counts()))
            cfg, said = weighted or (cfg, [])
            parts.said += said
    if "model" in wrong and not wrong["model"]:
        make = model or (lambda cfg: build.build_model(cfg, fetching=split == "train"))
        parts.built = gather.attempt("model", lambda: make(cfg))
        parts.model = parts.built or parts.model
    return parts


def check_components(cfg: Mapping[str, Any]) -> None:
    """Whether the components of a config could be built, without building any.

    Raises:
        ConfigError: all their problems.
    """
    from segue.config.builder import build

    if problems := build.check(cfg):
        raise ConfigError(problems)


def _dataset(cfg: Mapping[str, Any], path: str, gather: Gathered) -> Any:
    """The dataset at a key path; its names are compared with the heads."""
    from segue.config.builder import build

    try:
        dataset = build.build_dataset(cfg, path)
    except DataError as error:
        if type(error) not in (DataError, LabelError):
            raise
        raise type(error)(_at(cfg, path, error)) from error
    gather.attempt(path, lambda: check_classes(cfg, dataset.metainfo.get("classes"), path))
    return dataset


def _at(cfg: Mapping[str, Any], path: str, error: Exception) -> str:
    """What is wrong with a file, and where the config names it."""
    inner = ("data_root", "init_cfg.checkpoint", "pretrained")
    where = next(filter(None, (origin_of(cfg, f"{path}.{name}") for name in inner)), None) or origin_of(cfg, path)
    return ": ".join(str(part) for part in (where, path, error) if part)


def check_classes(cfg: Mapping[str, Any], classes: Sequence[str] | None, path: str) -> None:
    """Compare ``num_classes`` of every head with the names of a dataset.

    Raises:
        ConfigError: for each head that has another number.
    """
    if not classes:
        return
    names = ", ".join(classes[:4]) + (" ..." if len(classes) > 4 else "")
    problems = []
    for at, number in other_class_counts(cfg, len(classes)):
        message = f"is {number}, but {path} has {len(classes)} classes ({names}); make them equal"
        problems.append(Problem(at, message, str(origin_of(cfg, at) or "")))
    if problems:
        raise ConfigError(problems)


@dataclass
class Parts:
    """What a run is made of."""

    model: nn.Module = field(default_factory=nn.Identity)
    train_data: Any = None
    val_data: Any = None
    metrics: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # warnings about the data, to print
    collate: Callable[[Sequence[Any]], dict[str, Any]] = collate
    built: nn.Module | None = None  # the model, where the config has made it
    _counts: LabelCounts | None = None

    def counts(self) -> LabelCounts:
        """Labeled pixels of the training data by class and image, counted at the first call."""
        from rich.console import Console

        from segue.doctor.counts import count_labels

        if self._counts is None:
            classes = self.train_data.metainfo.get("classes")
            if not classes:
                raise DataError("class weights and rare-class sampling need named classes: metainfo=dict(classes=...)")
            self._counts = count_labels(self.train_data, len(classes), Console(stderr=True))
        return self._counts


def load_trained(model: nn.Module, source: Any, *, trust: bool = False) -> nn.Module:
    """The model with the weights of a trained one, all of which must be there; or an exported file in its place.

    Raises:
        CheckpointError: some are missing or of another shape: what such a model predicts means nothing.
    """
    check_runs(source)
    if is_exported(source):
        exported = RuntimeModel(source, trust=trust)
        if exported.num_classes != model.num_classes:
            raise CheckpointError(
                f"{source} was exported with {exported.num_classes} classes, the config's model has {model.num_classes}"
            )
        return exported
    report = load_weights(model, source)
    if report.missing or report.mismatched:
        raise CheckpointError(f"{source} does not fit the config's model. {report}")
    merged_after(model, report, source)
    return model


def load_initial(model: nn.Module, cfg: Mapping[str, Any]) -> list[str]:
    """Load what training starts from, the config's ``load_from``, else its pretrained weights; says what was loaded."""

    with without_adapters(model):
        initialize(model)
    if cfg.get("load_from"):
        try:
            return [f"Weights of {cfg['load_from']}: {load_weights(model, cfg['load_from'])}"]
        except (CheckpointError, DownloadError) as error:
            raise type(error)(_at(cfg, "load_from", error)) from error
    said = []
    for source in pretrained_sources(cfg):
        part = model.get_submodule(source.module)
        try:
            report = load_weights(part, source.checkpoint, prefix=source.prefix)
        except (CheckpointError, DownloadError) as error:
            raise type(error)(_at(cfg, f"model.{source.module}".rstrip("."), error)) from error
        said.append(f"Weights of {source.checkpoint} for {source.module or 'the model'}: {report}")
    return said


def initialize(module: nn.Module) -> None:
    """Call ``init_weights`` of the outermost modules that have one: the user's; Segue's start as they are made."""
    if callable(getattr(module, "init_weights", None)):
        module.init_weights()  # type: ignore[operator]
        return
    for child in module.children():
        initialize(child)
