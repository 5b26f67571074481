"""A folder that holds a model: weights in one file or several, and JSON files that say what they are of.

Two kinds: what transformers' ``save_pretrained`` writes, and what ``segue push`` writes, whose ``config.json`` is a
config of Segue's and whose ``certificate.json`` says which bytes belong to it.
"""

from __future__ import annotations

import json
import pprint
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from segue.checkpoints.downloads.cache import digest
from segue.checkpoints.foreign.huggingface_config import classes_of, config_of
from segue.checkpoints.safe.checkpoint import Checkpoint
from segue.errors import CheckpointError

CONFIG, PROCESSOR, CERTIFICATE = "config.json", "preprocessor_config.json", "certificate.json"
CARD = "README.md"
INDEX = ".index.json"
SAFE = ("model.safetensors", "model.safetensors" + INDEX)
#: What a folder calls its weights, in order of preference; an index names the files that hold them.
FILES = (*SAFE, "pytorch_model.bin", "pytorch_model.bin" + INDEX)
PICKLES = (".bin", ".pth", ".pt", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack")
MAX_JSON = 16 << 20
SHARD = re.compile(r"[\w.+-]+\.(safetensors|bin)")

ReadFile = Callable[[Path], Checkpoint]


def main_file(names: Collection[str], where: str) -> str:
    """Which of a folder's files holds the weights, or says in which files they are.

    Raises:
        CheckpointError: none does, or it is not clear which.
    """
    for file in FILES:
        if file in names:
            return file
    single = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    if len(single) == 1:
        return single[0]
    if single:
        raise CheckpointError(f"{where}: holds {', '.join(sorted(single)[:6])}; name the file itself")
    raise CheckpointError(f"{where}: holds neither {' nor '.join(FILES[::2])}; name the file itself")


def holds_model(folder: Path) -> bool:
    """Whether a folder holds weights by names that are known."""
    return folder.is_dir() and any(path.name in FILES or path.suffix == ".safetensors" for path in folder.iterdir())


def model_files(folder: Path) -> list[str]:
    """The files of a folder that make its model.

    Raises:
        CheckpointError: there are none.
    """
    names = [path.name for path in folder.iterdir() if path.is_file()]
    main = main_file(names, str(folder))
    parts = list(shards(folder / main)) if main.endswith(INDEX) else []
    beside = [name for name in (CONFIG, PROCESSOR, CERTIFICATE) if name in names]
    return [*beside, *([CARD] if CERTIFICATE in names and CARD in names else []), *parts, main]


def shards(index: Path) -> dict[str, list[str]]:
    """The files that an index names, each with the keys that it shall hold.

    Raises:
        CheckpointError: it is no index, or names files that do not lie beside it.
    """
    found = read_json(index) or {}
    table = found.get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(
            f"{index}: an index of weights has a weight_map; this one has {', '.join(found) or 'none'}"
        )
    files: dict[str, list[str]] = {}
    for key, name in table.items():
        if not isinstance(name, str) or not SHARD.fullmatch(name):
            raise CheckpointError(f"{index}: {key} is said to be in {name!r:.80}, which is no file beside the index")
        files.setdefault(name, []).append(key)
    return dict(sorted(files.items()))


def read_folder(folder: Path, read_file: ReadFile) -> Checkpoint:
    """What a folder holds, with its config and class names where its files give them.

    Args:
        folder: where the files lie.
        read_file: reads one file of weights.

    Raises:
        CheckpointError: a file is missing, damaged, or not the one that the others mean.
    """
    check_certificate(folder)
    main = folder / main_file([path.name for path in folder.iterdir()], str(folder))
    found = read_shards(main, read_file) if main.name.endswith(INDEX) else read_file(main)
    config = read_json(folder / CONFIG)
    if config is None:
        return found
    if is_segues(config):
        kept = {key: value for key, value in found.meta.items() if key != "cfg"}
        return replace(found, meta={**kept, "config": text_of(config, folder / CONFIG)})
    try:
        return replace(found, meta={**found.meta, **transformers_notes(folder)})
    except CheckpointError as error:
        return replace(found, no_config=str(error))


def read_shards(index: Path, read_file: ReadFile) -> Checkpoint:
    """The weights of several files as one.

    Raises:
        CheckpointError: a file is missing, or holds other tensors than the index says.
    """
    state: dict[str, Tensor] = {}
    files = shards(index)
    missing = [name for name in files if not (index.parent / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{index.parent}: {len(missing)} of its {len(files)} files of weights are missing: "
            f"{', '.join(missing[:6])}; get them again"
        )
    for name, keys in files.items():
        part = read_file(index.parent / name).state_dict
        odd = sorted(part.keys() ^ set(keys))
        if odd:
            which = "lacks" if odd[0] in keys else "holds"
            raise CheckpointError(
                f"{index.parent / name}: {which} {odd[0]}, unlike what {index.name} says; get it again"
            )
        state |= part
    return Checkpoint(state, format="safetensors")


def is_segues(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is a config of Segue's."""
    return "model_type" not in config and isinstance(config.get("model"), dict)


def check_certificate(folder: Path) -> dict[str, Any] | None:
    """What ``certificate.json`` says, once the files are those that it means; None where there is none.

    Raises:
        CheckpointError: a file is missing or has other bytes.
    """
    certificate = read_json(folder / CERTIFICATE)
    if certificate is None:
        return None
    hashes = certificate.get("sha256")
    if not isinstance(hashes, dict) or not all(isinstance(value, str) for value in hashes.values()):
        raise CheckpointError(f"{folder / CERTIFICATE}: says no hashes of files, as a certificate of Segue's does")
    for name, wanted in hashes.items():
        if "/" in name or "\\" in name or not (folder / name).is_file():
            raise CheckpointError(f"{folder}: {CERTIFICATE} names {name!r:.80}, which is not there; get it again")
        if digest(folder / name) != wanted:
            raise CheckpointError(
                f"{folder / name}: not the file that {CERTIFICATE} means: SHA-256 {digest(folder / name)[:16]}..., not "
                f"{wanted[:16]}...; get it again, or give a config and the weights by themselves"
            )
    return certificate


def config_text(folder: Path) -> str:
    """The config of a folder as text, without its weights being read.

    Raises:
        CheckpointError: it has none, or one that Segue does not convert.
    """
    check_certificate(folder)
    config = read_json(folder / CONFIG)
    if config is None:
        raise CheckpointError(f"{folder}: holds no {CONFIG}; give the config file")
    return text_of(config, folder / CONFIG) if is_segues(config) else str(transformers_notes(folder)["config"])


def transformers_notes(folder: Path) -> dict[str, Any]:
    """Config and class names from the JSON files beside weights of transformers; nothing if there are none."""
    hf = read_json(folder / CONFIG)
    if hf is None:
        return {}
    config = config_of(hf, read_json(folder / PROCESSOR))
    return {"config": text_of(config, folder / CONFIG), "classes": classes_of(hf)}


def text_of(config: Mapping[str, Any], where: Path) -> str:
    """A config as text.

    Raises:
        CheckpointError: a key is no name.
    """
    for key in config:
        if not key.isidentifier():
            raise CheckpointError(f"{where}: {key!r:.80} is no key that a config can have")
    return "".join(f"{k} = {pprint.pformat(v, width=110, sort_dicts=False)}\n" for k, v in config.items())


def read_json(path: Path) -> dict[str, Any] | None:
    """What a JSON file holds; None if there is none.

    Raises:
        CheckpointError: it is not an object, or larger than any config.
    """
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MAX_JSON:
            raise ValueError("it is too large")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not a config of transformers: {error}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: not a config of transformers: it holds a {type(found).__name__}")
    return found
