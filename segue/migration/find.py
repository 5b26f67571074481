"""Walks a project's folder and sorts its files: configs, custom modules, scripts. Nothing is run or changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from segue.errors import InputError
from segue.migration.source import FAMILY, Source, read

#: folders that hold no sources of the user's
SKIPPED = {
    *("__pycache__", "work_dirs", "work_dir", "node_modules", "site-packages", "build", "dist", "wandb", "mlruns"),
    *("lightning_logs", "checkpoints", "pretrain", "pretrained", "runs", "outputs", "results", "logs"),
}
#: sources that are not the project's work
ASIDE = {"tests": "tests", "test": "tests", "docs": "documentation", "docs_zh": "documentation"}
#: folders of images, unless there are Python files in them
DATA = {"data", "datasets", "dataset"}
TEXTS = (".py", ".yaml", ".yml", ".json", ".txt", ".csv", ".toml", ".cfg", ".ini", ".npy")
LARGEST_SOURCE = 1 << 20
LARGEST_COPIED = 4 << 20
MOST_FILES = 20_000


@dataclass
class Project:
    """A project's files.

    Attributes:
        root: its folder.
        sources: its Python files, by path.
        documents: configs in YAML and JSON, as far as their names and first lines tell.
        texts: small files that user code may read when it is imported, Python included.
        vendored: folders that are copies of a package of the family, such as ``mmseg`` in a fork.
        left_out: what was not looked at, and why.
    """

    root: Path
    sources: list[Source] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    vendored: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Source]:
        """The sources of some kinds that do not belong to a copied package."""
        return [source for source in self.sources if source.kind in kinds and not self.is_vendored(source.path)]

    def is_vendored(self, path: str) -> bool:
        """Whether a file belongs to a copy of mmseg or its kin."""
        return any(path.startswith(f"{folder}/") for folder in self.vendored)

    def folders(self) -> list[str]:
        """Where imports may start: the project's folder, and folders in it that hold a package but are none."""
        paths = {source.path for source in self.sources}
        tops = {"."}
        for path in paths:
            folder = PurePosixPath(path).parent
            if path.endswith("/__init__.py") and str(folder.parent / "__init__.py") not in paths:
                tops.add(str(folder.parent))
        return sorted(tops, key=lambda folder: (folder != ".", folder))


def find(root: str | Path) -> Project:
    """Read a project.

    Raises:
        InputError: there is no such folder.
    """
    project = Project(Path(os.path.realpath(root)))
    if not project.root.is_dir():
        raise InputError(f"{root}: is not a folder; give the folder that holds the project's configs and code")
    count = 0
    for path in walk(project):
        count += 1
        if count > MOST_FILES:
            project.left_out.append(f"everything after the first {MOST_FILES:,} source files")
            break
        full = project.root / path
        try:
            size = full.stat().st_size
            if size <= LARGEST_COPIED:
                project.texts.append(path)
            if size > LARGEST_SOURCE:
                if path.endswith(".py"):
                    project.left_out.append(f"{path}: {size:,} bytes is no source")
                continue
            if path.endswith(".py"):
                text = full.read_text(encoding="utf-8-sig", errors="replace")
                project.sources.append(read(path, text))
            elif path.endswith((".yaml", ".yml", ".json")) and looks_like_config(full):
                project.documents.append(path)
        except OSError as error:
            project.left_out.append(f"{path}: {error.strerror or error}")
    paths = {source.path for source in project.sources}
    for path in sorted(paths):
        folder = PurePosixPath(path).parent
        if path.endswith("/__init__.py") and folder.name in FAMILY and not project.is_vendored(str(folder)):
            project.vendored.append(str(folder))
    for index, source in enumerate(project.sources):
        base = next((f for f in project.vendored if "/" in f and source.path.startswith(f"{f}/")), "")
        if base:  # a copy of mmseg deeper in the project imports itself as mmseg
            place = source.path.removeprefix(f"{PurePosixPath(base).parent}/")
            project.sources[index] = read(source.path, source.text, place)
    return project


def walk(project: Project) -> Iterator[str]:
    """The paths of text files, sorted, without those of folders that are no sources."""
    for folder, names, files in os.walk(project.root, followlinks=False):
        here = Path(folder)
        kept = []
        for name in sorted(names):
            reason = skipped(here / name)
            if reason:
                if reason != "quiet":
                    project.left_out.append(f"{(here / name).relative_to(project.root).as_posix()}/: {reason}")
            else:
                kept.append(name)
        names[:] = kept
        for name in sorted(files):
            full = here / name
            if name.endswith(TEXTS) and not full.is_symlink() and full.is_file():
                yield full.relative_to(project.root).as_posix()


def skipped(folder: Path) -> str:
    """Why a folder is not entered; "" where it is, ``quiet`` where nobody would ask."""
    name = folder.name
    if name.startswith(".") or name == "__pycache__" or name.endswith(".egg-info"):
        return "quiet"
    if folder.is_symlink():
        return "a link"
    if (folder / "pyvenv.cfg").exists() or (folder / "conda-meta").exists():
        return "a Python environment"
    if name in SKIPPED and not (folder / "__init__.py").exists():
        return "results, not sources"
    if name in ASIDE:
        return ASIDE[name]
    if name in DATA and not any(folder.glob("*.py")):
        return "data"
    return ""


def looks_like_config(path: Path) -> bool:
    """Whether a YAML or JSON file has a section of a config at its top level."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        head = stream.read(20_000)
    if path.suffix == ".json":
        keys = any(f'"{key}"' in head for key in ("_base_", "train_dataloader")) or '"model"' in head
        return head.lstrip().startswith("{") and keys and ('"type"' in head or '"_base_"' in head)
    starts = [line for line in head.splitlines() if line.startswith(("_base_:", "model:", "train_dataloader:"))]
    return bool(starts) and ("type:" in head or "_base_:" in head)
