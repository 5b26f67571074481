"""Folders of generated images and masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from segue.images.read import write_png


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Mapping[str, object]], Path]:
    """A function that writes PNGs below tmp_path: {relative path: label values, or None for a small picture}."""

    def write(files: Mapping[str, object]) -> Path:
        for name, values in files.items():
            path = tmp_path / name
            if values is None:
                write_png(path, np.full((2, 3, 3), 90, np.uint8))
            elif isinstance(values, str):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(values)
            else:
                row = np.resize(np.asarray(values), 6).reshape(2, 3)
                write_png(path, row.astype(np.uint16 if row.max() > 255 else np.uint8))
        return tmp_path

    return write
