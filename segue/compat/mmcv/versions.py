"""mmcv's version, as numbers."""

from __future__ import annotations

from segue.compat.mmengine.leftovers import mmcv_version_info as version_info
from segue.reference.names import VERSIONS

__version__ = VERSIONS["mmcv"]
__all__ = ["__version__", "version_info"]
