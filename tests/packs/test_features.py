"""A store of arrays: entries are there whole or not at all, whoever writes and whatever happens to the files."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.errors import InputError
from segue.packs.features import ROW, FeatureStore

ARRAYS = [np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(5, dtype=np.uint8)]


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")  # ends in zeros


def equal(found: Any) -> bool:
    note, arrays = found
    return note == {"a": [1, "b"]} and all(
        np.array_equal(array, want.reshape(-1).view(np.uint8)) for array, want in zip(arrays, ARRAYS, strict=True)
    )


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    made = FeatureStore(tmp_path / "made")
    for number in (1, 2, 3):
        assert made.put(key(number), {"a": [1, "b"]}, ARRAYS)
    return made


def test_what_is_put_is_there(store: FeatureStore) -> None:
    assert len(store) == 3 and all(equal(store.get(key(n))) for n in (1, 2, 3))
    assert store.get(key(4)) is None
    again = FeatureStore(store.folder)
    assert len(again) == 3 and equal(again.get(key(2))) and again.nbytes == store.nbytes
    assert again.put(key(2), {"a": [1, "b"]}, ARRAYS)  # is there already
    assert len(list(store.folder.iterdir())) == 2


def test_other_processes(store: FeatureStore) -> None:
    """Two that write at once, and one that reads what came after it looked."""
    script = (
        "import sys, numpy as np; from pathlib import Path; from segue.packs.features import FeatureStore\n"
        "store = FeatureStore(Path(sys.argv[1]))\n"
        "for n in range(40): store.put((100 + n).to_bytes(16, 'little'), None, [np.full(1000, n, np.int32)])"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script, str(store.folder)]) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert store.get(key(139)) is None
    store.refresh()
    assert len(store) == 43
    for n in range(40):
        found = store.get(key(100 + n))
        assert found is not None and set(found[1][0].view(np.int32)) == {n}


def rows_file(store: FeatureStore) -> Path:
    return next(store.folder.glob("*.rows"))


@pytest.mark.parametrize("cut", [1, ROW.itemsize - 1, ROW.itemsize])
def test_a_row_that_was_cut_off(store: FeatureStore, cut: int) -> None:
    rows = rows_file(store)
    rows.write_bytes(rows.read_bytes()[:-cut])
    again = FeatureStore(store.folder)
    assert len(again) == 2 and again.get(key(3)) is None and equal(again.get(key(2)))


def test_a_row_that_is_completed_later(store: FeatureStore) -> None:
    """Another process reads while one is written."""
    rows = rows_file(store)
    whole = rows.read_bytes()
    rows.write_bytes(whole[:-7])
    again = FeatureStore(store.folder)
    rows.write_bytes(whole)
    again.refresh()
    assert equal(again.get(key(3)))


def test_damage_is_not_read(store: FeatureStore) -> None:
    data = rows_file(store).with_suffix(".bin")
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    again = FeatureStore(store.folder)
    assert again.get(key(3)) is None and again.damaged == 1 and equal(again.get(key(1)))
    assert again.put(key(3), {"a": [1, "b"]}, ARRAYS) and equal(again.get(key(3)))
    data.write_bytes(content[:40])
    assert FeatureStore(store.folder).get(key(2)) is None
    data.unlink()
    assert FeatureStore(store.folder).get(key(1)) is None
    rows = rows_file(store)
    rows.write_bytes(b"\xff" * 3 * ROW.itemsize)
    FeatureStore(store.folder)


def test_full_disk(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of an entry fits: it is taken back, and no more is tried."""
    from segue.packs import features

    data = rows_file(store).with_suffix(".bin")
    size = data.stat().st_size
    usual = features._write

    def short(stream: Any, given: memoryview) -> None:
        if len(given) > 40:
            usual(stream, given[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(stream, given)

    monkeypatch.setattr(features, "_write", short)
    assert not store.put(key(4), {"a": [1, "b"]}, ARRAYS)
    assert data.stat().st_size == size and store.stopped == "No space left on device"
    monkeypatch.undo()
    assert not store.put(key(5), {"a": [1, "b"]}, ARRAYS)
    assert equal(store.get(key(3))) and len(FeatureStore(store.folder)) == 3


def test_large_files_are_divided(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.packs.features._LARGEST_FILE", 100)
    store.put(key(7), {"a": [1, "b"]}, ARRAYS)
    assert len(list(store.folder.glob("*.bin"))) == 2
    assert len(FeatureStore(store.folder)) == 4 and equal(store.get(key(7)))


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="features cannot be kept there"):
        FeatureStore(tmp_path / "file" / "below")
