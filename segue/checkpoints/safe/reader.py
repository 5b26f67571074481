"""Read a checkpoint of any make without running anything that it contains.

Formats: safetensors, ``torch.save`` zip files and legacy streams, and inside those the layouts of Lightning, mmengine,
mmcv 0.x and plain weights. There is one reader for every path, and no fallback to another.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from segue.checkpoints.folder import INDEX, holds_model, read_folder
from segue.checkpoints.safe.checkpoint import Checkpoint, Format
from segue.checkpoints.safe.containers import read_legacy, read_zip
from segue.checkpoints.safe.headers import check_header, looks_like_safetensors
from segue.checkpoints.safe.inert import StandIn
from segue.checkpoints.safe.limits import Budget
from segue.checkpoints.safe.storages import DTYPES, MAX_DIMS
from segue.errors import CheckpointError

KNOWN = frozenset(DTYPES.values())

#: Where toolboxes put the weights in a file, in order of preference. EMA weights are taken only where there are no
#: others: mmengine and mmcv swap the averaged weights into ``state_dict`` when they save.
WEIGHT_KEYS = (
    "state_dict", "model", "module", "model_state_dict", "model_state", "net", "network", "params", "weights",
    "teacher", "ema_state_dict", "state_dict_ema", "model_ema", "ema", "params_ema",
)  # fmt: skip


def read(path: str | Path, map_location: str | torch.device = "cpu") -> Checkpoint:
    """Read the checkpoint at ``path``.

    Args:
        path: a local file, or a folder with a model in it (`segue.checkpoints.folder`); ``fetch`` turns URLs and
            aliases into one. The index of weights in several files stands for its folder.
        map_location: the device on which the tensors shall be, whatever device they were saved from.

    Raises:
        CheckpointError: the file is missing, damaged, holds no weights, or names anything that could run code.
    """
    path = Path(path)
    if holds_model(path) or (path.name.endswith(INDEX) and path.is_file()):
        return read_folder(path if path.is_dir() else path.parent, partial(read, map_location=map_location))
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file; give the path of a checkpoint (.pth, .pt, .ckpt, .safetensors).")
    device = torch.device(map_location)
    budget = Budget(str(path), path.stat().st_size)
    try:
        with path.open("rb", buffering=1 << 16) as file:
            head = file.read(512)
            refuse_lookalikes(path, head)
            if looks_like_safetensors(path, head):
                check_header(file, budget)
                found = read_safetensors(path, device)
                check_tensors(found.state_dict, budget)
                return found
            file.seek(0)
            root = read_torch(file, head, budget, device)
    except OSError as error:
        raise CheckpointError(f"{path} could not be read: {error.strerror or error}.") from error
    return from_root(root, budget)


def read_torch(file: BinaryIO, head: bytes, budget: Budget, device: torch.device) -> Any:
    """The object in a file of ``torch.save``."""
    if head.startswith(b"PK\3\4"):
        return read_zip(file, budget, device)
    return read_legacy(file, budget, device)


def refuse_lookalikes(path: Path, head: bytes) -> None:
    """Name the files that are found in place of a checkpoint."""
    start = head.lstrip()[:20].lower()
    if not head:
        raise CheckpointError(f"{path} is empty; download or copy it again.")
    if path.suffix.lower() in (".onnx", ".xml", ".pt2"):
        raise CheckpointError(
            f"{path} is an exported file, which a runtime runs; name the checkpoint that it was made of, or give the "
            "file to segue predict, test or benchmark."
        )
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise CheckpointError(f"{path} is a web page, not a checkpoint; the download went wrong, fetch it again.")
    if head.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder.")
    if head[257:262] == b"ustar":
        raise CheckpointError(f"{path} is a tar archive; Segue reads safetensors and files of torch.save since 0.1.10.")


def read_safetensors(path: Path, device: torch.device) -> Checkpoint:
    """Read a safetensors file; Segue's own carry their notes as JSON in the header."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = dict(file.metadata() or {})
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        what = str(error).partition(", expected")[0][:150]  # the library lists every type that it knows
        raise CheckpointError(f"{path} is damaged: {what}; download or copy it again.") from error
    try:
        meta = json.loads(header["segue"]) if "segue" in header else header
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: its notes are not JSON; download or copy it again.") from error
    if not isinstance(meta, dict):
        raise CheckpointError(f"{path} is damaged: its notes are not a JSON object; download or copy it again.")
    if not state:
        raise CheckpointError(f"{path} holds no weights: it has a header and no tensors.")
    return Checkpoint(state, meta, raw={"metadata": header}, format="segue" if "segue" in header else "safetensors")


def from_root(root: Any, budget: Budget) -> Checkpoint:
    """Recognise the layout of what a torch file holds."""
    if isinstance(root, StandIn):
        raise budget.refused(f"holds a whole pickled object ({root.module}.{root.name}) rather than weights")
    if not isinstance(root, dict):
        raise CheckpointError(f"{budget.where} holds a {type(root).__name__} rather than weights.")
    raw = {str(key): value for key, value in root.items()}
    meta = raw.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    state = find_weights(root, budget)
    if "pytorch-lightning_version" in raw:
        progress = {"epoch": raw.get("epoch"), "iter": raw.get("global_step")}
        notes = raw["segue"] if isinstance(raw.get("segue"), dict) else {}
        optimizers = raw.get("optimizer_states")
        one = optimizers[0] if isinstance(optimizers, list) and len(optimizers) == 1 else as_dict(optimizers)
        return Checkpoint(state, {**progress, **meta, **notes}, one, raw.get("lr_schedulers"), None, raw, "lightning")
    kind: Format = "weights"
    if "message_hub" in raw or "mmengine_version" in meta or "dataset_meta" in meta:
        kind = "mmengine"
    elif meta and "state_dict" in raw:
        kind = "mmcv"
    optimizer, schedulers = raw.get("optimizer"), raw.get("param_schedulers", raw.get("lr_schedulers"))
    return Checkpoint(state, meta, as_dict(optimizer), schedulers, raw.get("message_hub"), raw, kind)


def as_dict(value: Any) -> dict[str, Any] | None:
    """An optimizer's state, or the states of several by position."""
    if isinstance(value, list) and value:
        return {str(index): state for index, state in enumerate(value)}
    return value if isinstance(value, dict) and value else None


def find_weights(root: dict[Any, Any], budget: Budget) -> dict[str, Tensor]:
    """The weights of a file: a dict of tensors, at the top or below a known key."""
    for _ in range(3):
        nested = next((root[key] for key in WEIGHT_KEYS if isinstance(root.get(key), dict)), None)
        if nested is None:
            break
        root = nested
    weights: OrderedDict[str, Tensor] = OrderedDict()
    for key, value in root.items():
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.require(value, requirements=("C", "W")))  # copied if it may not be written to
        if isinstance(value, Tensor) and type(key) is str:  # anything else is bookkeeping: counters, _extra_state
            if not encodable(key):
                raise budget.damaged(f"the name of its weight {key[:60]!r} is no text that can be written")
            weights[key] = value
    if not weights:
        keys = ", ".join(repr(str(key))[:40] for key in list(root)[:6]) or "nothing"
        raise CheckpointError(f"{budget.where} holds no weights that Segue can find; it holds {keys}.")
    budget.unfold_weights(sum(tensor.numel() * tensor.element_size() for tensor in weights.values()))
    if isinstance(root, OrderedDict) and hasattr(root, "_metadata"):
        weights._metadata = root._metadata  # type: ignore[attr-defined]
        check_versions(root._metadata, budget)
    return weights


def encodable(text: str) -> bool:
    """Whether it is Unicode throughout: pickles and JSON can also hold halves of characters, which no file takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_versions(metadata: Any, budget: Budget) -> None:
    """torch's notes on modules: {name: {"version": whole number, ...}}, which loading compares with its own."""
    for key, entry in metadata.items() if isinstance(metadata, dict) else ():
        version = entry.get("version") if isinstance(entry, dict) else None
        if not isinstance(entry, (dict, type(None))) or not isinstance(version, (int, type(None))):
            raise budget.damaged(f"the version of its module {str(key)[:60]!r} is no whole number")


def check_tensors(state: dict[str, Tensor], budget: Budget) -> None:
    """What the library for safetensors lets through, and files of torch may not have either."""
    for key, tensor in state.items():
        if tensor.ndim > MAX_DIMS:
            raise budget.damaged(f"its tensor {key[:60]!r} has {tensor.ndim} dimensions")
        if tensor.dtype not in KNOWN:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise budget.refused(f"holds {kind} values ({key[:60]!r}), which no model of Segue has")
        if tensor.dtype is torch.bool and tensor.numel() and int(tensor.view(torch.uint8).max()) > 1:
            raise budget.damaged("a boolean tensor holds other values")
