"""Steps that write files: interrupted, repeated, forced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.convert.jobs import Job, Log, Outcome, run_jobs, write_whole
from segue.errors import InputError


def job(name: str, made: list[str], data: bytes = b"data") -> Job:
    def make() -> list[tuple[str, bytes]]:
        made.append(name)
        return [(name, data)]

    return Job(name, make)


def several(name: str, made: list[str], count: int, fail_at: int | None = None) -> Job:
    def make() -> Iterator[tuple[str, bytes]]:
        made.append(name)
        for i in range(count):
            if i == fail_at:
                raise KeyboardInterrupt
            yield f"{name}/{i}", f"{name} {i}".encode()

    return Job(name, make, single=False)


def run(out: Path, *jobs: Job, force: bool = False, settings: dict[str, int] | None = None) -> Outcome:
    return run_jobs(jobs, out, Log(out, "town", settings or {}), force=force, workers=1)


def there(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def seen(out: Path) -> dict[str, bytes]:
    """Without the log."""
    return {name: data for name, data in there(out).items() if not name.startswith(".")}


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    made: list[str] = []
    jobs = [job("a.png", made), several("b", made, 3)]
    assert run(tmp_path, *jobs) == Outcome(written=4, kept=0)
    assert run(tmp_path, *jobs) == Outcome(written=0, kept=4)
    assert made == ["a.png", "b"]
    (tmp_path / "b" / "1").unlink()
    assert run(tmp_path, *jobs) == Outcome(written=1, kept=3)
    assert made == ["a.png", "b", "b"]
    assert run(tmp_path, *jobs, force=True) == Outcome(written=4, kept=0)


def test_an_interruption_in_the_middle_is_continued(tmp_path: Path) -> None:
    made: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, job("a.png", made), several("b", made, 3, fail_at=2), job("c.png", made))
    assert sorted(seen(tmp_path)) == ["a.png", "b/0", "b/1"]
    assert run(tmp_path, job("a.png", made), several("b", made, 3), job("c.png", made)) == Outcome(written=2, kept=3)
    assert made == ["a.png", "b", "b", "c.png"]
    assert sorted(seen(tmp_path)) == ["a.png", "b/0", "b/1", "b/2", "c.png"]
    # what the interrupted run left behind is known to be ours, so other settings replace it
    assert run(tmp_path, several("b", made, 1), force=True, settings={"tile": 2}) == Outcome(written=1, kept=0)
    assert sorted(seen(tmp_path)) == ["b/0"]


def test_files_of_others_stay_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    made: list[str] = []
    assert run(tmp_path, job("a.png", made)) == Outcome(written=0, kept=1)
    assert made == []
    assert seen(tmp_path) == {"a.png": b"mine"}
    assert run(tmp_path, job("a.png", made), force=True) == Outcome(written=1, kept=0)
    assert seen(tmp_path) == {"a.png": b"data"}


def test_a_file_is_never_copied_onto_itself(tmp_path: Path) -> None:
    origin = tmp_path / "a.png"
    origin.write_bytes(b"mine")
    stamp = origin.stat().st_mtime_ns
    copy = Job("a.png", lambda: [("a.png", origin.read_bytes())], origin=origin)
    assert run(tmp_path, copy, force=True) == Outcome(written=0, kept=1)
    assert origin.stat().st_mtime_ns == stamp


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(InputError, match=r"a.png: cannot be written: No space left on device"):
        write_whole(tmp_path / "new" / "a.png", b"data")
    assert there(tmp_path) == {}


def test_a_process_that_dies_leaves_no_half_file(tmp_path: Path) -> None:
    """Killed in the middle of the third file, it leaves two, and a hidden part that the next run removes."""
    script = f"""
import os
from pathlib import Path
from segue.convert.jobs import Job, Log, run_jobs

def dying(self, data):
    with self.open("wb") as file:
        file.write(data[:2])
        file.flush()
        if "2.png" in self.name:
            os._exit(9)
        file.write(data[2:])

out = Path({str(tmp_path)!r})
jobs = [Job(f"{{i}}.png", lambda i=i: [(f"{{i}}.png", b"data")]) for i in range(4)]
Path.write_bytes = dying
run_jobs(jobs, out, Log(out, "town", {{}}), workers=1)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert seen(tmp_path) == {"0.png": b"data", "1.png": b"data"}
    (part,) = tmp_path.glob(".2.png.*.segue-part")
    assert part.read_bytes() == b"da"
    made: list[str] = []
    jobs = [job(f"{i}.png", made) for i in range(4)]
    assert run(tmp_path, *jobs) == Outcome(written=2, kept=2)
    assert made == ["2.png", "3.png"]
    assert seen(tmp_path) == {f"{i}.png": b"data" for i in range(4)}
    assert sorted(there(tmp_path)) == [".segue-convert-town.jsonl", "0.png", "1.png", "2.png", "3.png"]


def test_a_log_deletes_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    """A folder from elsewhere may bring a log; what is no entry is passed over."""
    out, mine = tmp_path / "out", tmp_path / "mine.txt"
    out.mkdir()
    mine.write_text("mine")
    lines = ['{"job": "a", "files": ["../mine.txt"]}', f'{{"job": "b", "files": ["{mine}"]}}', "[1]", "7", "{torn"]
    (out / ".segue-convert-town.jsonl").write_text("\n".join([*lines, '{"job": "c", "files": [7]}', '{"job": 1}']))
    assert run(out, job("a.png", []), force=True) == Outcome(written=1, kept=0)
    assert mine.read_text() == "mine"
    assert seen(out) == {"a.png": b"data"}


def test_other_settings_are_refused_without_force(tmp_path: Path) -> None:
    made: list[str] = []
    run(tmp_path, several("b", made, 2), settings={"tile": 1})
    with pytest.raises(InputError, match="holds results made with tile=1, now asked for tile=2; give another --out"):
        run(tmp_path, several("b", made, 1), settings={"tile": 2})
    assert sorted(seen(tmp_path)) == ["b/0", "b/1"]
    run(tmp_path, several("b", made, 1), settings={"tile": 2}, force=True)
    assert sorted(seen(tmp_path)) == ["b/0"]
