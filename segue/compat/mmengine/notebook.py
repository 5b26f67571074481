"""Pictures in the cells of Jupyter and Colab notebooks."""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np


def in_notebook() -> bool:
    """Whether a cell of a notebook runs this: IPython is loaded there, and its shell is none of a terminal."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if hasattr(ipython, "get_ipython") else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"


def shown_in_notebook(picture: Any) -> bool:
    """Show a picture (H, W, 3) RGB below the running cell; False where no notebook runs this."""
    if not in_notebook():
        return False
    try:
        from IPython.display import Image, display
    except ImportError:
        return False
    done, png = cv2.imencode(".png", np.ascontiguousarray(np.asarray(picture)[..., ::-1]))
    if done:
        display(Image(data=png.tobytes()))
    return bool(done)
