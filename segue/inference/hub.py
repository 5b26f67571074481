"""A model of one's own to a hub, and from it: ``segue push`` and ``segue pull``."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from segue.checkpoints import Checkpoint, fetch, load_weights, read, save_weights
from segue.checkpoints.convert import locate
from segue.checkpoints.downloads.cache import digest
from segue.checkpoints.folder import CARD, CERTIFICATE, CONFIG, check_certificate, is_segues, model_files, read_json
from segue.checkpoints.hub.address import SCHEME, Address, is_hub, parse
from segue.checkpoints.hub.upload import upload
from segue.checkpoints.notes import plain
from segue.config import Config
from segue.config.builder.build import build_model
from segue.config.nodes import dataset_nodes
from segue.config.trust import Rights
from segue.errors import CheckpointError, InputError, refuse
from segue.inference.load import own_names
from segue.inference.verify import Verification, verify
from segue.recipes.open import read_config
from segue.report.model_card import Card
from segue.system.replaced import replaced

FORM = 1  # of the certificate
WEIGHTS = "model.safetensors"
FILES = (CONFIG, WEIGHTS, CERTIFICATE, CARD)

_log = logging.getLogger("segue")


@dataclass(frozen=True)
class Pushed:
    """What was pushed: the model's name at its commit (None: it was only written), and its certificate."""

    name: str | None
    certificate: dict[str, Any]


def push(
    model: str | Path,
    repo: str,
    *,
    config: str | Path | Config | Mapping[str, Any] | None = None,
    metrics: str | Path | Mapping[str, float] | None = None,
    licence: str | None = None,
    private: bool = False,
    message: str = "",
    folder: str | Path | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> Pushed:
    """Bring a model to a hub: its config as data, safetensors, a certificate, a model card.

    The files are checked as whoever pulls them will: the config names Segue's components only, and every tensor has
    its place in the model that it describes.

    Args:
        model: a file of weights: a path, URL or alias.
        repo: ``organization/name``, or ``hf://organization/name@branch``.
        config: of the model; None: the one that the file holds.
        metrics: what was measured, by name, or the JSON file that ``segue test`` wrote; None: what the file notes.
        licence: of the weights: ``apache-2.0``, ``cc-by-nc-4.0`` ..., or in words.
        private: a new repository is seen by its owners only.
        message: of the commit.
        folder: write the files there, and bring them nowhere.
        cfg_options, trust: of ``config``, see `segue.recipes.open.read_config`.

    Raises:
        CheckpointError, ConfigError, InputError: what is wrong with weights, config or arguments.
        DownloadError: the hub refuses or cannot be reached.
    """
    address = parse(repo if is_hub(repo) else SCHEME + repo)
    if address.file:
        raise InputError(f"{repo}: a model is pushed to a repository, not to one of its files")
    write = partial(_write, model, address, config, _measured(metrics), licence, cfg_options, trust)
    with tempfile.TemporaryDirectory(prefix="segue-push-") as place:
        draft = Path(place)
        if folder is not None:
            refuse({"private": private, "message": message or None}, "only for what goes to a hub; a folder is written")
            certificate = write(draft)
            _copy(draft, Path(folder), FILES)
            return Pushed(None, certificate)
        certificate = write(draft)
        words = message or f"Segue {certificate['segue_version']}: {Path(str(model)).name}"
        commit = upload(address, draft, FILES, private=private, message=words)
    return Pushed(address.at(commit), certificate)


def pull(name: str, out: str | Path) -> Path:
    """Bring a model of a hub to a folder of one's own, which `segue.load` takes.

    Args:
        name: ``hf://organization/name@revision``.
        out: the folder; it is made, or empty.

    Raises:
        CheckpointError, DownloadError, InputError: as `segue.checkpoints.fetch` does; or the folder holds something.
    """
    address = parse(name)
    if address.file:
        raise InputError(f"{name}: is one file; bring it with segue weights fetch {name} --dest {out}")
    target = Path(out)
    _check_free(target)
    found = fetch(name)
    _copy(found, target, model_files(found))
    if check_certificate(target) is None:
        _log.warning("%s: has no %s, as what segue push brings has: nothing vouches for its files", name, CERTIFICATE)
    return target


def _check_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already and holds something; name a new folder")


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    """Copy files to a folder, all or none."""
    _check_free(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replaced(target, folder=True) as part:
            for name in names:
                shutil.copyfile(source / name, part / name)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from error


def _measured(metrics: str | Path | Mapping[str, float] | None) -> dict[str, float] | None:
    """The metrics that are numbers."""
    if metrics is None:
        return None
    where = "metrics" if isinstance(metrics, Mapping) else str(metrics)
    found = metrics if isinstance(metrics, Mapping) else read_json(Path(metrics))
    if found is None:
        raise InputError(f"{where}: there is no such file; segue test --work-dir DIR writes DIR/metrics.json")
    numbers = _numbers(found)
    if not numbers:
        raise InputError(f"{where}: holds no numbers by name, such as {{'mIoU': 78.1}}")
    return numbers


def _numbers(found: Mapping[Any, Any]) -> dict[str, float]:
    return {str(key): float(value) for key, value in found.items() if type(value) in (int, float)}


def _write(
    model: str | Path,
    address: Address,
    config: Any,
    metrics: dict[str, float] | None,
    licence: str | None,
    cfg_options: Sequence[str],
    trust: bool,
    draft: Path,
) -> dict[str, Any]:
    """Write the four files, check them, and return the certificate."""
    path = locate(model)
    checkpoint = read(path)
    cfg = _config(checkpoint, path, config, cfg_options, trust)
    cfg.dump(draft / CONFIG)
    data = read_json(draft / CONFIG)
    assert data is not None
    if not is_segues(data):
        raise InputError(f"{model}: its config describes no model; give one with config= (--config)")
    _warn_of_paths(cfg)
    _weights(draft / WEIGHTS, path, checkpoint, cfg, given=config is not None)
    result = _checked(draft, data, model)
    written = read(draft / WEIGHTS)
    network = build_model(cfg)
    classes, palette = own_names(written, cfg, network.num_classes)  # type: ignore[arg-type]
    noted = checkpoint.meta.get("metrics")
    values = metrics if metrics is not None else _numbers(noted) if isinstance(noted, Mapping) else {}
    certificate = _certificate(draft, written, result, classes, palette, values, licence)
    card = Card(
        repo=address.repo,
        architecture=architecture(data["model"]),
        data=_dataset(cfg),
        classes=list(classes or ()),
        metrics=values,
        licence=licence,
        parameters=sum(tensor.numel() for tensor in written.state_dict.values()),
        facts=[("SHA-256 of the weights", certificate["sha256"][WEIGHTS]), ("fingerprint", result.fingerprint)],
    )
    (draft / CARD).write_text(str(card), encoding="utf-8")
    return certificate


def _config(checkpoint: Checkpoint, path: Path, config: Any, cfg_options: Sequence[str], trust: bool) -> Config:
    """The config that is pushed."""
    if config is not None:
        return read_config(config, cfg_options, trust=trust)
    if cfg_options or trust:
        raise InputError("cfg_options and trust belong to config= (--config), which is not given")
    text = checkpoint.config
    if text is None and path.with_name(CONFIG).is_file():
        text = read(path.parent).config
    if text is None:
        raise CheckpointError(f"{path}: holds no config; give the one that it was trained with: config= (--config)")
    return read_config(Config.inside(text, path))


def _weights(target: Path, path: Path, checkpoint: Checkpoint, cfg: Config, *, given: bool) -> None:
    """Safetensors that Segue wrote stay as they are, byte for byte; others are written anew, under Segue's names."""
    if checkpoint.format == "segue" and not given and path.suffix == ".safetensors":
        shutil.copyfile(path, target)
        return
    network = build_model(cfg)
    report = load_weights(network, checkpoint)
    if report.missing or report.mismatched:
        raise CheckpointError(f"{path} does not fit the model of the config. {report}")
    classes, palette = own_names(checkpoint, cfg, network.num_classes)  # type: ignore[arg-type]
    notes = {"config": cfg.pretty_text, "classes": classes, "palette": palette, "original_sha256": digest(path)}
    save_weights(target, network.state_dict(), {key: value for key, value in notes.items() if value is not None})


def _checked(draft: Path, data: dict[str, Any], model: str | Path) -> Verification:
    """Whether the files are a model, for somebody who has nothing else.

    Raises:
        CheckpointError: they are not, and why.
    """
    inside = Config(data).with_rights(Rights.INSIDE)
    result = verify(draft / WEIGHTS, config=inside, read_config=read_config)
    wrong = [f"{check.what}: {check.found}" for check in result.checks if check.status == "failed"]
    if wrong:
        raise CheckpointError(f"{model} is not pushed, since whoever pulls it could not use it. {'; '.join(wrong)}")
    return result


def _certificate(
    draft: Path,
    written: Checkpoint,
    result: Verification,
    classes: Any,
    palette: Any,
    metrics: Mapping[str, float] | None,
    licence: str | None,
) -> dict[str, Any]:
    """Write what vouches for the files."""
    from segue.version import __version__

    kept = ("iter", "epoch", "converted_from", "original", "original_sha256", "base", "base_sha256")
    notes = {key: written.meta[key] for key in kept if key in written.meta}
    found: dict[str, Any] = {
        "form": FORM,
        "segue_version": __version__,
        "classes": list(classes or ()),
        "palette": palette,
        "metrics": dict(metrics or {}),
        "licence": licence,
        "notes": notes,
        "fingerprint": result.fingerprint,
        "output": result.output,
        "sha256": {name: digest(draft / name) for name in (CONFIG, WEIGHTS)},
    }
    text = json.dumps(plain(found), indent=1, ensure_ascii=False)
    (draft / CERTIFICATE).write_text(text + "\n", encoding="utf-8")
    return found


def architecture(model: Mapping[str, Any]) -> str:
    """``EncoderDecoder: ResNetV1c, PSPHead``."""
    parts = (model.get("backbone"), model.get("neck"), model.get("decode_head"))
    listed = [part for one in parts for part in (one if isinstance(one, list) else [one])]
    names = [str(part["type"]) for part in listed if isinstance(part, Mapping) and "type" in part]
    return f"{model.get('type', 'EncoderDecoder')}: {', '.join(names)}"


def _dataset(cfg: Config) -> str | None:
    """The type of the dataset that the config tests on, or trains with."""
    for split in ("test", "val", "train"):
        loader = cfg.get(f"{split}_dataloader") or {}
        for _, node in dataset_nodes(loader.get("dataset"), ""):
            if isinstance(node.get("type"), str):
                return str(node["type"]).removesuffix("Dataset")
    return None


def _warn_of_paths(cfg: Config) -> None:
    """One line about paths of this machine, which everybody will see."""
    found = [
        ".".join(map(str, path)) for path, value, _ in cfg.leaves() if isinstance(value, str) and os.path.isabs(value)
    ]
    if found:
        _log.warning("the config names paths of this machine, which will be seen: %s", ", ".join(found[:6]))
