"""The proposed settings as config text: a new file that inherits from the given one; no file of the user changes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segue.config.dump import literal
from segue.doctor.doctor import Report
from segue.doctor.findings import Fix
from segue.doctor.rules import Rules
from segue.doctor.stack_folders import MULTILABEL
from segue.errors import ConfigError, InputError
from segue.masks.formats import READERS
from segue.masks.labels import IGNORE

_OF_DATASETS = ("label_map", "ignore_index", "reduce_zero_label", "missing", "mask_format", "palette")
_HEAD = "# Written by `segue check --apply`. Delete this file to undo it; nothing else was changed.\n"


class Written(str):
    """Text that stands for itself in a config."""


def lines_of(report: Report) -> list[str]:
    """The proposed settings as a config that inherits would say them, or the datasets of a folder."""
    if report.cfg is None:
        model = _tree(report).get("model")
        lines = [f"{split}: {text}" for split, text in folder_datasets(report).items()]
        return [*lines, f"model: {_text(model)}"] if model else lines
    return [f"{key} = {_text(value)}" for key, value in _tree(report).items()]


def apply(report: Report, config: str | Path | None, path: str | Path | None = None) -> Path:
    """Write the config with the proposed settings, and return its path.

    Args:
        report: of that config, or of a folder.
        config: the config's file; None for a folder, which gets a file of its datasets.
        path: where to; by default beside the config as ``NAME_checked.py``, or ``FOLDER_data.py`` here.

    Raises:
        InputError: there is such a file already, or nothing to propose.
    """
    if config is None:
        name = Path(report.target).resolve().name.replace(" ", "_")
        target = Path(path or f"{name}_data.py")
        text = folder_config(report, target.name)
    else:
        config = Path(config)
        if not report.fixes:
            raise InputError(f"{config}: there is nothing to apply; the findings have no settings that mend them")
        target = Path(path) if path else config.with_name(f"{config.stem}_checked.py")
        text = config_text(report, config, target)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{target}: exists already; move it away, or name another file: --apply FILE") from None
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def config_text(report: Report, config: Path, target: Path) -> str:
    """A config that inherits from ``config`` and sets what is proposed."""
    base = os.path.relpath(config.resolve(), target.resolve().parent).replace(os.sep, "/")
    body = "".join(f"{line}\n" for line in lines_of(report))
    return f"{_HEAD}_base_ = {[base if base.startswith('.') else './' + base]!r}\n\n{body}"


def _tree(report: Report) -> dict[str, Any]:
    """The settings by key, nested as in a config; of a list, None stands for what is left out."""
    tree: dict[str, Any] = {}
    for fix in report.fixes:
        for key in fix.keys:
            _place(tree, report.cfg, key.split("."), fix)
    return tree


def _place(tree: dict[str, Any], cfg: Any, parts: Sequence[str], fix: Fix) -> None:
    """Set one value; a list on the way is written whole, since a child config cannot reach into it."""
    node: Any = tree
    for i, part in enumerate(parts[:-1]):
        cfg = cfg[int(part)] if isinstance(cfg, (list, tuple)) else (cfg or {}).get(part)  # a folder has no config
        if isinstance(node, list):
            node = node[int(part)]
            continue
        if isinstance(cfg, (list, tuple)) and part not in node:
            node[part] = _plain(cfg)
        node = node.setdefault(part, {})
        if not isinstance(node, (dict, list)):
            raise ConfigError(f"{'.'.join(parts[: i + 1])} is no place for {fix.line}")
    last = int(parts[-1]) if isinstance(node, list) else parts[-1]
    node[last] = None if fix.leaves_out else Written(fix.source)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _text(value: Any) -> str:
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, dict) and all(isinstance(key, str) and key.isidentifier() for key in value):
        return f"dict({', '.join(f'{key}={_text(item)}' for key, item in value.items())})"
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value if item is not None)}]"
    return literal(value)


def folder_datasets(report: Report) -> dict[str, str]:
    """{split: the dataset as a config's text} of a folder, with what was proposed."""
    layout = report.layout
    assert layout is not None
    found: dict[str, list[str]] = {}
    for part, rules in zip(layout.parts, report.mended, strict=True):
        arguments: dict[str, Any] = {
            "type": "MultilabelDataset" if part.mask_format == MULTILABEL else "FolderDataset",
            "data_root": os.path.abspath(layout.root).replace(os.sep, "/"),
            "images": part.images.replace(os.sep, "/"),
            "masks": part.masks.replace(os.sep, "/"),
        }
        if part.listed:
            arguments["split"] = part.listed.replace(os.sep, "/")
        if part.mask_format and part.mask_format != MULTILABEL:
            arguments["mask_format"] = part.mask_format
        for key in ("image_suffix", "mask_suffix"):
            if getattr(part, key) is not None:
                arguments[key] = getattr(part, key)
        if layout.palette and part.format == "rgb":
            arguments["palette"] = [list(color) for color in layout.palette]
        text = [f"{key}={value!r}" for key, value in arguments.items()]
        if rules.classes is not None:
            numbered = [f"class_{i}" for i in range(len(rules.classes))]
            plain = list(rules.classes) == numbered and len(numbered) > 8
            names = f"[f'class_{{i}}' for i in range({len(numbered)})]" if plain else repr(list(rules.classes))
            text.append(f"classes={names}")
        fixes = {fix.keys[0]: fix.line for fix in report.fixes if fix.keys[0] in _OF_DATASETS}
        text += {**_settled(rules, part.format), **fixes}.values()
        found.setdefault(part.split, []).append(f"dict({', '.join(text)})")
    return {split: texts[0] if len(texts) == 1 else _together(texts) for split, texts in found.items()}


def _together(datasets: Sequence[str]) -> str:
    return f"dict(type='ConcatDataset', datasets=[{', '.join(datasets)}])"


def _settled(rules: Rules, mask_format: str | None) -> dict[str, str]:
    """What a dataset that is told its classes no longer finds out by itself."""
    if mask_format in READERS and READERS[mask_format].named:
        return {}
    found = {}
    if rules.classes is not None and rules.label_map:
        found["label_map"] = f"label_map={dict(rules.label_map)}"
    if rules.reduce_zero_label:
        found["reduce_zero_label"] = "reduce_zero_label=True"
    if rules.void != IGNORE:
        found["ignore_index"] = f"ignore_index={rules.void}"
    return found


def folder_config(report: Report, name: str) -> str:
    """A config of a folder's datasets and pipelines, to inherit from beside one of a model; ``name`` is its file's."""
    datasets = folder_datasets(report)
    first = next(iter(datasets))
    train = datasets.get("train", datasets[first])
    val = datasets.get("val") or datasets.get("test") or train
    largest = max((tally.largest for tally in report.tallies if tally.largest), default=(512, 512))
    smallest = min((tally.smallest for tally in report.tallies if tally.smallest), default=(512, 512))
    side = max(32, min(512, smallest[0] // 32 * 32, smallest[1] // 32 * 32))
    count = next((rules.num_classes for rules in report.mended if rules.num_classes), None) or _values(report)
    model = _tree(report).get("model", {})
    model.setdefault("data_preprocessor", {})["size"] = (side, side)
    if count:
        model["decode_head"] = {"num_classes": count}
    labels = "labels = dict(kind='multilabel')\n" if any(source.stacks for source in report.sources) else ""
    alone = "# There is one set of images only: validation measures what was trained.\n" if val == train else ""
    how = "".join(f", {fix.line}" for fix in report.fixes if fix.keys == ("color_type",))
    return f"""{_HEAD}# Use it beside a model, in a config of yours (an auxiliary_head has the same num_classes):
#     _base_ = ['./{name}', 'MODEL.py']
#     model = {_text(model)}
{labels}crop_size = ({side}, {side})
train_pipeline = [
    dict(type='LoadImageFromFile'{how}),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale={(largest[1], largest[0])}, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'{how}), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset={_with_pipeline(train, "train_pipeline")})
{alone}val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset={_with_pipeline(val, "test_pipeline")})
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
"""


def _values(report: Report) -> int:
    """How many classes a FolderDataset finds where nobody has named them: one per value of the masks."""
    pairs = zip(report.tallies, report.mended, strict=True)
    found = {
        (value, rules.reduce_zero_label) for tally, rules in pairs for value in tally.pixels if value != rules.void
    }
    return len(found - {(0, True)})


def _with_pipeline(dataset: str, name: str) -> str:
    if dataset.startswith("dict(type='ConcatDataset'"):
        return dataset.replace("dict(type='FolderDataset', ", f"dict(type='FolderDataset', pipeline={name}, ")
    return f"{dataset[:-1]}, pipeline={name})"
