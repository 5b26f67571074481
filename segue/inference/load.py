"""From a config or a file of weights to a model that predicts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segue.checkpoints import Checkpoint, LoadReport, fetch, load_weights, read
from segue.checkpoints.hub.address import is_hub
from segue.config import Config
from segue.config.builder.build import build_model
from segue.config.builder.find import UnknownNameError, find
from segue.config.load import EXTENSIONS
from segue.config.nodes import dataset_nodes
from segue.config.trust import rights_of
from segue.datasets.metainfo import resolve_metainfo
from segue.datasets.palette import generate_palette
from segue.errors import CheckpointError, InputError, refuse
from segue.export.runtime import RuntimeModel, is_exported
from segue.export.targets import check_runs
from segue.inference.ensemble import Ensemble, Weights, check_classes, listed
from segue.inference.predictor import Predictor
from segue.inference.way import Way
from segue.layers.lora import merge
from segue.recipes.catalogue import published_weights
from segue.recipes.compose import looks_like_name
from segue.recipes.open import read_config

ENGINES = ("torch", "onnxruntime", "openvino", "tensorrt")


def load(
    config: str | Path | Config | Mapping[str, Any],
    checkpoint: Weights | None = None,
    *,
    device: str = "cpu",
    precision: str = "fp32",
    compiled: bool = False,
    engine: str = "torch",
    windows: str = "constant",
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> Predictor:
    """A model that predicts.

    Args:
        config: a config file or object, or the name of a recipe; or a weights file that Segue wrote, or an exported
            file (``.onnx``, ``.xml``), which hold their config.
        checkpoint: weights: a path, URL or alias, or ``published`` for those of a recipe; or an exported file, of which
            ``config`` says the pipeline. None: as the classes initialize them, unless ``config`` is a weights file.
            Several make an ensemble, the mean of whose probabilities decides; exported files may be among them.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``fp32``, ``bf16`` or ``fp16``: the network runs under autocast, labels are decided in float32.
        compiled: run the network through ``torch.compile``.
        engine: what computes the network: ``torch``; or ``onnxruntime`` or ``openvino``, for which the model is
            exported, certified and kept the first time, see `segue.inference.engine.under_engine`.
        windows: ``constant``, as in the reference, or ``gaussian``: how the pixels of sliding windows count.
        cfg_options: changes of the config, ``key=value``.
        trust: execute a config file that is more than data, and let a config name anything, also one inside a file of
            weights; see `segue.recipes.open.read_config`.

    Raises:
        ConfigError, CheckpointError: what is wrong with either, or that the weights are not this model's.
        InputError: no such device, precision, engine or windows, or the model does not follow them.
    """
    check_runs(config)
    names = listed(checkpoint)
    for name in names:
        check_runs(name)
    only = names[0] if len(names) == 1 else None
    if is_exported(config) or is_exported(only):
        from segue.inference.exported import load_exported

        own = is_exported(only)
        given: dict[str, Any] = {
            "a precision": None if precision == "fp32" else precision,
            "compiled": compiled or None,
            "an engine": None if engine == "torch" else engine,
            "windows": None if windows == "constant" else windows,
        }
        if not own:
            given["a checkpoint"] = checkpoint
        refuse(given, "an exported file holds its weights, and is run as it is")
        file, pipeline = (str(only), config) if own else (str(config), None)
        return load_exported(file, cfg_options, device=device, trust=trust, config=pipeline)
    if engine not in ENGINES:
        raise InputError(f"engine={engine!r}; there are {', '.join(ENGINES)}")
    if engine != "torch":
        refuse({"compiled": compiled or None}, f"torch's own; engine {engine!r} does not compile with it")
    way = Way(precision, compiled, windows)
    held: Checkpoint | None = None
    found = [weights for one in names if (weights := find_weights(config, one)) is not None]
    if not found and isinstance(config, (str, Path)) and is_weights(config):
        held = read(fetch(config))
        if held.config is None:
            raise CheckpointError(
                held.no_config
                or f"{config}: holds no config; give the config file first and this file second (a model of "
                "transformers has one in its folder: name that, or segue weights convert)"
            )
        found, config = [config], Config.inside(held.config, config)
    cfg = read_config(config, cfg_options, trust=trust)
    place = usable_device(device)
    if len(found) > 1:
        plain = device == "cpu" and precision == "fp32" and not compiled and engine == "torch"
        parts = _members(cfg, [str(name) for name in found], plain=plain, trust=trust)
    elif found:
        parts = [_trained(cfg, found[0], held)]
    else:
        parts = [_Part(build_model(cfg))]
        merge(parts[0].model)
        warn_of_random_weights(config)
    classes, palette = own_names(parts[0], cfg, parts[0].model.num_classes)  # type: ignore[arg-type]
    if palette is None or len(palette) != len(classes):
        palette = generate_palette(classes)
    each = [Predictor(part.model.to(place), cfg, classes, palette, way) for part in parts]
    if engine != "torch":
        from segue.inference.engine import under_engine

        each = [under_engine(predictor, engine, precision) for predictor in each]
    if len(each) == 1:
        return each[0]
    whole = Ensemble([predictor.model for predictor in each], [str(name) for name in found])
    for line in whole.said():
        logging.getLogger("segue").warning("%s", line)
    return Predictor(whole, cfg, classes, palette, each[0].way)


@dataclass(frozen=True)
class _Part:
    """A model, and what its file says of its classes."""

    model: nn.Module
    classes: Sequence[str] | None = None
    palette: Sequence[Sequence[int]] | None = None


def _trained(cfg: Config, name: str | Path, held: Checkpoint | None = None) -> _Part:
    """The config's model with the weights of a file, all of which must be there."""
    model = build_model(cfg)
    weights = held or read(fetch(name))
    report = load_weights(model, weights)
    if report.missing or report.mismatched:
        raise CheckpointError(f"{name} does not fit the model of the config. {report}")
    merged_after(model, report, name)
    return _Part(model, weights.classes, weights.palette)


def merged_after(model: nn.Module, report: LoadReport, name: Any) -> None:
    """Add the adapters of a model that is to predict to its weights; one line where they are new, and do nothing."""
    if report.new:
        logging.getLogger("segue").warning("%s: has no adapters (lora), so the model predicts without any", name)
    merge(model)


def _members(cfg: Config, names: Sequence[str], *, plain: bool, trust: bool) -> list[_Part]:
    """The models of an ensemble; which files are not there is said before the first is built.

    Args:
        cfg: of all that are not exported.
        names: of the files.
        plain: the network runs as exported files can: on the processor, as it is.
        trust: see `load`.
    """
    for name in names:
        if not is_exported(name):
            fetch(name)
        elif not Path(name).is_file():
            raise CheckpointError(f"{name} does not exist; give the path of an exported file")
    parts = []
    for name in names:
        if not is_exported(name):
            parts.append(_trained(cfg, name))
            continue
        if not plain:
            raise InputError(f"{name}: an exported file is run as it is, on the processor: no device, precision ...")
        exported = RuntimeModel(name, trust=trust)
        if exported.gives_labels:
            raise InputError(f"{name}: was exported with --labels-out and gives no probabilities to take a mean of")
        parts.append(_Part(exported, exported.certificate["classes"], exported.certificate["palette"]))
    check_classes([(name, part.classes) for name, part in zip(names, parts, strict=True)])
    Ensemble([part.model for part in parts], names)  # complains
    return parts


def warn_of_random_weights(config: Any) -> None:
    """One line where a model is made and nothing is loaded: what it predicts means nothing."""
    name = getattr(config, "filename", None) or (config if isinstance(config, (str, Path)) else "the config")
    known = published_weights(str(name)) is not None
    advice = "; 'published' as the checkpoint loads those of the recipe" if known else ""
    logging.getLogger("segue").warning("%s: no checkpoint is given, so the model's weights are random%s", name, advice)


def find_weights(config: Any, checkpoint: str | Path | None) -> str | Path | None:
    """The weights meant by ``checkpoint``: the address of a recipe's published ones for the word ``published``."""
    if checkpoint != "published":
        return checkpoint
    name = config.filename if isinstance(config, Config) else str(config)
    found = published_weights(name or "")
    if found is None:
        raise CheckpointError(f"{name or 'the config'}: no weights are published under this name; see segue models")
    return found


def is_weights(config: str | Path) -> bool:
    """Whether what stands for a config is neither a config file nor a recipe's name, and so a file of weights."""
    if is_hub(config):
        return True
    path = Path(config)
    return path.suffix not in EXTENSIONS and (path.exists() or not looks_like_name(path))


def usable_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        InputError: there is none here.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch reports a missing device as either
        raise InputError(f"device {name!r} is not usable here: {str(error).splitlines()[0]}") from error
    return device


def own_names(source: Any, cfg: Config, num_classes: int) -> tuple[Sequence[str], Sequence[Sequence[int]] | None]:
    """Names and colors that weights have beside them; `class_names` where those are not of so many classes."""
    if source.classes is None or len(source.classes) != num_classes:
        return class_names(cfg, num_classes)
    return source.classes, source.palette


def class_names(cfg: Config, num_classes: int) -> tuple[Sequence[str], Sequence[Sequence[int]] | None]:
    """Names and colors from the config's datasets, without looking at files; ``class_0`` ... where it has none."""
    for split in ("test", "val", "train"):
        loader = cfg.get(f"{split}_dataloader") or {}
        for _, node in dataset_nodes(loader.get("dataset"), ""):
            if isinstance(node.get("classes"), (list, tuple)) and len(node["classes"]) == num_classes:
                return tuple(node["classes"]), node.get("palette")
            try:
                declared = getattr(find("datasets", str(node.get("type")), rights_of(cfg)), "METAINFO", {})
            except UnknownNameError:
                continue
            info = resolve_metainfo(str(node.get("type")), declared, node.get("metainfo"))
            if info.classes and len(info.classes) == num_classes:
                return info.classes, info.palette
    return tuple(f"class_{i}" for i in range(num_classes)), None
