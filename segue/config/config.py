"""Config: the variables of a config file, merged with its bases."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from segue.config.dump import FORMATS, to_python, to_yaml
from segue.config.load import RESERVED, LoadOptions, load_file, load_text
from segue.config.marks import OPTIONS, Origin
from segue.config.origins import leaves, origin_of
from segue.config.tree import ConfigDict, copy_tree, merge_into, nest, rebuild
from segue.errors import ConfigError

_FIELDS = ("tree", "filename", "text", "env_variables")


class Config(Mapping[Any, Any]):
    """A config with attribute and item access: ``cfg.model.backbone.depth`` or ``cfg["model"]["backbone"]``.

    Make one with ``Config.fromfile``, ``Config.fromstring`` or from a dict. Every value read from a file knows where
    it was written: ``cfg.origin("model.decode_head.channels")``.

    Attributes:
        tree: the values.
        filename: the path it was read from, or None.
        text: the source of the file and its bases, each after a line with its path, bases first.
        env_variables: the environment variables that the files used, with their values.
    """

    tree: ConfigDict
    filename: str | None
    text: str
    env_variables: dict[str, str]

    def __init__(
        self,
        cfg_dict: Mapping[Any, Any] | None = None,
        cfg_text: str = "",
        filename: str | os.PathLike[str] | None = None,
        env_variables: Mapping[str, str] | None = None,
    ) -> None:
        if cfg_dict is not None and not isinstance(cfg_dict, Mapping):
            raise TypeError(f"a Config is made from a dict, not {type(cfg_dict).__name__}")
        for name in RESERVED:
            if cfg_dict is not None and name in cfg_dict:
                raise ConfigError(f"the name {name!r} is reserved in a config ({', '.join(RESERVED)})")
        tree = cfg_dict if isinstance(cfg_dict, ConfigDict) else ConfigDict(cfg_dict or {})
        self._fill(tree, os.fspath(filename) if filename is not None else None, cfg_text, dict(env_variables or {}))

    def _fill(self, tree: ConfigDict, filename: str | None, text: str, env_variables: dict[str, str]) -> None:
        for name, value in zip(_FIELDS, (tree, filename, text, env_variables), strict=True):
            object.__setattr__(self, name, value)

    @classmethod
    def fromfile(
        cls,
        filename: str | os.PathLike[str],
        *,
        use_predefined_variables: bool = True,
        use_environment_variables: bool = True,
        trust: bool = False,
    ) -> Config:
        """Read a .py, .yaml or .json config with its bases.

        Args:
            filename: the file.
            use_predefined_variables: replace ``{{ fileDirname }}`` and its kin.
            use_environment_variables: replace ``{{$VAR:default}}`` and allow ``os.environ``.
            trust: execute files that are more than data, with a warning. Only for files whose author you trust.

        Raises:
            ConfigError: the file cannot be read or is outside the config language.
        """
        options = LoadOptions(use_predefined_variables, use_environment_variables, trust)
        loaded, environment = load_file(os.fspath(filename), options)
        return cls(loaded.tree, loaded.text, filename, environment)

    @classmethod
    def fromstring(cls, text: str, file_format: str, *, trust: bool = False) -> Config:
        """Read a config from text in the format ``.py``, ``.yaml``, ``.yml`` or ``.json``."""
        loaded, environment = load_text(text, file_format, LoadOptions(trust=trust))
        return cls(loaded.tree, loaded.text, None, environment)

    # Access.

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS or name.startswith("__"):  # only while a copy is being made
            raise AttributeError(name)
        return getattr(self.tree, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.tree[name] = value

    def __delattr__(self, name: str) -> None:
        delattr(self.tree, name)

    def __getitem__(self, name: Any) -> Any:
        return self.tree[name]

    def __setitem__(self, name: Any, value: Any) -> None:
        self.tree[name] = value

    def __delitem__(self, name: Any) -> None:
        del self.tree[name]

    def __contains__(self, name: object) -> bool:
        return name in self.tree

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tree)

    def __len__(self) -> int:
        return len(self.tree)

    def __eq__(self, other: object) -> bool:
        return self.tree == other.tree if isinstance(other, Config) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Config (path: {self.filename}): {dict(self.tree)!r}"

    def get(self, name: Any, default: Any = None) -> Any:
        """The value of a name, or the default."""
        return self.tree.get(name, default)

    def pop(self, name: Any, default: Any = None) -> Any:
        """Remove a name and return its value, or the default."""
        return self.tree.pop(name, default)

    def keys(self) -> Any:
        """The names."""
        return self.tree.keys()

    def values(self) -> Any:
        """The values."""
        return self.tree.values()

    def items(self) -> Any:
        """Pairs of name and value."""
        return self.tree.items()

    # Provenance.

    def origin(self, path: str | Sequence[Any]) -> Origin | None:
        """The file and line that wrote a value, None if it was set in Python or does not exist.

        ``path`` is dotted, with list indexes (``"train_pipeline.2.scale"``), or a sequence of keys.
        """
        return origin_of(self.tree, path)

    def leaves(self) -> Iterator[tuple[tuple[Any, ...], Any, Origin | None]]:
        """Every leaf as (path, value, origin); a list without dicts in it is one leaf."""
        return leaves(self.tree)

    # Changes.

    def merge_from_dict(self, options: Mapping[Any, Any], allow_list_keys: bool = True) -> None:
        """Merge ``{"model.backbone.depth": 50, "train_pipeline.2.scale": (512, 512)}`` into the config.

        Args:
            options: values by dotted key.
            allow_list_keys: whether digits address the elements of lists.

        Raises:
            ConfigError: a key leads into a value that has no such part. The config is then unchanged.
        """
        changed = copy_tree(self.tree)
        merge_into(changed, nest(options, OPTIONS), indexes=allow_list_keys)
        object.__setattr__(self, "tree", changed)

    # Output.

    @property
    def pretty_text(self) -> str:
        """The values as Python source (as YAML where a key cannot be a Python name)."""
        try:
            return to_python(self.tree)
        except ConfigError:
            return to_yaml(self.tree)

    def dump(self, file: str | os.PathLike[str] | None = None) -> str | None:
        """Write the values to a .py, .yaml or .json file, or return them as text in the format of the source."""
        extension = Path(file if file is not None else self.filename or ".py").suffix or ".py"
        if extension not in FORMATS:
            raise ConfigError(f"a config can be written as {', '.join(FORMATS)}, not as {extension!r}")
        text = FORMATS[extension](self.tree)
        if file is None:
            return text
        Path(file).write_text(text, encoding="utf-8")
        return None

    def to_dict(self) -> dict[Any, Any]:
        """Plain nested dicts."""
        return self.tree.to_dict()

    def copy(self) -> Config:
        """A copy whose top level is its own; ``copy.deepcopy`` copies everything."""
        return self._with(self.tree.copy())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Config:
        return self._with(copy_tree(self.tree))

    def _with(self, tree: ConfigDict) -> Config:
        result = Config.__new__(Config)
        result._fill(tree, self.filename, self.text, dict(self.env_variables))
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        items = (list(self.tree.items()), self.tree._marks)
        return _restore, (*items, self.filename, self.text, self.env_variables)

    @staticmethod
    def diff(first: Config | str | os.PathLike[str], second: Config | str | os.PathLike[str]) -> str:
        """A unified diff of two configs or config files, after everything is merged."""
        configs = [part if isinstance(part, Config) else Config.fromfile(part) for part in (first, second)]
        old, new = (config.pretty_text.splitlines(keepends=True) for config in configs)
        before, after = (str(config.filename or "config") for config in configs)
        return "".join(difflib.unified_diff(old, new, before, after))


def _restore(
    items: list[tuple[Any, Any]], marks: dict[Any, Any], filename: str | None, text: str, env_variables: dict[str, str]
) -> Config:
    config = Config.__new__(Config)
    config._fill(rebuild(items, marks), filename, text, env_variables)
    return config
