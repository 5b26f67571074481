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
from segue.errors import CheckpointError, ConfigError, DataError, Problem

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


def build_parts(cfg: Mapping[str, Any], split: str) -> Parts:
    """Build what ``split`` (``train``, ``val`` or ``test``) needs; training also validates if the config can.

    Raises:
        ConfigError: with the problems of all parts at once.
    """
    from segue.config.balance import named_weights
    from segue.config.builder import build
    from segue.config.labels import apply_labels
    from segue.doctor.before_training import check_before_training
    from segue.training.balance import with_class_weights

    cfg = apply_labels(cfg)
    wanted = ["train", "val"] if split == "train" else [split]
    wanted = [s for s in wanted if cfg.get(f"{s}_dataloader") and (s == "train" or cfg.get(f"{s}_evaluator"))]
    paths = {"model": "models"}
    for name in wanted:
        paths[f"{name}_dataloader.dataset"] = "datasets"
        if name != "train":
            paths[f"{name}_evaluator"] = "metrics"
    problems = build.check(cfg, paths)
    if problems:
        raise ConfigError(problems)
    parts = Parts()
    for name in wanted:
        dataset = build.build_dataset(cfg, f"{name}_dataloader.dataset")
        check_classes(cfg, dataset.metainfo.get("classes"), f"{name}_dataloader.dataset")
        if name == "train":
            parts.train_data = dataset
            continue
        parts.val_data = dataset
        parts.metrics = build.build_metric(cfg, f"{name}_evaluator")
        for metric in parts.metrics:
            metric.set_dataset(dataset.metainfo)
    if split == "train":
        parts.said = check_before_training(
            {name: (f"{name}_dataloader.dataset", getattr(parts, f"{name}_data")) for name in wanted}
        )
    if split == "train" and named_weights(cfg):
        cfg, said = with_class_weights(cfg, parts.counts())
        parts.said += said
    parts.model = build.build_model(cfg)
    return parts


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


def load_trained(model: nn.Module, source: Any) -> None:
    """Load the weights of a trained model; all of the model's must be there.

    Raises:
        CheckpointError: some are missing or of another shape: what such a model predicts means nothing.
    """
    report = load_weights(model, source)
    if report.missing or report.mismatched:
        raise CheckpointError(f"{source} does not fit the config's model. {report}")


def load_initial(model: nn.Module, cfg: Mapping[str, Any]) -> list[str]:
    """Load what training starts from, the config's ``load_from``, else its pretrained weights; says what was loaded."""

    initialize(model)
    if cfg.get("load_from"):
        return [f"Weights of {cfg['load_from']}: {load_weights(model, cfg['load_from'])}"]
    said = []
    for source in pretrained_sources(cfg):
        part = model.get_submodule(source.module)
        report = load_weights(part, source.checkpoint, prefix=source.prefix)
        said.append(f"Weights of {source.checkpoint} for {source.module or 'the model'}: {report}")
    return said


def initialize(module: nn.Module) -> None:
    """Call ``init_weights`` of the outermost modules that have one: the user's; Segue's start as they are made."""
    if callable(getattr(module, "init_weights", None)):
        module.init_weights()  # type: ignore[operator]
        return
    for child in module.children():
        initialize(child)
