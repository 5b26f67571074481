"""Put weights into a model, and say exactly what went where; write weights as safetensors."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.modules.module import _IncompatibleKeys

from segue.checkpoints.downloads.fetch import fetch
from segue.checkpoints.fingerprint import fingerprint
from segue.checkpoints.foreign import Conversion, candidates
from segue.checkpoints.notes import plain
from segue.checkpoints.report import LoadReport, Mismatch
from segue.checkpoints.safe.checkpoint import Checkpoint
from segue.checkpoints.safe.reader import read
from segue.checkpoints.trained import Base, is_adapter
from segue.errors import CheckpointError, DownloadError, InputError
from segue.system.replaced import replaced

STATE = "the state dict"
#: Buffers that a file need not have: a counter that nothing depends on, an index that follows from a window's size.
COMPUTED = ("num_batches_tracked", "relative_position_index")


def load_weights(
    model: nn.Module,
    source: str | Path | Checkpoint | Mapping[str, Tensor],
    *,
    strict: bool = False,
    prefix: str | None = None,
    revise_keys: Sequence[tuple[str, str]] = ((r"^module\.", ""),),
    map_location: str | torch.device = "cpu",
) -> LoadReport:
    """Copy the weights of ``source`` into ``model``; those of other projects are renamed first (``foreign``).

    Args:
        model: where the weights go; its tensors keep their device and dtype.
        source: a path, URL or alias (see ``fetch``), a ``Checkpoint``, or a state dict.
        strict: raise if any key is missing, unexpected or of another shape. Otherwise those are reported.
        prefix: take only the keys below it and strip it, as ``init_cfg=dict(type='Pretrained', prefix='backbone.')``.
        revise_keys: (pattern, replacement) pairs applied to every key first.
        map_location: where the file is read to; the default needs no device memory.

    Raises:
        CheckpointError: nothing fits (the file is of another model), or ``strict`` and something does not.
    """
    name = str(source) if isinstance(source, (str, Path)) else "the file" if isinstance(source, Checkpoint) else STATE
    if isinstance(source, (str, Path)):
        source = read(fetch(source), map_location)
    state = source.state_dict if isinstance(source, Checkpoint) else source
    base = Base.of(source.meta) if isinstance(source, Checkpoint) else None
    own = model.state_dict()
    given, conversion = fitting(state, own, revise_keys, prefix, name)
    offered = dict.fromkeys(given)
    if not any(map(is_adapter, own)) and (strange := [key for key in given if is_adapter(key)]):
        raise CheckpointError(
            f"{name} has adapters (lora) and the model has none, such as {strange[0]}: set the lora=dict(...) that it "
            "was trained with, or merge them by segue weights merge"
        )
    if base is not None:
        put_base(model, base, [key for key in own if key not in given and not key.endswith(COMPUTED)], name)
    incompatible = copy_into(model, given)
    # Hooks of modules may have renamed keys of older layouts, so the comparison comes after them.
    mismatched = tuple(
        Mismatch(key, tuple(given[key].shape), tuple(own[key].shape))
        for key in own
        if key in given and isinstance(own[key], Tensor) and given[key].shape != own[key].shape
    )
    wrong = {mismatch.key for mismatch in mismatched}
    # Batch norms make up a counter that files before PyTorch 0.4.1 lack: it was not loaded from anywhere.
    wrong |= {key for key in given if key.endswith("num_batches_tracked") and key not in offered}
    missing = incompatible.missing_keys
    new = [key for key in missing if is_adapter(key)]
    if any(map(is_adapter, offered)):
        new = []  # then the file is not of the weights before adapters
    report = LoadReport(
        loaded=tuple(key for key in own if key in given and key not in wrong),
        missing=() if base is not None else tuple(key for key in missing if key not in new),
        unexpected=tuple(key for key in incompatible.unexpected_keys if not is_bookkeeping(key, given)),
        mismatched=mismatched,
        conversion=conversion,
        new=tuple(new),
        kept=() if base is None else tuple(missing),
    )
    if own and not report.loaded:
        raise CheckpointError(not_for_this_model(name, list(offered), list(own), mismatched))
    if strict and not report.complete:
        raise CheckpointError(f"{name} does not fit the model exactly, as strict loading demands. {report}")
    return report


def put_base(model: nn.Module, base: Base, left_out: Sequence[str], name: str) -> None:
    """See to it that a model has the weights that a file of trained ones stands on.

    Args:
        model: gets them from the files that the base names, unless it has them.
        base: what the file says of them.
        left_out: the model's keys that the file does not have.
        name: of the file.

    Raises:
        CheckpointError: the model's are others, and the files are not here or hold others.
    """
    state = model.state_dict()
    if base.fits(state, left_out):
        return
    named = ", ".join(start.checkpoint for start in base.starts) or "no file"
    wanted = f"{name} holds what was trained beside {base.tensors} other tensors (fingerprint {base.fingerprint})"
    try:
        for start in base.starts:
            part = model.get_submodule(start.module)
            load_weights(part, fetch(start.checkpoint, offline=True), prefix=start.prefix)
    except (CheckpointError, DownloadError, AttributeError) as error:
        raise CheckpointError(
            f"{wanted}, which cannot be had: {str(error).rstrip('.')}. Have {named} here (segue weights fetch), or "
            "load them into the model first"
        ) from error
    if not base.fits(state, left_out):
        have = fingerprint({key: state[key] for key in left_out})
        raise CheckpointError(
            f"{wanted}; these are another base ({len(left_out)} tensors, fingerprint {have}, of {named}): give the "
            "model and the weights that it was trained on"
        )


def fitting(
    state: Mapping[str, Tensor],
    own: Mapping[str, Any],
    revise_keys: Sequence[tuple[str, str]],
    prefix: str | None,
    name: str,
) -> tuple[OrderedDict[str, Tensor], Conversion | None]:
    """The state under the model's names: as it is, or converted from another project if more of it fits then."""
    best, chosen, most = None, None, 0
    failure: CheckpointError | None = None
    try:
        best = revised(state, own, revise_keys, prefix, name)
        if best.keys() <= own.keys() or own.keys() <= best.keys():
            return best, None
        most = fit(best, own)
    except CheckpointError as error:  # there is nothing below the prefix
        failure = error
    for source, wrapper in candidates(state):
        try:
            conversion = source.convert(state, wrapper)
            converted = revised(conversion.state, own, revise_keys, prefix, name)
        except CheckpointError as error:
            failure = failure or error
            continue
        if (count := fit(converted, own)) > most:
            best, chosen, most = converted, conversion, count
    if failure and not most:
        raise failure
    assert best is not None
    return best, chosen


def fit(given: Mapping[str, Tensor], own: Mapping[str, Any]) -> int:
    """How well weights fit a model: keys that agree count, and count twice if their shapes do."""
    return sum(1 + (given[key].shape == own[key].shape) for key in given if isinstance(own.get(key), Tensor))


def revised(
    state: Mapping[str, Tensor],
    own: Mapping[str, Any],
    revise_keys: Sequence[tuple[str, str]],
    prefix: str | None,
    name: str,
) -> OrderedDict[str, Tensor]:
    """The state under the model's names: keys revised, prefix taken off, a wrapper's name taken off."""
    patterns = [(re.compile(pattern), replacement) for pattern, replacement in revise_keys]

    def revise(key: str) -> str:
        for pattern, replacement in patterns:
            key = pattern.sub(replacement, key)
        return key

    start = ""
    keys = {key: revise(key) for key in state}
    if prefix:
        start = prefix.rstrip(".") + "."
        if not any(key.startswith(start) for key in keys.values()):
            raise CheckpointError(f"{name} has no key below {start!r}; its keys begin with {heads(keys.values())}.")
    elif not any(key in own for key in keys.values()):
        # Lightning and other wrappers keep the model in an attribute: model.backbone..., net.backbone...
        found = {head: sum(k.startswith(head) and k[len(head) :] in own for k in keys.values()) for head in
                 {key.partition(".")[0] + "." for key in keys.values()}}  # fmt: skip
        best = max(found, key=lambda head: found[head], default="")
        start = best if found.get(best) else ""
    result = OrderedDict((key[len(start) :], state[old]) for old, key in keys.items() if key.startswith(start))
    metadata = getattr(state, "_metadata", None)
    if isinstance(metadata, dict):
        revised_metadata = {revise(f"{k}.").rstrip("."): v for k, v in metadata.items() if isinstance(k, str)}
        skip = len(start)
        result._metadata = {  # type: ignore[attr-defined]
            k[skip:]: v for k, v in revised_metadata.items() if f"{k}.".startswith(start) and isinstance(v, dict)
        }
    return result


def heads(keys: Any) -> str:
    """The first parts of some keys, for a message."""
    return ", ".join(sorted({key.partition(".")[0] for key in keys})[:6])


def copy_into(model: nn.Module, state: OrderedDict[str, Tensor]) -> _IncompatibleKeys:
    """Copy what fits, module by module, with the modules' own loading hooks; ``state`` is changed by those.

    ``nn.Module.load_state_dict`` does the same, but raises for shapes that differ and hides the renamed keys.
    """
    metadata = getattr(state, "_metadata", {})
    ignored: list[str] = []
    failures: list[str] = []
    result = _IncompatibleKeys([], [])

    def visit(module: nn.Module, prefix: str) -> None:
        notes = metadata.get(prefix[:-1], {})
        module._load_from_state_dict(state, prefix, notes, False, ignored, ignored, failures)
        for name, child in module._modules.items():
            if child is not None:
                visit(child, f"{prefix}{name}.")
        for hook in module._load_state_dict_post_hooks.values():
            hook(module, result)

    with torch.no_grad():
        visit(model, "")
    own = model.state_dict()
    shapes = [failure for failure in failures if "size mismatch" not in failure]
    if shapes:
        raise CheckpointError("The weights could not be copied: " + "; ".join(shapes[:3]))
    result.missing_keys.extend(key for key in own if key not in state and not key.endswith(COMPUTED))
    result.unexpected_keys.extend(key for key in state if key not in own)
    return result


def is_bookkeeping(key: str, state: Mapping[str, Tensor]) -> bool:
    """Whether a key is mmcv 0.x's shadow copy of another (``ema_backbone_conv1_weight``)."""
    return key.startswith("ema_") and any("ema_" + other.replace(".", "_") == key for other in state)


def not_for_this_model(name: str, offered: Sequence[str], own: Sequence[str], mismatched: Sequence[Mismatch]) -> str:
    """Say that no tensor fits, with samples of both sides and a hint where a prefix would help."""
    message = f"{name} was made for another model: none of its {len(offered)} tensors fits"
    if mismatched:
        return message + ", although names agree, for example " + "; ".join(str(m) for m in mismatched[:3]) + "."
    given, wanted = set(offered), set(own)
    for head in sorted({key.partition(".")[0] for key in own}):
        if any(key.startswith(f"{head}.") and key[len(head) + 1 :] in given for key in wanted):
            return f"{message} the whole model, but some fit its {head!r}: load them into model.{head}."
    for head in sorted({key.partition(".")[0] for key in offered}):
        if any(key.startswith(f"{head}.") and key[len(head) + 1 :] in wanted for key in given):
            return f"{message}, but those below {head!r} would: pass prefix={head + '.'!r}."
    return f"{message}; the file has {', '.join(offered[:3])} ..., the model has {', '.join(own[:3])} ..."


def save_weights(path: str | Path, state_dict: Mapping[str, Tensor], meta: Mapping[str, Any] | None = None) -> Path:
    """Write weights as safetensors, with ``meta`` (config text, classes, palette ...) as JSON in the header.

    The file appears complete or not at all. Tensors that share memory are written once per name.
    """
    from segue.version import __version__

    path = Path(path)
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: weights are written as safetensors; name the file {path.stem}.safetensors.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first.")
    tensors, seen = {}, set()
    for key, value in state_dict.items():
        if not isinstance(value, Tensor):
            raise InputError(f"{path}: the entry {key!r} is a {type(value).__name__}, not a tensor.")
        value = value.detach().cpu().contiguous()
        where = value.untyped_storage().data_ptr()
        partial = value.untyped_storage().nbytes() != value.numel() * value.element_size()
        tensors[key] = value.clone() if partial or where in seen else value
        seen.add(where)
    notes = json.dumps({**plain(dict(meta or {})), "segue_version": __version__})
    try:
        with replaced(path, durable=True) as part:
            save_file(tensors, part, metadata={"format": "pt", "segue": notes})
    except OSError as error:
        raise InputError(f"{path} could not be written: {error}.") from error
    return path
