"""The import names ``mmseg``, ``mmengine`` and ``mmcv`` for code that was written for them.

``import segue.compat`` at the top of a script, ``segue run script.py``, or ``custom_imports`` in a config make them
importable, as far as user code needs them. Really installed packages of these names come first; ``install(force=True)``
shadows them. What is not there raises an ImportError that names Segue's own way.
"""

from __future__ import annotations

import sys

from segue.compat.finder import install, uninstall
from segue.compat.forks.project import use

__all__ = ["install", "uninstall"]

install()
if (_program := getattr(sys.modules.get("__main__"), "__file__", None)) is not None:
    use(_program, script=True)  # the script that the user runs may lie in a project with a copy of mmseg
