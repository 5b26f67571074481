"""mmengine's Config, over Segue's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from segue.config import Config as SegueConfig
from segue.config import ConfigDict
from segue.config.builder.register import import_custom
from segue.config.options import parse_value

__all__ = ["Config", "ConfigDict", "DictAction"]


class Config(SegueConfig):
    """Segue's Config with the few more names that scripts use."""

    @property
    def _cfg_dict(self) -> ConfigDict:
        return self.tree

    @classmethod
    def fromfile(  # type: ignore[override]
        cls, filename: Any, use_predefined_variables: bool = True, import_custom_modules: bool = True, **kwargs: Any
    ) -> Config:
        """As Segue's, with the modules of ``custom_imports`` imported; options that concern executing the file mean
        nothing here.
        """
        known = {k: v for k, v in kwargs.items() if k in ("use_environment_variables", "trust")}
        cfg = super().fromfile(filename, use_predefined_variables=use_predefined_variables, **known)
        if import_custom_modules and cfg.get("custom_imports"):
            import_custom(cfg)
        return cfg  # type: ignore[return-value]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key, set first where it is missing."""
        return self.tree.setdefault(key, default)

    def update(self, other: Any) -> None:
        """Merge a dict into the config."""
        self.tree.update(other)


class DictAction(argparse.Action):
    """``--cfg-options a.b=1 c=[1,2]`` as a dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Collect the pairs."""
        found = dict(getattr(namespace, self.dest) or {})
        for pair in [values] if isinstance(values, str) else values or ():
            key, _, text = pair.partition("=")
            found[key] = parse_value(text)
        setattr(namespace, self.dest, found)
