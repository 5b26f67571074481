"""One entry for all checks.

``nox -s quick`` while working, ``nox -s room -- heads`` for a room, ``nox -s all`` before a merge. They run in the
environment that nox was started in (the extra ``test`` of pyproject.toml), so that nothing is installed and what was
cached stays warm. ``all`` is ``.ci/run``, which makes an environment of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import dropwhile
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent / "tools"))
from changed import changed_files, selection

nox.options.sessions = ["quick"]
nox.options.default_venv_backend = "none"

PYTHON = (sys.executable, "-m")


@nox.session
def quick(session: nox.Session) -> None:
    """Lint, types, the house's rules, the contract of a few models, and the tests of changed rooms."""
    session.run(*PYTHON, "ruff", "check", ".")
    session.run(*PYTHON, "ruff", "format", "--check", ".")
    tests = selection(changed_files())
    session.log("tests: " + " ".join(sorted({test.partition("[")[0] for test in tests})))
    with tempfile.TemporaryFile("w+") as said:  # types are checked beside the tests
        types = subprocess.Popen([*PYTHON, "mypy", "segue"], stdout=said, stderr=subprocess.STDOUT)
        try:
            session.run(*PYTHON, "pytest", "-q", *session.posargs, *tests)
        finally:
            failed = types.wait()
            said.seek(0)
            print(said.read(), end="")
    if failed:
        session.error("mypy found mistakes, listed above")


@nox.session
def room(session: nox.Session) -> None:
    """The tests of the rooms that are named after ``--``, and the house's rules: ``-- heads losses``."""
    options = list(dropwhile(lambda argument: not argument.startswith("-"), session.posargs))
    rooms = session.posargs[: len(session.posargs) - len(options)]
    tests = [f"tests/{name}" if Path("tests", name).is_dir() else f"tests/test_{name}.py" for name in rooms]
    missing = [test for test in tests if not Path(test).exists()]
    if missing or not rooms:
        known = " ".join(sorted(path.name for path in Path("tests").iterdir() if any(path.glob("**/test_*.py"))))
        session.error(f"no tests of {', '.join(missing) or 'no room'}; after -- name some of: {known}")
    session.run(*PYTHON, "pytest", "-q", *options, "tests/test_house.py", *tests)


@nox.session(name="all")
def everything(session: nox.Session) -> None:
    """What CI runs."""
    session.run("bash", ".ci/run", external=True)
