"""DSDL: datasets described by YAML files, as OpenDataLab publishes them. https://opendatalab.github.io/dsdl-docs

A description imports definitions: a class domain (``$def: class_domain``) and the fields of a sample (``$def:
struct``), one of which is an ``Image`` and one a ``LabelMap``; its samples are listed in it or in a JSON or YAML file
beside it. Only this is read, so the package ``dsdl`` is not needed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from segue.datasets.base_seg import BaseSegDataset
from segue.datasets.options import USUAL, DatasetOptions, shared
from segue.datasets.scan import some_of
from segue.errors import DataError, InputError
from segue.images.limits import check_file


class DSDLSegDataset(BaseSegDataset):
    """Images and label maps of a DSDL description; label 0 is ``background``, then follow the classes of its domain.

    Args:
        specific_key_path: {"Image" or "LabelMap": the field of a sample to take}, where a struct has several.
        pre_transform: not supported, must be empty.
        used_labels: classes to use, in this order, without background unless it is listed; None means background and
            all classes.
        ann_file: the description, relative to ``data_root``.
        metainfo: ``palette``.
        data_root: folder that relative paths start from.
        data_prefix: ``img_path`` and ``seg_map_path``, the folders that the locations of samples start from.
        options: see `DatasetOptions`.
    """

    @shared
    def __init__(
        self,
        specific_key_path: Mapping[str, str] | None = None,
        pre_transform: Mapping[str, Any] | None = None,
        used_labels: Sequence[str] | None = None,
        ann_file: str = "",
        metainfo: Mapping[str, Any] | None = None,
        data_root: str | None = None,
        data_prefix: Mapping[str, str | None] | None = None,
        options: DatasetOptions = USUAL,
    ) -> None:
        if not ann_file:
            raise InputError("DSDLSegDataset: ann_file is missing; name the description such as set-train/train.yaml")
        if pre_transform:
            raise InputError(f"DSDLSegDataset: pre_transform is not supported, got {dict(pre_transform)}")
        self._description = Path(data_root or "") / ann_file
        definitions = _definitions(self._description)
        self._fields = _fields(definitions, specific_key_path or {}, self._description)
        self.METAINFO = {"classes": ["background", *_classes(definitions, self._description)]}  # type: ignore[misc]
        super().__init__(
            metainfo={**(metainfo or {}), **({"classes": list(used_labels)} if used_labels else {})},
            data_root=data_root,
            data_prefix=data_prefix,
            options=options,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """The listed samples, whose files must exist."""
        samples = _samples(self._description)
        data = []
        for number, sample in enumerate(samples):
            paths = {}
            for key, field in (("img_path", self._fields["Image"]), ("seg_map_path", self._fields["LabelMap"])):
                if key in self.data_prefix:
                    location = sample.get(field) if isinstance(sample, Mapping) else None
                    if not isinstance(location, str):
                        raise DataError(f"{self._description}: sample {number} has no {field!r}")
                    paths[key] = os.path.join(self.data_prefix[key], location)
            data.append(paths)
        needed = ("img_path", "seg_map_path") if self._reads_masks() else ("img_path",)
        absent = [info[key] for info in data for key in needed if key in info and not os.path.isfile(info[key])]
        if absent:
            raise DataError(f"{self._description}: {len(absent)} of its files are missing: {some_of(absent)}")
        return data


def _load(path: Path) -> Any:
    check_file(path)
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except FileNotFoundError:
        raise DataError(f"{path}: the file does not exist") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read as {path.suffix or 'YAML'}: {error}") from error


def _definitions(path: Path, seen: frozenset[Path] = frozenset()) -> dict[str, Mapping[str, Any]]:
    """{name: definition} of a description and all that it imports."""
    path = path.resolve()
    content = _load(path)
    if not isinstance(content, Mapping):
        raise DataError(f"{path}: a DSDL description is a mapping, this is {type(content).__name__}")
    found: dict[str, Mapping[str, Any]] = {}
    for name in content.get("$import") or ():
        imported = path.parent / (name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
        if imported.resolve() not in seen and (imported.is_file() or not name.startswith(("cv", "nlp"))):
            found.update(_definitions(imported, seen | {path}))
    found.update({k: v for k, v in content.items() if isinstance(v, Mapping) and "$def" in v})
    return found


def _classes(definitions: Mapping[str, Mapping[str, Any]], path: Path) -> list[str]:
    domains = {name: node for name, node in definitions.items() if node["$def"] == "class_domain"}
    wanted = str((_load(path).get("data") or {}).get("sample-type", ""))
    named = [name for name in domains if name in wanted.replace("[", "=").replace("]", "=").split("=")]
    if len(named) != 1 and len(domains) != 1:
        raise DataError(f"{path}: needs one class domain, there are {', '.join(domains) or 'none'}")
    classes = domains[named[0] if named else next(iter(domains))].get("classes") or []
    return [str(name).split("[")[0] for name in classes]  # Name[super.category] names its parent too


def _fields(definitions: Mapping[str, Mapping[str, Any]], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """The field of a sample that is the image, and that of the label map."""
    found = {}
    for kind in ("Image", "LabelMap"):
        names = [
            field
            for node in definitions.values()
            if node["$def"] == "struct"
            for field, type_name in (node.get("$fields") or {}).items()
            if str(type_name).split("[")[0] == kind
        ]
        name = given.get(kind, "").removeprefix("./").split("/")[-1] or (names[0] if len(set(names)) == 1 else "")
        if not name:
            raise DataError(
                f"{path}: its samples have {some_of(names) or 'no field'} of the type {kind}; name one with "
                f"specific_key_path={{'{kind}': ...}}"
            )
        found[kind] = name
    return found


def _samples(path: Path) -> list[Any]:
    data = _load(path).get("data") or {}
    samples = data.get("samples")
    where = data.get("sample-path")
    if samples is None and where and where != "$local":
        content = _load(path.parent / where)
        samples = content.get("samples") if isinstance(content, Mapping) else content
    if not isinstance(samples, list) or not samples:
        raise DataError(f"{path}: lists no samples (data: samples, or sample-path with a file of them)")
    return samples
