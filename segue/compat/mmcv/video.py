"""mmcv.video: frames of a file by OpenCV, and cutting and joining files by the program ``ffmpeg``."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError, InputError

Array = NDArray[Any]


class Cache:
    """The things that were put in last, by key."""

    def __init__(self, capacity: int) -> None:
        self._cache: OrderedDict[Any, Any] = OrderedDict()
        self._capacity = int(capacity)
        if capacity <= 0:
            raise ValueError("capacity must be a positive integer")

    @property
    def capacity(self) -> int:
        """How many there is room for."""
        return self._capacity

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._cache)

    def put(self, key: Any, val: Any) -> None:
        """Put one in; the oldest goes."""
        if key in self._cache:
            return
        if len(self._cache) >= self.capacity:
            self._cache.popitem(last=False)
        self._cache[key] = val

    def get(self, key: Any, default: Any = None) -> Any:
        """The one of a key."""
        return self._cache.get(key, default)


class VideoReader:
    """Frames (H, W, 3) uint8 BGR of a video file, by number, by slice or one after another.

    Args:
        filename: the file.
        cache_capacity: how many frames are kept.
    """

    def __init__(self, filename: Any, cache_capacity: int = 10) -> None:
        if not str(filename).startswith(("https://", "http://")) and not Path(filename).is_file():
            raise FileNotFoundError(f"Video file not found: {filename}")
        self._vcap = cv2.VideoCapture(str(filename))
        if not self._vcap.isOpened():
            raise DataError(f"{filename}: OpenCV cannot open it as a video")
        if cache_capacity <= 0:
            raise AssertionError("cache_capacity must be positive")
        self._cache = Cache(cache_capacity)
        self._position = 0
        self._width, self._height = self._number(cv2.CAP_PROP_FRAME_WIDTH), self._number(cv2.CAP_PROP_FRAME_HEIGHT)
        self._fps = float(self._vcap.get(cv2.CAP_PROP_FPS))
        self._frame_cnt, self._fourcc = self._number(cv2.CAP_PROP_FRAME_COUNT), self._vcap.get(cv2.CAP_PROP_FOURCC)

    def _number(self, what: int) -> int:
        return int(self._vcap.get(what))

    @property
    def vcap(self) -> Any:
        """OpenCV's capture."""
        return self._vcap

    @property
    def opened(self) -> bool:
        """Whether it is open."""
        return bool(self._vcap.isOpened())

    @property
    def width(self) -> int:
        """Pixels."""
        return self._width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._height

    @property
    def resolution(self) -> tuple[int, int]:
        """(width, height)."""
        return self._width, self._height

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    @property
    def frame_cnt(self) -> int:
        """How many frames there are, by the file's own word."""
        return self._frame_cnt

    @property
    def fourcc(self) -> float:
        """The codec's code."""
        return float(self._fourcc)

    @property
    def position(self) -> int:
        """The number of the frame that is read next."""
        return self._position

    def read(self) -> Array | None:
        """The next frame; None at the end."""
        found = self._cache.get(self._position)
        if found is None:
            if self._number(cv2.CAP_PROP_POS_FRAMES) != self._position:
                self._seek(self._position)
            done, found = self._vcap.read()
            if not done:
                return None
            self._cache.put(self._position, found)
        self._position += 1
        return np.asarray(found)

    def _seek(self, frame: int) -> None:
        """Go to a frame; where the codec leads to another one, from the beginning on."""
        self._vcap.set(cv2.CAP_PROP_POS_FRAMES, frame)
        if self._number(cv2.CAP_PROP_POS_FRAMES) != frame:
            self._vcap.set(cv2.CAP_PROP_POS_FRAMES, 0)
            for _ in range(frame):
                self._vcap.grab()

    def get_frame(self, frame_id: int) -> Array | None:
        """A frame by number.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= frame_id < self._frame_cnt:
            raise IndexError(f'"frame_id" must be between 0 and {self._frame_cnt - 1}')
        self._position = frame_id
        return self.read()

    def current_frame(self) -> Array | None:
        """The frame that was read last; None before the first."""
        return None if self._position == 0 else self._cache.get(self._position - 1)

    def cvt2frames(
        self,
        frame_dir: Any,
        file_start: int = 0,
        filename_tmpl: str = "{:06d}.jpg",
        start: int = 0,
        max_num: int = 0,
        show_progress: bool = True,
    ) -> None:
        """Write frames as pictures into a folder, from ``start`` on, ``max_num`` of them, or all."""
        Path(frame_dir).mkdir(parents=True, exist_ok=True)
        stop = self._frame_cnt if max_num <= 0 else min(start + max_num, self._frame_cnt)
        self._position = start
        for index in range(stop - start):
            frame = self.read()
            if frame is None:
                break
            cv2.imwrite(str(Path(frame_dir) / filename_tmpl.format(file_start + index)), frame)

    def __len__(self) -> int:
        return self._frame_cnt

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.get_frame(i) for i in range(*index.indices(self._frame_cnt))]
        if index < 0:
            index += self._frame_cnt
            if index < 0:
                raise IndexError("index out of range")
        return self.get_frame(index)

    def __iter__(self) -> Iterator[Array]:
        self._position = 0
        return self

    def __next__(self) -> Array:
        found = self.read()
        if found is None:
            raise StopIteration
        return found

    next = __next__

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: Any) -> None:
        self._vcap.release()


def frames2video(
    frame_dir: Any,
    video_file: Any,
    fps: float = 30,
    fourcc: str = "XVID",
    filename_tmpl: str = "{:06d}.jpg",
    start: int = 0,
    end: int = 0,
    show_progress: bool = True,
) -> None:
    """Join a folder's pictures, numbered from ``start`` to before ``end`` (or as far as there are), to a video."""
    folder = Path(frame_dir)
    stop = end or start + sum(1 for _ in folder.glob(f"*{Path(filename_tmpl).suffix}"))
    writer = None
    for index in range(start, stop):
        path = folder / filename_tmpl.format(index)
        frame = cv2.imread(str(path))
        if frame is None:
            raise DataError(f"{path}: the frame does not exist, or is no picture")
        if writer is None:
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(video_file), cv2.VideoWriter.fourcc(*fourcc), fps, size)
            if not writer.isOpened():
                raise InputError(f"{video_file}: OpenCV cannot write it with fourcc={fourcc!r}")
        writer.write(frame)
    if writer is not None:
        writer.release()


def _run(arguments: Sequence[str], print_cmd: bool) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise RuntimeError("the program ffmpeg is not there; install it, or read frames with VideoReader")
    if print_cmd:
        print("ffmpeg", *arguments)
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"ffmpeg ended with status {done.returncode}: {' '.join(arguments)}")


def convert_video(in_file: Any, out_file: Any, print_cmd: bool = False, pre_options: str = "", **kwargs: Any) -> None:
    """Convert a video; further arguments are options of ffmpeg: ``convert_video(a, b, vcodec='h264', an=True)``."""
    options: list[str] = []
    for key, value in kwargs.items():
        if isinstance(value, bool):
            options += [f"-{key}"] if value else []
        elif key == "log_level":
            options += ["-loglevel", str(value)]
        else:
            options += [f"-{key}", str(value)]
    _run(["-y", *pre_options.split(), "-i", str(in_file), *options, str(out_file)], print_cmd)


def resize_video(
    in_file: Any,
    out_file: Any,
    size: tuple[int, int] | None = None,
    ratio: Any = None,
    keep_ar: bool = False,
    log_level: str = "info",
    print_cmd: bool = False,
) -> None:
    """Scale a video to (width, height), or by a factor or two; ``keep_ar`` keeps the shape within the size."""
    if (size is None) == (ratio is None):
        raise ValueError("give one of size and ratio")
    if size is not None:
        scale = f"scale={size[0]}:{size[1]}" + (":force_original_aspect_ratio=decrease" if keep_ar else "")
    else:
        across, down = ratio if isinstance(ratio, (tuple, list)) else (ratio, ratio)
        scale = f"scale=w=trunc({across}*iw):h=trunc({down}*ih)"
    convert_video(in_file, out_file, print_cmd, vf=scale, log_level=log_level)


def cut_video(
    in_file: Any,
    out_file: Any,
    start: float | None = None,
    end: float | None = None,
    vcodec: str | None = None,
    acodec: str | None = None,
    log_level: str = "info",
    print_cmd: bool = False,
) -> None:
    """The part from ``start`` to ``end`` seconds; without codecs nothing is coded anew."""
    options: dict[str, Any] = {"log_level": log_level, "vcodec": vcodec or "copy", "acodec": acodec or "copy"}
    if start:
        options["ss"] = start
    if end is not None:
        options["t"] = end - (start or 0)
    convert_video(in_file, out_file, print_cmd, **options)


def concat_video(
    video_list: Sequence[Any],
    out_file: Any,
    vcodec: str | None = None,
    acodec: str | None = None,
    log_level: str = "info",
    print_cmd: bool = False,
) -> None:
    """Videos after each other; without codecs nothing is coded anew."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "list.txt"
        quoted = [str(Path(name).resolve()).replace("'", r"'\''") for name in video_list]
        listed.write_text("".join(f"file '{name}'\n" for name in quoted), encoding="utf-8")
        options = {"log_level": log_level, "vcodec": vcodec or "copy", "acodec": acodec or "copy"}
        convert_video(listed, out_file, print_cmd, pre_options="-f concat -safe 0", **options)
