"""Where images come from: files, folders, patterns, bytes, arrays, tensors, Pillow images, lists, generators, videos,
cameras and streams, one after the other.

What cannot be read becomes an error in its place, so that it does not end the work.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from torch import Tensor

from segue.errors import DataError, InputError, SegueError
from segue.images.limits import check_file
from segue.images.read import IMAGE_SUFFIXES
from segue.inference.inputs import list_images, unique_names
from segue.system.near import near_path

#: how addresses of streams begin
STREAMS = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "tcp", "rtp", "srt")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ogv", ".3gp")


@dataclass(frozen=True)
class Video:
    """A video file, the index of a camera, or the address of a stream, as OpenCV's VideoCapture takes them.

    Raises:
        InputError: an address that is no stream's, or although the network is not to be used (``--offline``).
    """

    address: str | int

    def __post_init__(self) -> None:
        if self.ends or not isinstance(self.address, str):
            return
        scheme = self.address.partition("://")[0].lower()
        if scheme not in STREAMS or Path(self.address.partition("?")[0]).suffix.lower() in IMAGE_SUFFIXES:
            raise InputError(
                f"{self.address}: only video streams are read from an address ({', '.join(STREAMS)}); download a file "
                "first and name it"
            )
        if os.environ.get("SEGUE_OFFLINE"):
            raise InputError(f"{self.address}: a stream needs the network, which --offline forbids")

    @property
    def ends(self) -> bool:
        """Whether it is a file; a camera or stream goes on until it is stopped."""
        return isinstance(self.address, str) and "://" not in self.address

    @property
    def name(self) -> str:
        """What files of its frames begin with."""
        if isinstance(self.address, int):
            return f"camera{self.address}"
        return Path(self.address).stem if self.ends else re.sub(r"\W+", "_", self.address.partition("://")[2])[:60]

    def frames(self) -> Iterator[np.ndarray]:
        """(H, W, 3) uint8, BGR.

        Raises:
            DataError: it cannot be opened, or has no frame.
        """
        if self.ends:
            check_file(Path(str(self.address)))
        capture = cv2.VideoCapture(self.address)
        try:
            if not capture.isOpened():
                raise DataError(f"{self.address}: OpenCV cannot open this as a video, camera or stream")
            count = 0
            while True:
                read, frame = capture.read()
                if not read:
                    break
                count += 1
                yield frame
            if not count:
                raise DataError(f"{self.address}: no frame can be read from it")
        finally:
            capture.release()


@dataclass(frozen=True)
class Item:
    """An image on its way, or why there is none.

    Attributes:
        image: what `segue.inference.predictor.Predictor.predict` takes as one image.
        name: what files of it are called.
        error: that took the image's place.
        rgb: whether an array's colors are in this order, where that is known.
    """

    image: Any
    name: str
    error: SegueError | None = None
    rgb: bool | None = None


Source: TypeAlias = "Path | Video"


def is_video(image: Any) -> bool:
    """Whether this means a video file, a camera (an integer) or a stream (an address)."""
    if isinstance(image, bool):
        return False
    if isinstance(image, (int, np.integer, Video)):
        return True
    if not isinstance(image, (str, Path)):
        return False
    text = str(image)
    return "://" in text or Path(text).suffix.lower() in VIDEO_SUFFIXES or (text.isdigit() and not Path(text).exists())


def video_of(image: Any) -> Video:
    """What `is_video` found."""
    if isinstance(image, Video):
        return image
    text = str(image)
    return Video(int(text) if text.isdigit() else text)


def is_pattern(image: Any) -> bool:
    """Whether a path has ``*``, ``?`` or ``[`` and no such file is there."""
    return isinstance(image, (str, Path)) and glob.has_magic(str(image)) and not Path(image).exists()


def matched(pattern: str | Path) -> list[Path]:
    """The image and video files of a pattern, sorted; ``**`` reaches into folders below."""
    known = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)
    found = [Path(path) for path in sorted(glob.glob(str(pattern), recursive=True))]
    kept = [path for path in found if path.is_file() and path.suffix.lower() in known]
    if not kept:
        raise DataError(f"{pattern}: no image or video is named so{near_path(Path(pattern).parent)}")
    return kept


def list_sources(paths: Sequence[Any], *, recursive: bool = False) -> tuple[list[Source], int]:
    """The image files and videos that paths name, in order, and how many images in folders below were left out.

    Raises:
        DataError: a path that does not exist, or a folder or pattern without images.
    """
    found: list[Source] = []
    left_out = 0
    for path in paths:
        if is_pattern(path):
            found += [video_of(one) if is_video(one) else one for one in matched(path)]
        elif is_video(path):
            video = video_of(path)
            if video.ends and not Path(str(video.address)).exists():
                raise DataError(f"{path}: no such file or folder{near_path(Path(path))}")
            found.append(video)
        else:
            images, below = list_images([path], recursive=recursive)
            found += images
            left_out += below
    return found, left_out


def is_many(images: Any) -> bool:
    """Whether this is several images, and not one."""
    if isinstance(images, Tensor):
        return images.ndim == 4
    if isinstance(images, (str, Path)):
        return is_video(images) or is_pattern(images) or Path(images).is_dir()
    single = isinstance(images, (bytes, bytearray, memoryview, np.ndarray)) or any(
        hasattr(images, name) for name in ("convert", "read")
    )
    return is_video(images) or (not single and isinstance(images, Iterable))


def items_of(images: Any, *, recursive: bool = False, frames: int | None = None) -> Iterator[Item]:
    """Every image of whatever is handed over.

    Args:
        images: one image, or several: see `segue.inference.predictor.Predictor.predict`.
        recursive: of a folder, take the images below it, too.
        frames: most frames of each video, camera or stream.
    """
    if isinstance(images, (str, Path)) or is_video(images):
        images = [images]
    elif not is_many(images):
        yield Item(images, "image")
        return
    if isinstance(images, Sequence) and all(isinstance(one, (str, Path, Video)) for one in images):
        yield from _items_of_paths(images, recursive, frames)
        return
    for number, image in enumerate(images):
        if is_video(image) or isinstance(image, (str, Path)):
            yield from _items_of_paths([image], recursive, frames)
        else:
            yield Item(image, f"image_{number:06d}")


def _items_of_paths(paths: Sequence[Any], recursive: bool, frames: int | None) -> Iterator[Item]:
    found: list[Source | SegueError] = []
    for path in paths:
        try:
            plain = isinstance(path, (str, Path)) and not (is_video(path) or is_pattern(path) or Path(path).is_dir())
            found += [Path(path)] if plain else list_sources([path], recursive=recursive)[0]
        except SegueError as error:
            found.append(error)
    names = iter(unique_names([_path_of(one) for one in found if not isinstance(one, SegueError)]))
    for one in found:
        if isinstance(one, SegueError):
            yield Item(None, "", one)
        elif isinstance(one, Video):
            yield from _frames(one, next(names), frames)
        else:
            yield Item(one, next(names))


def _path_of(source: Source) -> Path:
    return Path(source.name if not source.ends else str(source.address)) if isinstance(source, Video) else source


def _frames(video: Video, name: str, most: int | None) -> Iterator[Item]:
    try:
        for number, frame in enumerate(islice(video.frames(), most)):
            yield Item(frame, f"{name}_{number:06d}", rgb=False)
    except SegueError as error:
        yield Item(None, name, error)
