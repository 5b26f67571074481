"""Malicious and damaged files: none runs anything, none ends the process or takes much memory, each gets one sentence.

Oracle: a file named ``canary``, which every payload would create; the operating system's count of memory and its
account of how each reading process ended. ``python -m tests.checkpoints.safe.malicious`` prints the table.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segue.checkpoints import read
from segue.checkpoints.safe.limits import BASE_MEMORY

from .files import tensor, text, zipped
from .malicious import DATA, FILES, GOOD_ONES, results, write_all
from .payloads import CANARY

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each file is read in a forked process")

#: What a reading process may take beyond twice its file: the reader's allowance, which segue/checkpoints/safe/limits.py
#: explains, and what Python and the system round up.
FLOOR = BASE_MEMORY + (2 << 20)
SECONDS = 20


@dataclass
class Run:
    """All files, and what became of each."""

    folder: Path
    paths: dict[tuple[str, str], Path]
    found: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("malicious")
    (folder / "files").mkdir()
    paths = write_all(folder / "files")
    for name, make in GOOD_ONES.items():
        make(folder / "files" / name)
    yield Run(folder, paths, results(folder / "files"))
    shutil.rmtree(folder)


def test_how_many() -> None:
    """Sixty are asked for; each is another trick, whatever container it comes in."""
    assert len({name for _, name in FILES}) >= 200 and len(FILES) >= 500
    assert {container for container, _ in FILES} == {"pickle", "zip", "legacy", "safetensors", "other"}


@pytest.mark.parametrize(("container", "name"), FILES)
def test_refused(container: str, name: str, run: Run) -> None:
    """A CheckpointError of one printable sentence that begins with the path; memory within twice the size."""
    path = run.paths[container, name]
    result = run.found[path.name]
    assert result["ended"] == "refused", result
    message = result["message"]
    assert message.startswith(f"{path} ") and message.endswith(".") and message.isprintable()
    assert len(message) < len(str(path)) + 300 and not re.search(r"\. [A-Z]|Traceback", message)
    assert re.search(FILES[container, name][1], message) or FILES[container, name][1] in message, message
    assert result["peak"] <= 2 * result["size"] + FLOOR
    assert result["seconds"] < SECONDS


def test_nothing_ran(run: Run) -> None:
    """The payloads ``touch canary`` in the folder where the readers ran; no other file appeared there either."""
    assert not list(run.folder.rglob(CANARY)) and [path.name for path in run.folder.iterdir()] == ["files"]


@pytest.mark.parametrize("name", GOOD_ONES)
def test_the_measure_measures(name: str, run: Run) -> None:
    """A good file takes about its own size at least, so the count is not blind; and at most twice that."""
    result = run.found[name]
    assert result["ended"] == "read" and 0.9 * result["size"] < result["peak"] < 2 * result["size"]


SAMPLE = [
    ("zip", "reduce, protocol 2"), ("pickle", "EXT4"), ("legacy", "memo bomb of lists"), ("zip", "storage bomb"),
    ("zip", "zip64 of 2**63 entries"), ("safetensors", "a key twice"), ("other", "web page"), ("zip", "first 50%"),
]  # fmt: skip


def test_the_command(run: Run) -> None:
    """``segue weights inspect`` says the same sentence on the error stream, with status 1 and no traceback."""
    code = (
        "import sys; from segue.cli import main; sys.exit(sum(main(['weights', 'inspect', p]) for p in sys.argv[1:]))"
    )
    paths = [str(run.paths[key]) for key in SAMPLE]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *paths], cwd=run.folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == len(SAMPLE) and not done.stdout
    assert done.stderr.splitlines() == [f"segue weights: {run.found[Path(path).name]['message']}" for path in paths]
    assert not list(run.folder.rglob(CANARY))


def test_storages_may_be_shared(tmp_path: Path) -> None:
    """Tied weights, and views that overlap within their storage, are no tricks: they load, and share memory."""
    value = b"\x80\x02}(" + text("a") + tensor() + text("b") + tensor() + text("c") + tensor((3, 2), (1, 1)) + b"u."
    state = read(zipped(tmp_path / "tied.pth", value, {"0": DATA})).state_dict
    assert state["a"].data_ptr() == state["b"].data_ptr() == state["c"].data_ptr()
    assert state["c"].tolist() == [[1, 2], [2, 3], [3, 4]]


def test_expanded_tensor(tmp_path: Path) -> None:
    """One number shown a million times is honest and takes four bytes; 2**40 times (see TENSORS) it is refused."""
    value = b"\x80\x02}" + text("w") + tensor((1 << 20,), (0,)) + b"s."
    assert read(zipped(tmp_path / "w.pth", value, {"0": DATA})).state_dict["w"].untyped_storage().nbytes() == 16
