"""Damaged and hostile containers: zip directories, storages and tensors that contradict themselves."""

from __future__ import annotations

import pickle
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from segue.checkpoints import read
from segue.checkpoints.safe.archive import Archive
from segue.errors import CheckpointError

from .files import MAGIC, legacy, storage, tensor, text, weights, zipped
from .payloads import TENSORS

DATA = struct.pack("<4f", 1, 2, 3, 4)


@pytest.mark.parametrize("container", ["zip", "legacy"])
@pytest.mark.parametrize("name", TENSORS)
def test_impossible_tensor(name: str, container: str, tmp_path: Path) -> None:
    """Each is refused before torch sees it, without allocating what it asks for."""
    value, message = TENSORS[name]
    path = tmp_path / "bad.pth"
    if container == "zip":
        zipped(path, weights(value), {"0": DATA})
    else:
        legacy(path, weights(value), {"0": (4, DATA)})
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=message):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_good_one(tmp_path: Path) -> None:
    """The builder of these tests makes readable files when nothing is wrong."""
    for path in (
        zipped(tmp_path / "a", weights(tensor()), {"0": DATA}),
        legacy(tmp_path / "b", weights(tensor()), {"0": (4, DATA)}),
    ):
        assert read(path).state_dict["w"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("key", ["../../etc/passwd", "0/../0", "missing", "0\0"])
def test_storage_key(key: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.pth", weights(tensor(where=storage(key))), {"0": DATA})
    with pytest.raises(CheckpointError, match="bytes of a storage are missing"):
        read(path)


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a\\..\\b"])
def test_entry_names_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.pth", weights(tensor()), {"0": DATA})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(CheckpointError, match="names that lead elsewhere"):
        read(path)


def test_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 MB of zeros in 200 kB are refused with nothing unpacked."""
    zeros = b"\0" * (200 << 20)
    path = zipped(tmp_path / "bad.pth", weights(tensor()), {"0": zeros}, zipfile.ZIP_DEFLATED)
    del zeros
    unpacked = []
    monkeypatch.setattr(Archive, "find", lambda self, entry: unpacked.append(entry.name))
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="unpacks to many times its size"):
        read(path)
    assert unpacked == [] and tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_zip_that_understates_its_size(tmp_path: Path) -> None:
    """The directory promises 16 bytes; the compressed stream has a million."""
    path = zipped(tmp_path / "bad.pth", weights(tensor()), {"0": b"\0" * 1_000_000}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    where = data.rindex(b"archive/data/0") - 46
    data[where + 24 : where + 28] = struct.pack("<I", 16)
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="unpacks to more than it declares"):
        read(path)


def test_compressed_file(tmp_path: Path) -> None:
    """A checkpoint that was zipped again is readable: random weights hardly shrink."""
    torch.save({"w": torch.randn(1000)}, tmp_path / "w.pth")
    with (
        zipfile.ZipFile(tmp_path / "w.pth") as old,
        zipfile.ZipFile(tmp_path / "z.pth", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert torch.equal(read(tmp_path / "z.pth").state_dict["w"], read(tmp_path / "w.pth").state_dict["w"])


def test_overlapping_entries(tmp_path: Path) -> None:
    """Many names for the same bytes, as in the zip bombs of David Fifield, add up to more than the file."""
    path = zipped(tmp_path / "bad.pth", weights(tensor()), {str(i): DATA * 100 for i in range(20)})
    data = bytearray(path.read_bytes())
    for match in [i for i in range(len(data)) if data[i : i + 4] == b"PK\1\2"]:
        data[match + 20 : match + 28] = struct.pack("<2I", 5000, 5000)
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="overlap"):
        read(path)


@pytest.mark.parametrize("size", [1, 2])
def test_flipped_bit_of_a_weight(size: int, tmp_path: Path) -> None:
    """The checksum finds it, in short and in long storages; torch.load would not notice."""
    path = tmp_path / "w.pth"
    torch.save({"w": torch.ones(size * 200_000)}, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"the checksum of its entry .*/data/0 is wrong"):
        read(path)


def test_checksums_left_out(tmp_path: Path) -> None:
    """torch can leave checksums out; such files are read."""
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"w": torch.ones(5)}, tmp_path / "w.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert read(tmp_path / "w.pth").state_dict["w"].sum() == 5


def test_big_endian(tmp_path: Path) -> None:
    """A zip file whose record says ``big`` is swapped; oracle: the numbers packed by struct."""
    for kind, layout in (("FloatStorage", ">4f"), ("ShortStorage", ">4h"), ("ByteStorage", ">4B")):
        path = tmp_path / f"{kind}.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/byteorder", b"big")
            archive.writestr("a/data.pkl", weights(tensor(where=storage(kind=kind))))
            archive.writestr("a/data/0", struct.pack(layout, 1, 2, 3, 4))
        assert read(path).state_dict["w"].tolist() == [1, 2, 3, 4]


def test_boolean_of_two(tmp_path: Path) -> None:
    bad = weights(tensor(where=storage(kind="BoolStorage")))
    for path in (zipped(tmp_path / "a", bad, {"0": b"\0\1\2\1"}), legacy(tmp_path / "b", bad, {"0": (4, b"\0\1\2\1")})):
        with pytest.raises(CheckpointError, match="boolean tensor holds other values"):
            read(path)


@pytest.mark.parametrize("zipped_file", [True, False])
def test_truncated(zipped_file: bool, tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1000)}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped_file)
    data = (tmp_path / "w.pth").read_bytes()
    for length in (3, 100, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.pth").write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"cut.pth is damaged"):
            read(tmp_path / "cut.pth")


def test_random_damage(tmp_path: Path) -> None:
    """600 files with random bytes changed end in a CheckpointError or a Checkpoint, never in another exception."""
    chance = random.Random(0)
    for zipped_file in (True, False):
        torch.save(
            {"state_dict": torch.nn.Linear(3, 2).state_dict()},
            tmp_path / "w.pth",
            _use_new_zipfile_serialization=zipped_file,
        )
        data = (tmp_path / "w.pth").read_bytes()
        for _ in range(300):
            changed = bytearray(data)
            for _ in range(chance.choice((1, 3, 10))):
                changed[chance.randrange(len(data))] = chance.randrange(256)
            (tmp_path / "bad.pth").write_bytes(changed)
            try:
                read(tmp_path / "bad.pth")
            except CheckpointError:
                continue


def test_torchscript_and_foreign_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", weights(b"N"))
        archive.writestr("a/constants.pkl", b"")
    with pytest.raises(CheckpointError, match="is a TorchScript program"):
        read(tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
        archive.writestr("readme.txt", b"hello")
    with pytest.raises(CheckpointError, match="without the parts of a torch checkpoint"):
        read(tmp_path / "b.pt")


def test_nested_zip_members_named_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", weights(text("x")))
        archive.writestr("a/data.pkl", weights(text("y")))
    with pytest.raises(CheckpointError, match="names that lead elsewhere"):
        read(tmp_path / "a.pt")


def test_legacy_storages_that_do_not_fit(tmp_path: Path) -> None:
    """Too few, too many, or with another count than the pickle declared."""
    for storages in ({}, {"0": (4, DATA), "1": (4, DATA)}, {"0": (5, DATA + b"1234")}, {"0": (4, DATA[:-1])}):
        path = legacy(tmp_path / "bad.pth", weights(tensor()), storages)  # type: ignore[arg-type]
        with pytest.raises(CheckpointError, match="damaged"):
            read(path)


ARRAY = pickle.dumps(np.zeros(3), 2)
HEAD = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True})]


@pytest.mark.parametrize(
    "parts",
    [
        [ARRAY],
        [HEAD[0], ARRAY],
        [HEAD[0], HEAD[1], ARRAY],
        [HEAD[0], HEAD[1], pickle.dumps({"little_endian": np.zeros(3)}, 2)],
        [*HEAD, ARRAY, ARRAY],
        [*HEAD, ARRAY, b"\x80\x02])" + b"2\x86" * 60 + b"a."],
    ],
)
def test_legacy_parts_of_the_wrong_kind(parts: list[bytes], tmp_path: Path) -> None:
    """Arrays, whose comparison is not a truth value, and tuples that hash for ever, in place of numbers and keys."""
    (tmp_path / "bad.pth").write_bytes(b"".join(parts))
    with pytest.raises(CheckpointError):
        read(tmp_path / "bad.pth")


def test_broken_compression(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.pth", weights(tensor()), {"0": DATA}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    where = data.index(b"archive/data/0") + len("archive/data/0")
    data[where : where + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="does not unpack"):
        read(path)
