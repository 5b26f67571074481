"""What a plan fixes, and how large its blocks are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from segue.errors import DataError, InputError
from segue.inference.scenes import plan as module
from segue.inference.scenes.plan import Plan, Source, Unit, digest, strides_of
from segue.inference.scenes.settings import Settings


def made(settings: Settings | None = None, **changes: object) -> Plan:
    sources = (Source(Path("/here/a.tif"), "a", (300, 200), "1"), Source(Path("/here/b.tif"), "b", (90, 80), "2"))
    facts = {"sources": sources, "settings": settings or Settings(100, 20), "model": "m", "classes": ("x", "y")}
    return Plan(**facts | {"strides": 2, "logits": 2} | changes)  # type: ignore[arg-type]


def test_units_are_all_blocks() -> None:
    assert list(made().units()) == [*(Unit(0, row, column) for row in (0, 1) for column in (0, 1)), Unit(1, 0, 0)]


def test_paths_do_not_matter(tmp_path: Path) -> None:
    plan = made()
    plan.keep(tmp_path / "blocks")
    moved = tuple(Source(Path("/there") / s.path.name, s.name, s.size, s.digest) for s in plan.sources)
    made(sources=moved).keep(tmp_path / "blocks")
    for changes, message in (
        ({"model": "n"}, "another model or other weights"),
        ({"classes": ("x", "z")}, "another classes"),
        ({"sources": plan.sources[:1]}, "2 sources, now 1"),
        ({"settings": Settings(100, 20, "mean")}, "blend gaussian, now mean"),
    ):
        with pytest.raises(InputError, match=rf"holds blocks of another plan \({message}\); remove the folder"):
            made(**changes).keep(tmp_path / "blocks")
    (tmp_path / "blocks" / "plan.json").write_text("{")
    with pytest.raises(InputError, match=r"its plan\.json is damaged"):
        plan.keep(tmp_path / "blocks")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/blocks: cannot write there"):
        plan.keep(tmp_path / "file" / "blocks")


def test_a_digest_is_of_length_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, data = tmp_path / "a", bytes(range(256)) * 40
    path.write_bytes(data)
    assert digest(path) == hashlib.sha256(b"10240 " + data).hexdigest()
    monkeypatch.setattr(module, "PIECE", 16)
    before = digest(path)  # of 64 pieces of 16 bytes
    for place in (0, len(data) - 1):
        path.write_bytes(data[:place] + b"!" + data[place + 1 :])
        assert digest(path) != before
    path.write_bytes(data + b"!")
    assert digest(path) != before
    with pytest.raises(DataError, match="gone: cannot be read"):
        digest(tmp_path / "gone")


def test_blocks_are_as_large_as_memory_allows() -> None:
    quarter = 19 * 256**2 * 4  # logits of a tile at a quarter of its resolution
    assert strides_of(Settings(), quarter, 19) == 8
    assert strides_of(Settings(), 16 * quarter, 19) == 2  # at full resolution
    assert strides_of(Settings(), 16 * 8 * quarter, 150) == 1
    assert strides_of(Settings(save=("probabilities",)), quarter, 19) == 2
    assert strides_of(Settings(block=5), 16 * quarter, 19) == 5
