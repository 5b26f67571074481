"""The plan of a training on a folder: every rule applied, and the config that says it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segue.checkpoints.downloads.fetch import fetch
from segue.config.nodes import heads_of, losses_of
from segue.doctor.apply import folder_datasets
from segue.doctor.doctor import Report
from segue.errors import CheckpointError, DownloadError, InputError
from segue.recipes.fitted import Fitted, fit_recipe, without_weights
from segue.recipes.folder import rules
from segue.recipes.folder.facts import Data, data_of
from segue.recipes.folder.rules import Choice
from segue.recipes.folder.text import Noted, Source, assigned
from segue.recipes.parts import Section
from segue.recipes.short import DEFAULT, Chosen, resolve


@dataclass(frozen=True)
class Plan:
    """What training on a folder will be.

    Attributes:
        data: the datasets.
        model: what the short name stands for.
        choices: the values of the rules, in the order in which they are shown.
        said: lines for people: the model, the split, weights that are not there, what the doctor has settled.
        text: the config.
    """

    data: Data
    model: Chosen
    choices: tuple[Choice, ...]
    said: tuple[str, ...]
    text: str

    def value(self, name: str) -> Any:
        """The value of a choice."""
        return next(choice.value for choice in self.choices if choice.name == name)


@dataclass(frozen=True)
class Length:
    """How long to train: steps, why so many, and how many validations they leave time for."""

    steps: int
    why: str
    validations: int = 10


def planned(
    report: Report, lists: Path, *, model: str | None = None, gpu: float | None = None, length: Length | None = None
) -> Plan:
    """Apply the rules to a folder.

    Args:
        report: of `segue.doctor.check_folder`, without errors that no setting mends (see `unsettled`).
        lists: a path without ending, for the names of a new split (see `data_of`).
        model: a short name or a recipe; None: `segue.recipes.short.DEFAULT`.
        gpu: memory of a GPU in GiB; None: the CPU.
        length: of the training; None: as the rule says.

    Raises:
        ConfigError: no such model, or it cannot be used so.
        DataError, InputError: what is wrong with the folder.
    """
    chosen = resolve(model or DEFAULT)
    if problems := unsettled(report):
        raise InputError(refusal(report, problems))
    data = data_of(report, lists, gpu)
    facts = data.facts
    first = fit_recipe(chosen.recipe, classes=max(2, len(facts.classes)))
    crop = rules.crop(facts, first.crop)
    batch = rules.batch(facts, first.batch, crop.value)
    normal = rules.normalization(facts)
    mean, std = normal.value or ((), ())
    fitted = fit_recipe(
        chosen.recipe, classes=len(facts.classes), in_channels=facts.pictures.bands, crop=crop.value, mean=mean, std=std
    )
    absent = [source.checkpoint for source in fitted.weights if not available(source.checkpoint)]
    pretrained = bool(fitted.weights) and not absent
    steps = rules.steps(facts, batch.value, *(() if length is None else (length.steps, length.why)))
    choices = (
        crop,
        batch,
        steps,
        rules.scale(facts, crop.value, steps.value, batch.value),
        rules.flips(facts),
        rules.distortion(facts, steps.value, batch.value),
        normal,
        rules.weights(facts),
        rules.sampler(facts),
        rules.optimizer(facts, fitted, batch.value, pretrained),
        rules.schedule(steps.value, fitted.power),
        rules.interval(steps.value, 10 if length is None else length.validations),
        rules.windows(facts, crop.value, fitted.model.get("test_cfg", {})),
        rules.workers(facts),
    )
    said = [str(chosen) + ("" if model else " (no --model was given)"), *_weights_said(fitted, absent)]
    said += [line for line in (data.splitting.said, *_settled(report)) if line]
    unseen = [name for name, count in zip(facts.classes, facts.pixels, strict=True) if not count]
    if unseen:
        some = ", ".join(unseen[:6]) + (" ..." if len(unseen) > 6 else "")
        said.append(f"{len(unseen)} classes have no pixel in the training labels, so they cannot be learned: {some}")
    values = {choice.name: choice for choice in choices}
    text = _config(data, chosen, fitted if pretrained else _from_scratch(fitted), values, said)
    return Plan(data, chosen, choices, tuple(said), text)


def unsettled(report: Report) -> list[str]:
    """What the doctor calls an error and no setting mends, in its own words."""
    return [f"{finding.message}" for finding in report.errors if not finding.fixes]


def refusal(report: Report, problems: Sequence[str]) -> str:
    """The error of a folder that cannot be trained on as it is."""
    lines = "\n  ".join(problems)
    return (
        f"{report.target}: training would fail or learn nonsense:\n  {lines}\nMend the files and try again; "
        f"segue check {report.target} --html check.html shows them"
    )


def available(source: str) -> bool:
    """Whether weights are here or can be fetched; they are fetched if so."""
    try:
        fetch(source)
    except (CheckpointError, DownloadError):
        return False
    return True


def write(plan: Plan, path: Path) -> Path:
    """Write the config and the lists of a new split.

    Raises:
        InputError: a file cannot be written.
    """
    try:
        plan.data.splitting.write()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(plan.text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{error.filename or path}: cannot be written: {error.strerror or error}") from error
    return path


def _weights_said(fitted: Fitted, absent: Sequence[str]) -> list[str]:
    if not fitted.weights:
        return ["The recipe names no weights to start from: training starts from scratch."]
    if not absent:
        return [f"Training starts from {', '.join(source.checkpoint for source in fitted.weights)}."]
    keys = f"segue weights fetch {fitted.recipe}"
    return [
        f"The recipe's weights are not available here ({', '.join(absent)}): training starts from scratch. To "
        f"start from them: {keys} where there is a network, or name a file of yours: --cfg-options load_from=FILE"
    ]


def _from_scratch(fitted: Fitted) -> Fitted:
    return replace(fitted, model=without_weights(fitted.model))


def _settled(report: Report) -> list[str]:
    """What the doctor has found and a setting mends, and its warnings, each in one line."""
    found = []
    for finding in report.findings:
        if finding.severity == "note" or finding.kind == "empty-class":  # whose classes are named by themselves
            continue
        if finding.fixes:
            message = finding.message.split(". ")[0].rstrip(".:")
            found.append(f"{message}: settled by {', '.join(fix.line for fix in finding.fixes)}")
        else:
            found.append(f"Warning: {' '.join(finding.message.split())}")
    return found


def _config(data: Data, chosen: Chosen, fitted: Fitted, values: Mapping[str, Choice], said: Sequence[str]) -> str:
    """The whole text."""
    facts = data.facts
    note = {name: Noted(choice.value, choice.why) for name, choice in values.items()}
    read: Section = dict(type="LoadImageFromFile")
    if facts.pictures.color_type != "color":
        read["color_type"] = facts.pictures.color_type
    tall, wide = facts.pictures.median
    turned = dict(type="RandomFlip", prob=0.5)
    if len(values["direction"].value) > 1:
        turned["prob"] = [0.25, 0.25]
        turned["direction"] = note["direction"]
    train_steps: list[Any] = [
        read,
        dict(type="LoadAnnotations"),
        dict(
            type="RandomResize",
            scale=Noted((wide, tall), "the median image, width and height"),
            ratio_range=note["ratio_range"],
            keep_ratio=True,
        ),
        dict(type="RandomCrop", crop_size=Source("crop_size"), cat_max_ratio=0.75),
        turned,
        *([dict(type="PhotoMetricDistortion")] if values["PhotoMetricDistortion"].value else []),
        dict(type="PackSegInputs"),
    ]
    datasets = folder_datasets(data.report)
    train = datasets["train"]
    val = datasets.get("val", train)
    loader = dict(num_workers=note["num_workers"], persistent_workers=bool(values["num_workers"].value))
    optim: Section = dict(values["optim_wrapper"].value)
    optim["optimizer"] = {**optim["optimizer"], "lr": Noted(optim["optimizer"]["lr"], values["optim_wrapper"].why)}
    parts = [
        f"# {chosen}.",
        f"# Written by Segue from {_name(data)}; each comment gives the rule. An ordinary config: change it, and go on",
        "# with `segue train THIS_FILE`.",
        *(f"# {line}" for line in said[1:]),
        "",
    ]
    body = [
        "default_scope = 'mmseg'\n",
        "labels = dict(kind='multilabel')\n" if facts.multilabel else "",
        assigned("crop_size", note["crop_size"]),
        assigned("model", _model(fitted, facts.classes, values)),
        assigned("train_pipeline", train_steps),
        assigned("test_pipeline", [read, dict(type="LoadAnnotations"), dict(type="PackSegInputs")]),
        assigned(
            "train_dataloader",
            dict(
                batch_size=note["batch_size"],
                **loader,
                sampler=note["sampler"],
                dataset=Source(_with_pipeline(train, "train_pipeline")),
            ),
        ),
        "# There is one set of images only: validation measures what was trained.\n" if facts.same else "",
        assigned(
            "val_dataloader",
            dict(
                batch_size=1,
                num_workers=values["num_workers"].value,
                persistent_workers=bool(values["num_workers"].value),
                sampler=dict(type="DefaultSampler", shuffle=False),
                dataset=Source(_with_pipeline(val, "test_pipeline")),
            ),
        ),
        "test_dataloader = val_dataloader\n",
        "val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])\ntest_evaluator = val_evaluator\n",
        assigned("optim_wrapper", optim),
        assigned("param_scheduler", note["param_scheduler"]),
        assigned(
            "train_cfg",
            dict(type="IterBasedTrainLoop", max_iters=note["max_iters"], val_interval=note["val_interval"]),
        ),
        "val_cfg = dict(type='ValLoop')\ntest_cfg = dict(type='TestLoop')\n",
        assigned("default_hooks", _hooks(values)),
    ]
    return "\n".join(parts) + "\n".join(part.rstrip("\n") for part in body if part) + "\n"


def _hooks(values: Mapping[str, Choice]) -> Section:
    count = values["max_iters"].value
    return dict(
        logger=dict(type="LoggerHook", interval=max(1, min(50, count // 20)), log_metric_by_epoch=False),
        checkpoint=dict(
            type="CheckpointHook",
            by_epoch=False,
            interval=values["val_interval"].value,
            max_keep_ckpts=1,
            save_best="mIoU",
        ),
    )


def _model(fitted: Fitted, classes: Sequence[str], values: Mapping[str, Choice]) -> Section:
    """The recipe's model with comments beside what the folder decides."""
    net: Section = dict(fitted.model)
    node: Section = dict(net["data_preprocessor"])
    node["size"] = Source("crop_size")
    node["mean"] = Noted(node["mean"], values["mean"].why)
    net["data_preprocessor"] = node
    net["test_cfg"] = Noted(values["test_cfg"].value, values["test_cfg"].why)
    weight = values["class_weight"]
    whole = {"model": net}
    for at, head in heads_of(whole):
        if not isinstance(head, dict) or "num_classes" not in head:
            continue
        if weight.value is not None:
            for _, loss in losses_of(head, at):
                plain = loss.get("type") == "CrossEntropyLoss" and not loss.get("use_sigmoid")
                if plain and "class_weight" not in loss and not str(loss.get("loss_name")).startswith("loss_cls"):
                    loss["class_weight"] = Noted(weight.value, weight.why if at.startswith("model.decode") else "")
        if at.startswith("model.decode_head"):
            some = ", ".join(classes[:5]) + (" ..." if len(classes) > 5 else "")
            head["num_classes"] = Noted(head["num_classes"], some)
    return net


def _with_pipeline(dataset: str, name: str) -> str:
    """A dataset's text with its pipeline; of several each has it."""
    for kind in ("FolderDataset", "MultilabelDataset"):
        with_it = f"dict(\n        type='{kind}',\n        pipeline={name},\n        "
        dataset = dataset.replace(f"dict(type='{kind}', ", with_it)
    return dataset


def _name(data: Data) -> str:
    assert data.report.layout is not None
    return os.path.basename(os.path.abspath(data.report.layout.root))
