"""Videos: frames that are written and read, and what ffmpeg is asked for, by a program that stands in for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segue.compat.mmcv import video
from segue.errors import DataError


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Eight frames of 32 x 24 that grow brighter."""
    for index in range(8):
        cv2.imwrite(str(tmp_path / f"{index:06d}.jpg"), np.full((24, 32, 3), 20 * index + 10, np.uint8))
    video.frames2video(tmp_path, tmp_path / "a.avi", fps=10, fourcc="MJPG")
    return tmp_path / "a.avi"


def level(frame: Any) -> int:
    return round((float(np.mean(frame)) - 10) / 20)


def test_frames(film: Path, tmp_path: Path) -> None:
    with video.VideoReader(film) as reader:
        assert (len(reader), reader.resolution, reader.fps) == (8, (32, 24), 10)
        assert [level(frame) for frame in reader] == list(range(8))
        assert level(reader[5]) == 5 and reader.position == 6 and level(reader.current_frame()) == 5
        assert [level(frame) for frame in reader[1:6:2]] == [1, 3, 5] and level(reader[-1]) == 7
        reader.cvt2frames(tmp_path / "out", start=2, max_num=3, file_start=1)
        with pytest.raises(IndexError):
            reader.get_frame(8)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{i:06d}.jpg" for i in (1, 2, 3)]


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Video file not found"):
        video.VideoReader(tmp_path / "no.avi")
    with pytest.raises(DataError, match=r"000003\.jpg: the frame does not exist"):
        video.frames2video(tmp_path, tmp_path / "a.avi", start=3, end=4)


def test_cache() -> None:
    cache = video.Cache(2)
    for key in (1, 2, 3):
        cache.put(key, key * 10)
    assert cache.size == 2 and cache.get(1) is None and cache.get(3) == 30 and cache.get(9, 5) == 5
    with pytest.raises(ValueError, match="positive"):
        video.Cache(0)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in was given, a line of JSON each."""
    program = tmp_path / "bin/ffmpeg"
    program.parent.mkdir()
    noted = tmp_path / "asked"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\nwith open({str(noted)!r}, 'a') as f:\n"
        "    f.write(json.dumps(sys.argv[1:]) + '\\n')\nsys.exit('bad' in sys.argv)\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return noted


def test_ffmpeg(asked: Path) -> None:
    video.convert_video("a", "b", pre_options="-x 1", vcodec="h264", an=True, sn=False)
    video.resize_video("a", "b", (4, 2), keep_ar=True)
    video.resize_video("a", "b", ratio=0.5)
    video.cut_video("a", "b", 3, 10, vcodec="h264")
    video.concat_video(["a", "it's"], "b")
    lines = [json.loads(line) for line in asked.read_text().splitlines()]
    assert lines[0] == ["-y", "-x", "1", "-i", "a", "-vcodec", "h264", "-an", "b"]
    assert "scale=4:2:force_original_aspect_ratio=decrease" in lines[1]
    assert "scale=w=trunc(0.5*iw):h=trunc(0.5*ih)" in lines[2]
    assert " ".join(lines[3]).endswith("-vcodec h264 -acodec copy -ss 3 -t 7 b")
    assert lines[4][:5] == ["-y", "-f", "concat", "-safe", "0"]
    with pytest.raises(RuntimeError, match="ffmpeg ended with status 1"):
        video.convert_video("bad", "b")
    with pytest.raises(ValueError, match="one of size and ratio"):
        video.resize_video("a", "b")


def test_without_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="the program ffmpeg is not there"):
        video.cut_video("a", "b")
