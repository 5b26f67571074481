"""mmengine.fileio: files of the local disk."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from segue.checkpoints.safe.objects import read_object, write_object

PICKLES = ("pkl", "pickle")


def exists(filepath: Any, backend_args: Any = None) -> bool:
    """Whether a path exists."""
    return os.path.exists(filepath)


def isfile(filepath: Any, backend_args: Any = None) -> bool:
    """Whether a path is a file."""
    return os.path.isfile(filepath)


def isdir(filepath: Any, backend_args: Any = None) -> bool:
    """Whether a path is a folder."""
    return os.path.isdir(filepath)


def join_path(filepath: Any, *filepaths: Any, backend_args: Any = None) -> str:
    """A joined path."""
    return os.path.join(filepath, *filepaths)


def get(filepath: Any, backend_args: Any = None) -> bytes:
    """The content of a file."""
    return Path(filepath).read_bytes()


def get_text(filepath: Any, encoding: str = "utf-8", backend_args: Any = None) -> str:
    """The text of a file."""
    return Path(filepath).read_text(encoding=encoding)


def put(obj: bytes, filepath: Any, backend_args: Any = None) -> None:
    """Write a file."""
    Path(filepath).parent.mkdir(parents=True, exist_ok=True)
    Path(filepath).write_bytes(obj)


def put_text(obj: str, filepath: Any, backend_args: Any = None) -> None:
    """Write a text file."""
    put(obj.encode(), filepath)


def load(file: Any, file_format: str | None = None, **kwargs: Any) -> Any:
    """The content of a .json, .yaml or .pkl file.

    Raises:
        TypeError: a file of another kind.
        CheckpointError: a pickle of more than plain data and arrays: what it names could run anything.
    """
    kind = (file_format or Path(file).suffix.lstrip(".")).lower()
    if kind == "json":
        return json.loads(get_text(file))
    if kind in ("yaml", "yml"):
        return yaml.safe_load(get_text(file))
    if kind in PICKLES:
        return read_object(file)
    raise TypeError(f"{file}: segue.compat reads .json, .yaml and .pkl of plain data")


def dump(obj: Any, file: Any = None, file_format: str | None = None, **kwargs: Any) -> Any:
    """Write a .json, .yaml or .pkl file, or return its text, a pickle's bytes."""
    kind = (file_format or Path(file).suffix.lstrip(".")).lower()
    if kind in PICKLES:
        stream = io.BytesIO()
        write_object(obj, stream if file is None else file, **kwargs)
        return stream.getvalue() if file is None else None
    if kind not in ("json", "yaml", "yml"):
        raise TypeError(f"{file}: segue.compat writes .json, .yaml and .pkl")
    text = json.dumps(obj, **kwargs) if kind == "json" else yaml.safe_dump(obj)
    if file is None:
        return text
    put_text(text, file)
    return None


def list_from_file(
    filename: Any, encoding: str = "utf-8", prefix: str = "", offset: int = 0, max_num: int = 0, **_: Any
) -> list[str]:
    """The lines of a text file."""
    lines = get_text(filename, encoding).splitlines()[offset:]
    return [prefix + line for line in (lines[:max_num] if max_num > 0 else lines)]


def list_dir_or_file(
    dir_path: Any,
    list_dir: bool = True,
    list_file: bool = True,
    suffix: Any = None,
    recursive: bool = False,
    backend_args: Any = None,
) -> Iterator[str]:
    """Names below a folder, relative to it."""
    for entry in sorted(os.scandir(dir_path), key=lambda e: e.name):
        if entry.name.startswith("."):
            continue
        if entry.is_file() and list_file and (suffix is None or entry.name.endswith(suffix)):
            yield entry.name
        elif entry.is_dir():
            if list_dir:
                yield entry.name
            if recursive:
                inner = list_dir_or_file(entry.path, list_dir, list_file, suffix, True)
                yield from (os.path.join(entry.name, name) for name in inner)


def scandir(dir_path: Any, suffix: Any = None, recursive: bool = False, case_sensitive: bool = True) -> Iterator[str]:
    """Names of files below a folder."""
    return list_dir_or_file(dir_path, list_dir=False, suffix=suffix, recursive=recursive)


def mkdir_or_exist(dir_name: Any, mode: int = 0o777) -> None:
    """Make a folder, unless it is there."""
    if dir_name:
        os.makedirs(os.path.expanduser(dir_name), mode=mode, exist_ok=True)


def check_file_exist(filename: Any, msg_tmpl: str = 'file "{}" does not exist') -> None:
    """Raise FileNotFoundError if there is no such file."""
    if not os.path.isfile(filename):
        raise FileNotFoundError(msg_tmpl.format(filename))
