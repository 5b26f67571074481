"""mmengine.fileio: copies and removals on the local disk, and the backend and handlers of local files."""

from __future__ import annotations

import os
import shutil
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from segue.compat.mmengine import files


def copyfile(src: Any, dst: Any, backend_args: Any = None) -> str:
    """Copy a file; returns where it is."""
    return str(shutil.copy(src, dst))


copyfile_from_local = copyfile_to_local = copyfile


def copytree(src: Any, dst: Any, backend_args: Any = None) -> str:
    """Copy a folder; returns where it is."""
    return str(shutil.copytree(src, dst))


copytree_from_local = copytree_to_local = copytree


def copy_if_symlink_fails(src: Any, dst: Any, backend_args: Any = None) -> bool:
    """A link, or a copy where there can be no link; whether it is a link."""
    try:
        os.symlink(src, dst)
    except OSError:
        (copytree if os.path.isdir(src) else copyfile)(src, dst)
        return False
    return True


def remove(filepath: Any, backend_args: Any = None) -> None:
    """Remove a file."""
    if os.path.isdir(filepath):
        raise IsADirectoryError("filepath to be removed is a directory")
    os.remove(filepath)


def rmtree(dir_path: Any, backend_args: Any = None) -> None:
    """Remove a folder with all that is in it."""
    shutil.rmtree(dir_path)


@contextmanager
def get_local_path(filepath: Any, backend_args: Any = None) -> Iterator[Any]:
    """The path itself: files are on the local disk."""
    yield filepath


def generate_presigned_url(url: str, client_method: str = "get_object", expires_in: int = 3600, backend_args: Any = None) -> str:  # fmt: skip  # noqa: E501
    """Not for files of the local disk."""
    raise TypeError("generate_presigned_url: files are read from the local disk only")


def dict_from_file(
    filename: Any, key_type: Callable[[str], Any] = str, encoding: str = "utf-8", file_client_args: Any = None,
    backend_args: Any = None,
) -> dict[Any, Any]:  # fmt: skip
    """Lines ``key value ...`` as a dict; several values are a list."""
    out: dict[Any, Any] = {}
    for line in files.get_text(filename, encoding).splitlines():
        key, *values = line.split()
        if not values:
            raise AssertionError(f"{filename}: the line {line!r} has no value")
        out[key_type(key)] = values if len(values) > 1 else values[0]
    return out


class BaseStorageBackend(metaclass=ABCMeta):
    """Where files are: a subclass gives ``get`` and ``get_text``."""

    @property
    def name(self) -> str:
        """The class's name."""
        return type(self).__name__

    @abstractmethod
    def get(self, filepath: Any) -> bytes:
        """The content of a file."""

    @abstractmethod
    def get_text(self, filepath: Any, encoding: str = "utf-8") -> str:
        """The text of a file."""


class LocalBackend(BaseStorageBackend):
    """The local disk."""

    exists, isdir, isfile = staticmethod(files.exists), staticmethod(files.isdir), staticmethod(files.isfile)
    put, put_text, join_path = staticmethod(files.put), staticmethod(files.put_text), staticmethod(files.join_path)
    list_dir_or_file, get_local_path = staticmethod(files.list_dir_or_file), staticmethod(get_local_path)
    copyfile, copytree = staticmethod(copyfile), staticmethod(copytree)
    remove, rmtree = staticmethod(remove), staticmethod(rmtree)

    def get(self, filepath: Any) -> bytes:
        """The content of a file."""
        return files.get(filepath)

    def get_text(self, filepath: Any, encoding: str = "utf-8") -> str:
        """The text of a file."""
        return files.get_text(filepath, encoding)


class HardDiskBackend(LocalBackend):
    """The same by its old name."""


backends: dict[str, type[BaseStorageBackend]] = {"local": LocalBackend}
prefix_to_backends: dict[str, type[BaseStorageBackend]] = {"": LocalBackend}


def get_file_backend(uri: Any = None, *, backend_args: Any = None, enable_singleton: bool = False) -> Any:
    """The backend of a path, or that ``backend_args`` names."""
    given = dict(backend_args or {})
    name = given.pop("backend", None)
    prefix = str(uri).partition("://")[0] if uri is not None and "://" in str(uri) else ""
    cls = backends.get(name) if name else prefix_to_backends.get(prefix)
    if cls is None:
        raise ValueError(
            f"there is no backend {name or prefix!r}; there are {sorted(backends)}; register_backend adds one"
        )
    return cls(**given)


def register_backend(name: str, backend: Any = None, force: bool = False, prefixes: Any = None) -> Any:
    """A backend of a user's own, for `get_file_backend`; as a decorator without ``backend``."""

    def add(cls: Any) -> Any:
        if name in backends and not force:
            raise ValueError(f"{name} is already registered; add force=True")
        backends[name] = cls
        for prefix in [prefixes] if isinstance(prefixes, str) else prefixes or ():
            prefix_to_backends[prefix] = cls
        return cls

    return add if backend is None else add(backend)


class BaseFileHandler(metaclass=ABCMeta):
    """A format of files: a subclass reads and writes open files."""

    str_like = True

    @abstractmethod
    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """The object in an open file."""

    @abstractmethod
    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        """Write an object."""

    @abstractmethod
    def dump_to_str(self, obj: Any, **kwargs: Any) -> str:
        """An object as text."""

    def load_from_path(self, filepath: Any, mode: str = "r", **kwargs: Any) -> Any:
        """The object in a file."""
        with open(filepath, mode) as stream:
            return self.load_from_fileobj(stream, **kwargs)

    def dump_to_path(self, obj: Any, filepath: Any, mode: str = "w", **kwargs: Any) -> None:
        """Write a file."""
        with open(filepath, mode) as stream:
            self.dump_to_fileobj(obj, stream, **kwargs)


class JsonHandler(BaseFileHandler):
    """.json"""

    kind = "json"

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """The object in an open file."""
        import json

        import yaml

        return json.load(file) if self.kind == "json" else yaml.safe_load(file)

    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        """Write an object."""
        file.write(self.dump_to_str(obj, **kwargs))

    def dump_to_str(self, obj: Any, **kwargs: Any) -> str:
        """An object as text."""
        return files.dump(obj, file_format=self.kind, **kwargs)


class YamlHandler(JsonHandler):
    """.yaml"""

    kind = "yaml"


file_handlers: dict[str, BaseFileHandler] = {"json": JsonHandler(), "yaml": YamlHandler(), "yml": YamlHandler()}


def register_handler(file_formats: Any, **kwargs: Any) -> Any:
    """A decorator: a format of a user's own, for ``file_handlers``."""

    def add(cls: Any) -> Any:
        for name in [file_formats] if isinstance(file_formats, str) else file_formats:
            file_handlers[name] = cls(**kwargs)
        return cls

    return add
