"""Configs: reading, merging, provenance, and the way from dicts to objects.

``Config.fromfile(path)`` interprets mmseg's config files without executing them; ``origin_of`` tells which file and
line wrote a value. Importing this package imports neither torch nor Lightning.
"""

from __future__ import annotations

from segue.config.config import Config
from segue.config.marks import Origin
from segue.config.options import merge_options, parse_options
from segue.config.origins import leaves, origin_of
from segue.config.tree import ConfigDict

__all__ = ["Config", "ConfigDict", "Origin", "leaves", "merge_options", "origin_of", "parse_options"]
