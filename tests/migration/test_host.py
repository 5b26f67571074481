"""Jobs that crash, hang, exit and print, one after the other in one worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.migration.host import Host
from segue.migration.suggest import reasons

MODULES = {
    "fine": "print('said')\nimport mmseg.registry\nmarks = mmseg.registry.MODELS\n",
    "gone": "import os\nos._exit(3)\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
    "leaves": "raise SystemExit('enough')\n",
    "asks": "input('name? ')\n",
    "slow": "def wait():\n    while True: pass\n\n\nwait()\n",
    "marks": "import sys\nassert not hasattr(sys, 'seen')\nsys.seen = True\n",
    "writes": "open('made.txt', 'w').close()\n",
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("scratch"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def job(root: Path, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "module", "name": name, "root": str(root), "folders": ["."], "code": True, **more}


def test_what_jobs_do_stays_with_them(host: Host, root: Path) -> None:
    """Each starts from the same state, whatever the one before did; what it prints is kept."""
    done = host.run(job(root, "fine"), 60)
    assert done["ok"] and done["printed"] == "said\n" and done["loaded"] == ["fine.py"]
    worker = host._process
    assert host.run(job(root, "marks"), 60)["ok"] and host.run(job(root, "marks"), 60)["ok"]
    gone = host.run(job(root, "gone"), 60)
    assert not gone["ok"] and reasons(gone, str(root)) == ["the process ended by itself with status 3"]
    killed = host.run(job(root, "killed"), 60)
    told = reasons(killed, str(root))[0]
    assert told.startswith("the process was ended by SIGSEGV") and told.endswith(", at killed.py:2 in <module>")
    assert reasons(host.run(job(root, "leaves"), 60), str(root)) == ["SystemExit: enough (leaves.py:1 in <module>)"]
    assert reasons(host.run(job(root, "asks"), 60), str(root))[0].startswith("EOFError")
    missing = host.run(job(root, "no_such_module"), 60)
    assert reasons(missing, str(root)) == [
        "needs 'no_such_module', which is neither in the project nor installed; the project's own documentation may "
        "say where it is from (a package of that name on an index can be anybody's)"
    ]
    if sys.platform == "linux":
        assert host._process is worker
    assert not list(root.glob("**/__pycache__"))


def test_no_code_means_none(host: Host, root: Path) -> None:
    """The project's folder is then on no path of imports."""
    found = host.run(job(root, "writes", code=False), 60)
    assert not found["ok"] and found["error"]["module"] == "writes" and not (root / "made.txt").exists()


def test_a_job_that_does_not_end(host: Host, root: Path) -> None:
    """It is stopped, told where it was, and the next one runs."""
    host.run(job(root, "fine"), 60)
    found = host.run(job(root, "slow"), 3)
    assert found["died"] == "timeout"
    assert reasons(found, str(root)) == ["it took more than 3 s (--time-limit), at slow.py:2 in wait"]
    assert host._process is None


@pytest.mark.slow
def test_without_fork(tmp_path: Path, root: Path) -> None:
    """Where there is no fork, every job has a process of its own."""
    alone = Host(tmp_path, one=True)
    assert alone.run(job(root, "marks"), 120)["ok"] and alone.run(job(root, "marks"), 120)["ok"]
    gone = alone.run(job(root, "gone"), 120)
    assert not gone["ok"] and reasons(gone, str(root)) == ["the process ended by itself with status 3"]
