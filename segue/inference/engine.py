"""A predictor's network under another runtime: exported, certified and kept when it is asked for the first time."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from pathlib import Path

import torch

from segue.errors import InputError
from segue.export.certificate import FORM, beside
from segue.export.make import SUFFIX, Options
from segue.export.openvino import weights_hash
from segue.export.runtime import RuntimeModel
from segue.export.targets import not_here
from segue.inference.exported import export, facts_of
from segue.inference.predictor import Predictor
from segue.inference.way import Way
from segue.system.cache import cache
from segue.system.locks import locked
from segue.system.replaced import clear_leftovers, replaced
from segue.version import __version__

#: by engine: what is exported, and the precisions that it computes in
ENGINES = {"onnxruntime": ("onnx", ("fp32",)), "openvino": ("openvino", ("fp32", "bf16"))}

_log = logging.getLogger("segue")


def under_engine(predictor: Predictor, engine: str, precision: str = "fp32") -> Predictor:
    """The same predictor, whose network another runtime computes.

    The file is made once for these weights, this config, runtime, precision and machine, and run beside the model on
    generated images; it is kept in ``SEGUE_HOME/engines`` (by default ``~/.cache/segue``).

    Args:
        predictor: on the processor.
        engine: ``onnxruntime`` or ``openvino``; ``tensorrt`` says what to do.
        precision: ``fp32``; with openvino also ``bf16``, where the processor has it.

    Raises:
        InputError: the engine does not compute this model, this precision or on this device, or what it computes is not
            the model.
        MissingExtraError: its package is not installed.
    """
    if engine not in ENGINES:
        raise not_here(engine)
    target, precisions = ENGINES[engine]
    if precision not in precisions:
        raise InputError(f"engine {engine!r} computes in {' or '.join(precisions)} here, not in {precision}")
    if any(part.device.type != "cpu" for part in predictor.model.parameters()):
        raise InputError(f"engine {engine!r} runs on the processor here; leave --device out")
    options = Options(coarse_out=True, brain=precision == "bf16")
    file = cache("engines") / _key(predictor, engine, precision) / f"model{SUFFIX[target]}"
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.parent.with_suffix(".lock")):
        if not _is_whole(file):
            _log.warning("exporting the model to %s and comparing both, once; it is kept in %s", engine, file.parent)
            _make(predictor, target, file, options)
    model = RuntimeModel(file, engine)
    windows = Way(windows=predictor.way.windows)
    return Predictor(model, predictor.cfg, predictor.classes, predictor.palette, windows)


def _make(predictor: Predictor, target: str, file: Path, options: Options) -> None:
    for part in file.parent.glob("*"):  # of a file that is no longer whole
        part.unlink()
    clear_leftovers(file.parent.parent, file.parent.name)
    with replaced(file.parent, folder=True) as place:
        made = export(predictor, target, place / file.name, options=options)
        if not made.good:
            reasons = "; ".join(made.certificate["reasons"])[:300]
            raise InputError(f"the model exported to {target} is not the model ({reasons}); engine 'torch' runs it")


def _is_whole(file: Path) -> bool:
    """Whether a file and its certificate are there as they were written."""
    try:
        facts = json.loads(beside(file).read_text(encoding="utf-8"))
        whole = hashlib.sha256(file.read_bytes()).hexdigest() == facts["file_sha256"]
        if file.suffix == SUFFIX["openvino"]:  # whose weights are a file of their own
            whole = whole and weights_hash(file) == facts["graph_sha256"]
        return bool(whole)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _key(predictor: Predictor, engine: str, precision: str) -> str:
    """Of everything that a file and its certificate depend on."""
    facts = facts_of(predictor)
    versions = [__version__, torch.__version__, _version(engine), FORM]
    whole = json.dumps([facts, versions, engine, precision, platform.node()], sort_keys=True)
    return f"{engine}-{precision}-{hashlib.sha256(whole.encode()).hexdigest()[:20]}"


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
