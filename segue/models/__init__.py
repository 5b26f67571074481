"""Wiring: how backbone, neck and heads make a model. No numerics of their own.

The room has the name of a verb: ``segue.models("ocrnet*")`` lists recipes, so the module can be called.
"""

from __future__ import annotations

import sys
import types
from typing import Any


class _Room(types.ModuleType):
    def __call__(self, pattern: str = "*", data: str | None = None, *, commercial: bool = False) -> list[Any]:
        """The recipes whose names match a pattern; see `segue.api.models`."""
        from segue.api import models

        return models(pattern, data, commercial=commercial)


sys.modules[__name__].__class__ = _Room
