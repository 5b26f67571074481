"""Packs hold the decoded pixels, notice changed files, survive interruption, and can be read from several processes."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from segue.errors import DataError, InputError
from segue.images.read import read_image
from segue.packs import Pack, PackRoot
from segue.packs import write as writing
from segue.packs.read import name_below
from segue.packs.write import IMAGE, LABELS, PackSource, write_pack

COUNT = 5


@pytest.fixture
def data(tmp_path) -> Path:
    """Images of different sizes with label maps."""
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        size = 20 + i, 31 - i
        for folder, pixels in (
            ("images", rng.integers(0, 256, (*size, 3), dtype=np.uint8)),
            ("masks", rng.integers(0, 3, size, dtype=np.uint8)),
        ):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "data" / folder / f"{i}.png"), pixels)
    return tmp_path / "data"


def sources(data: Path) -> list[PackSource]:
    files = sorted(data.rglob("*.png"))
    kinds = {"images": IMAGE, "masks": LABELS}
    return [PackSource(str(f), name_below(str(data), str(f)), kinds[f.parent.name]) for f in files]


def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(writing, "_SHARD_BYTES", 4000)  # two pictures or so


def test_windows(data, tmp_path) -> None:
    """Oracle: the files' pixels."""
    done = write_pack(sources(data), tmp_path / "pack", workers=1)
    assert (done.pictures, done.written, done.shards) == (2 * COUNT, 1, 1)
    pack = Pack(tmp_path / "pack")
    assert len(pack) == 2 * COUNT
    root = PackRoot(pack, str(data))
    for i in range(COUNT):
        image = root.image(str(data / f"images/{i}.png"), "color", "cv2")
        assert image.size == (20 + i, 31 - i)
        pixels = read_image(data / f"images/{i}.png")
        for window in ((slice(3, 11), slice(5, 9)), (slice(None), slice(None)), (slice(0, 20 + i), slice(0, 1))):
            np.testing.assert_array_equal(image.read(window), pixels[window])
    labels = root.labels(str(data / "masks/2.png"))
    assert labels.values.tolist() == [0, 1, 2]
    assert labels.read((slice(0, 4), slice(0, 4))).shape == (4, 4)


def test_other_depths(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30)
    cv2.imwrite(str(tmp_path / "a/deep.png"), deep)
    np.save(tmp_path / "a/many.npy", np.zeros((4, 6, 7), np.float32))
    files = [PackSource(str(tmp_path / "a" / name), name, IMAGE) for name in ("deep.png", "many.npy")]
    files.append(PackSource(str(tmp_path / "a/deep.png"), "deep.png", LABELS))
    write_pack(files, tmp_path / "pack", color_type="unchanged", workers=1)
    root = PackRoot(Pack(tmp_path / "pack"), str(tmp_path / "a"))
    window = slice(2, 4), slice(1, 5)
    image = root.image(str(tmp_path / "a/deep.png"), "unchanged", "cv2")
    np.testing.assert_array_equal(image.read(window), deep[window])
    assert root.labels(str(tmp_path / "a/deep.png")).dtype == np.int32
    assert root.image(str(tmp_path / "a/many.npy"), "unchanged", "cv2").read(window).shape == (2, 4, 7)


def test_interrupted_runs_go_on(data, tmp_path, monkeypatch) -> None:
    """Shards that are there stay; without pack.json the folder is no pack."""
    small_shards(monkeypatch)
    (data / "masks/4.png").rename(tmp_path / "aside.png")
    files = sources(data)
    files.append(PackSource(str(data / "masks/4.png"), "masks/4.png", LABELS))
    with pytest.raises(DataError, match=r"4\.png: the file does not exist"):
        write_pack(files, tmp_path / "pack", workers=1)
    with pytest.raises(DataError, match="was not finished; run segue pack again, it goes on"):
        Pack(tmp_path / "pack")
    assert not list((tmp_path / "pack").glob(".*.segue-part"))
    (tmp_path / "aside.png").rename(data / "masks/4.png")
    seen: list[tuple[int, int]] = []
    done = write_pack(files, tmp_path / "pack", workers=1, progress=lambda *numbers: seen.append(numbers))
    assert done.written < done.shards
    assert seen[-1] == (2 * COUNT, 2 * COUNT)
    assert write_pack(files, tmp_path / "pack", workers=1).written == 0


def test_changed_files_are_noticed(data, tmp_path, monkeypatch) -> None:
    """By size and time, then by content: a file that was only touched is the same."""
    small_shards(monkeypatch)
    write_pack(sources(data), tmp_path / "pack", workers=1)
    path = data / "images/1.png"
    root = PackRoot(Pack(tmp_path / "pack"), str(data))
    os.utime(path, (1, 1))
    assert root.image(str(path), "color", "cv2").size == (21, 30)
    cv2.imwrite(str(path), np.full((21, 30, 3), 9, np.uint8))
    os.utime(path, (2, 2))
    with pytest.raises(DataError, match=r"1\.png: has changed since it was packed into .*pack; run segue pack again"):
        PackRoot(Pack(tmp_path / "pack"), str(data)).image(str(path), "color", "cv2")
    done = write_pack(sources(data), tmp_path / "pack", workers=1)
    assert 0 < done.written < done.shards
    image = PackRoot(Pack(tmp_path / "pack"), str(data)).image(str(path), "color", "cv2")
    assert (image.read((slice(None), slice(None))) == 9).all()


def test_data_may_move(data, tmp_path) -> None:
    write_pack(sources(data), tmp_path / "pack", workers=1)
    data.rename(tmp_path / "moved")
    root = PackRoot(Pack(tmp_path / "pack"), str(tmp_path / "moved"))
    assert root.labels(str(tmp_path / "moved/masks/0.png")).size == (20, 31)


def test_several_processes(data, tmp_path, monkeypatch) -> None:
    """Written by two processes, read by two more that were given the pack."""
    small_shards(monkeypatch)
    done = write_pack(sources(data), tmp_path / "pack", workers=2)
    assert done.written == done.shards > 1
    root = PackRoot(Pack(tmp_path / "pack"), str(data))
    paths = [str(data / f"images/{i}.png") for i in range(COUNT)]
    sums = [int(read_image(path).sum()) for path in paths]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(_sum, [(root, path) for path in paths]) == sums
    assert pickle.loads(pickle.dumps(root)).labels(str(data / "masks/0.png")).size == (20, 31)
    assert copy.deepcopy(root).pack is root.pack  # it comes with every sample


def _sum(root: PackRoot, path: str) -> int:
    return int(root.image(path, "color", "cv2").read((slice(None), slice(None))).sum())


def test_what_does_not_fit_is_refused(data, tmp_path) -> None:
    files = sources(data)
    with pytest.raises(InputError, match="data: is not empty and no pack; name a new folder"):
        write_pack(files, data, workers=1)
    with pytest.raises(InputError, match="no files to pack"):
        write_pack([], tmp_path / "none")
    write_pack(files[:4], tmp_path / "pack", workers=1)
    root = PackRoot(Pack(tmp_path / "pack"), str(data))
    with pytest.raises(
        DataError, match=r"4\.png: this image is not in the pack .*; run segue pack again, which adds it"
    ):
        root.image(str(data / "images/4.png"), "color", "cv2")
    with pytest.raises(
        InputError, match=r"color_type='grayscale'.*were decoded with 'color' and 'cv2'; pack them again"
    ):
        root.image(str(data / "images/0.png"), "grayscale", "cv2")
    (data / "images/0.png").unlink()
    with pytest.raises(DataError, match=r"0\.png: cannot be read"):
        root.image(str(data / "images/0.png"), "color", "cv2")


def test_full_disk(data, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(InputError, match=r"pack: about 0\.0 GB are needed, 0\.0 GB are free"):
        write_pack(sources(data), tmp_path / "pack", workers=1)


def test_damaged_packs_are_named(data, tmp_path) -> None:
    with pytest.raises(DataError, match=r"no pack: pack\.json is missing, the folder does not exist"):
        Pack(tmp_path / "pack")
    write_pack(sources(data), tmp_path / "pack", workers=1)
    shard = tmp_path / "pack/shard-00000.bin"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(DataError, match=rf"shard-00000\.bin: missing or not {len(content)} bytes long"):
        Pack(tmp_path / "pack")
    assert write_pack(sources(data), tmp_path / "pack", workers=1).written == 1
    header = tmp_path / "pack/pack.json"
    about = json.loads(header.read_text())
    header.write_text(json.dumps({**about, "version": 99}))
    with pytest.raises(DataError, match="a pack of version 99, this Segue reads 1"):
        Pack(tmp_path / "pack")
    header.write_text("{")
    with pytest.raises(DataError, match="damaged pack"):
        Pack(tmp_path / "pack")


def test_other_settings_pack_anew(data, tmp_path) -> None:
    write_pack(sources(data), tmp_path / "pack", workers=1)
    assert write_pack(sources(data), tmp_path / "pack", color_type="grayscale", workers=1).written == 1
    assert Pack(tmp_path / "pack").color_type == "grayscale"
