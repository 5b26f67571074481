"""``segue run``: a script written for mmseg, unchanged."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from segue.compat.deploy import answer
from segue.compat.finder import install
from segue.compat.forks.project import use
from segue.errors import InputError
from segue.system.near import near_path


def run_script(script: str | Path, arguments: Sequence[str] = (), *, force: bool = False) -> int:
    """Run a Python file in which ``mmseg``, ``mmengine`` and ``mmcv`` are importable; returns its exit status.

    Args:
        script: the file.
        arguments: what it finds in ``sys.argv`` after its own name.
        force: shadow installed packages of these names.

    Raises:
        InputError: there is no such file, or an option of a script that Segue answers is wrong.
    """
    if (instead := answer(script)) is not None:
        print(f"{Path(script).name}: answered by Segue's export, with the script's options")
        return instead(arguments)
    if not Path(script).is_file():
        raise InputError(f"{script}: no such file{near_path(script)}")
    install(force=force)
    use(script, script=True)
    before = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
    return 0
