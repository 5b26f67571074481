"""Multilabel annotations: which of several classes each pixel has, as a stack of one map per class.

A stack is (H, W, K) uint8 while images move through a pipeline and (K, H, W) in tensors: 1 where the pixel has class k,
0 where it has not, 255 where nobody knows. Every transform that moves an image (H, W, C) moves it as it is, any number
of classes fits, and a class can be unknown where the others are known, which bits in one integer could not say.

On disk a stack is a file per class, a file with a channel per class, or a file whose bits are the classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from segue.errors import InputError, LabelError
from segue.images.read import Array, decode_image, read_bytes
from segue.images.tiff import is_tiff, read_header
from segue.images.volumes import decode_npy
from segue.masks.decode import decode_mask, read_mask
from segue.masks.labels import IGNORE, label_counts
from segue.types import Size

#: ``classes``: a file per class; ``channels``: one file with a channel per class; ``bits``: class k is bit k.
Storage: TypeAlias = Literal["classes", "channels", "bits"]

_WRONG = 2  # what a value becomes that means neither yes, no nor unknown


@dataclass(frozen=True)
class StackFiles:
    """Where the annotation of one image is, and how to read it.

    Attributes:
        files: a path per class, None where a class has no file; or one path.
        storage: see `Storage`.
        void: value of unknown pixels in the files; None: there are none.
        label_map: (value, 0, 1 or 255) pairs in place of the usual 0: no, 1 and 255: yes.
        absent: what the pixels of a class without a file are: 0 or 255.
    """

    files: tuple[str | None, ...]
    storage: Storage = "classes"
    void: int | None = None
    label_map: tuple[tuple[int, int], ...] | None = None
    absent: int = 0

    @property
    def shown(self) -> str:
        """A path for messages; empty where there is no file at all."""
        return next((path for path in self.files if path), "")

    def read(self, num_classes: int, size: Size | None = None) -> Array:
        """The stack (H, W, K); ``size`` (H, W) is that of the image, needed where no class has a file.

        Raises:
            LabelError: values that mean nothing, or files of different sizes.
            DataError: a file that cannot be read.
        """
        return self.combined(self.arrays(), num_classes, size)

    def arrays(self) -> list[Array | None]:
        """The values of each file as they are: (H, W), or (H, W, K) of channels."""
        read = read_channels if self.storage == "channels" else read_mask
        return [None if path is None else read(path) for path in self.files]

    def combined(self, arrays: Sequence[Array | None], num_classes: int, size: Size | None = None) -> Array:
        """The stack that `arrays` mean; see `read`."""
        first = arrays[0]
        if self.storage == "channels" and first is not None:
            return self._channels(first, num_classes)
        if self.storage == "bits" and first is not None:
            return self._bits(first, num_classes)
        size = next((one.shape for one in arrays if one is not None), size)
        if size is None:
            raise InputError("an image without a single mask file: its size must be known to read its labels")
        stack = np.full((*size, len(arrays)), self.absent, np.uint8)
        for index, (one, path) in enumerate(zip(arrays, self.files, strict=True)):
            if one is None:
                continue
            if one.shape != tuple(size):
                raise LabelError(
                    f"{path}: the mask is {one.shape[1]} x {one.shape[0]} pixels, that of another class, {self.shown}, "
                    f"{size[1]} x {size[0]}; they must be equal"
                )
            stack[..., index] = self.decided(one, path)
        return stack

    def meaningless(self, values: Iterable[int]) -> list[int]:
        """Which of some values of files are neither yes, no nor unknown."""
        table = self._table()
        return [value for value in values if not 0 <= value <= 255 or table[value] == _WRONG]

    def decided(self, values: Array, path: str | None) -> Array:
        """Values of a file, of any shape, to 0, 1 and 255.

        Raises:
            LabelError: other values than the files may have; it names them.
        """
        if values.dtype != np.uint8:
            if values.size and (values.min() < 0 or values.max() > 255):
                raise self._refusal(values, path)
            values = values.astype(np.uint8)
        rows = np.ascontiguousarray(values).reshape(len(values), -1)  # OpenCV takes a limited number of channels
        new = cv2.LUT(rows, self._table()).reshape(values.shape)
        if (new == _WRONG).any():
            raise self._refusal(values[new == _WRONG], path)
        return new

    def _table(self) -> Array:
        table = np.full(256, _WRONG, np.uint8)
        table[[0, 1, 255]] = 0, 1, 1
        for value, meaning in self.label_map or ():
            if 0 <= value <= 255:
                table[value] = IGNORE if meaning == -1 else meaning
        if self.void is not None and 0 <= self.void <= 255:
            table[self.void] = IGNORE
        return table

    def _refusal(self, values: Array, path: str | None) -> LabelError:
        counts = [(value, count) for value, count in label_counts(values).items() if value not in (0, 1, 255)]
        listed = ", ".join(f"{value} ({count} pixels)" for value, count in counts[:6])
        many = len(counts) > 6
        advice = (
            "they were smoothed or saved as JPEG; to cut at half, label_map={value: int(value > 127) for value in "
            "range(256)}"
            if many
            else f"say what they mean: label_map={{{counts[0][0]}: 1}}, or ignore_index={counts[0][0]} for unknown"
        )
        return LabelError(
            f"{path}: values {listed}{' ...' * many} in the mask of a class, which holds 0 for no and 1 or 255 for "
            f"yes; {advice}"
        )

    def _channels(self, array: Array, num_classes: int) -> Array:
        if array.shape[2] != num_classes:
            given = f"has {array.shape[2]} channels for {num_classes} classes"
            raise LabelError(f"{self.shown}: {given}; a multilabel mask has one for each")
        return self.decided(array, self.shown)

    def _bits(self, mask: Array, num_classes: int) -> Array:
        unknown = np.zeros(mask.shape, bool) if self.void is None else mask == self.void
        top = int(mask[~unknown].max(initial=0))
        if top >= 1 << num_classes or mask[~unknown].min(initial=0) < 0:
            raise LabelError(
                f"{self.shown}: holds {top}, but the bits of {num_classes} classes make 0..{(1 << num_classes) - 1}; "
                "set ignore_index to the value of unknown pixels, or name all classes"
            )
        stack = ((mask[..., None].astype(np.int64) >> np.arange(num_classes)) & 1).astype(np.uint8)
        stack[unknown] = IGNORE
        return stack


def read_channels(path: str) -> Array:
    """A file with a channel per class, (H, W, K), in the order of the file.

    Raises:
        LabelError: its values are no integers.
    """
    data = read_bytes(path)
    numpy_file = data[:6] == b"\x93NUMPY"
    array = decode_npy(data, path) if numpy_file else decode_image(data, "unchanged", path=path)
    if array.ndim == 2 and not numpy_file:  # an image's grays of few bits are stretched, a label's are not
        array = decode_mask(data, path)
    if array.dtype.kind not in "biu" or array.ndim not in (2, 3):
        raise LabelError(
            f"{path}: holds {array.dtype} of shape {array.shape}; a multilabel mask is integers or booleans (H, W, "
            "classes)"
        )
    array = array.astype(np.uint8) if array.dtype == np.bool_ else array
    if array.ndim == 2:
        return array[..., None]
    own_order = numpy_file or (is_tiff(data) and not read_header(data, path).plain)
    if array.shape[2] in (3, 4) and not own_order:
        array = array[..., [2, 1, 0, *range(3, array.shape[2])]]  # colors were read as blue, green, red
    return np.ascontiguousarray(array)


def check_stack_map(label_map: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """{value in the files: 0, 1, or 255 for unknown} as `StackFiles` keeps it.

    Raises:
        InputError: another meaning.
    """
    for value, meaning in label_map.items():
        if not isinstance(value, int) or meaning not in (0, 1, IGNORE, -1):
            raise InputError(
                f"label_map of multilabel masks says what a value of a class's mask means: 0 (no), 1 (yes) or {IGNORE} "
                f"(unknown); {value!r}: {meaning!r} is none of these"
            )
    return tuple(label_map.items())
