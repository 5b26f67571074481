"""MATLAB files of label maps, as SBD's ``GTcls.Segmentation`` or a plain matrix. Levels 5 to 7, by scipy."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from segue.errors import DataError, LabelError
from segue.images.read import Array, read_bytes
from segue.masks.decode import as_labels
from segue.masks.names import Names
from segue.masks.reader import MaskReader

#: Names of matrices that are label maps, where there are others.
SEGMENTATION = ("segmentation", "labels", "label", "labelmap", "groundtruth", "gt", "mask", "seg")
_COMPRESSED = 15
_MOST_BYTES = 1 << 30  # compressed data may swell a thousandfold


class MatReader(MaskReader):
    """One matrix of whole numbers per file.

    Args:
        root: folder of the files.
        names: not needed: the values are labels as in a picture.
        variable: name of the matrix, with dots for fields of structures; None takes the only matrix there is, or the
            only one called ``Segmentation``, ``labels`` or alike.
    """

    format = "mat"
    suffixes = (".mat",)
    named = False

    def __init__(self, root: str, names: Names | None = None, variable: str | None = None) -> None:
        super().__init__(root, names)
        self.variable = variable

    def read(self, place: str, image: str) -> Array:
        """(H, W) values."""
        matrices = dict(_matrices(_content(place)))
        listed = ", ".join(f"{key} {value.shape}" for key, value in matrices.items()) or "nothing"
        if self.variable is not None:
            if self.variable not in matrices:
                raise LabelError(f"{place}: has no matrix {self.variable!r}; it has {listed}")
            return as_labels(matrices[self.variable], place)
        large = {key: value for key, value in matrices.items() if value.ndim == 2 and min(value.shape) > 1}
        named = [key for key in large if key.rpartition(".")[2].lower() in SEGMENTATION]
        if len(large) != 1 and len(named) == 1:  # as CrackForest's groundTruth.Segmentation beside its Boundaries
            return as_labels(large[named[0]], place)
        if len(large) != 1:
            raise LabelError(
                f"{place}: which matrix holds the labels? It has {listed}; name it: mask_format=dict(type='mat', "
                "variable=...)"
            )
        return as_labels(next(iter(large.values())), place)


def _content(path: str) -> dict[str, Any]:
    """The variables of a file."""
    data = read_bytes(path)
    _check(data, path)
    from io import BytesIO

    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(BytesIO(data), struct_as_record=True, squeeze_me=False)
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError, zlib.error, struct.error) as error:
        raise DataError(f"{path}: not a MATLAB file that can be read, or a damaged one: {error}") from error
    return {key: value for key, value in content.items() if not key.startswith("__")}


def text_cells(path: str) -> list[str]:
    """The texts of the only cell array in a file, such as names of classes; nothing where there is none."""
    for value in _content(path).values():
        if isinstance(value, np.ndarray) and value.dtype == object:
            texts = [
                str(cell.item()) for cell in value.ravel() if getattr(cell, "size", 0) == 1 and cell.dtype.kind == "U"
            ]
            if len(texts) == value.size:
                return texts
    return []


def _check(data: bytes, path: str) -> None:
    """Refuse what is not of level 5, and what would swell beyond all measure."""
    head = data[:128]
    if head[:8] == b"\x89HDF\r\n\x1a\n" or head.startswith(b"MATLAB 7.3"):
        raise DataError(
            f"{path}: a MATLAB file of version 7.3 (HDF5). Save it again in MATLAB: save(file, 'variable', '-v7'), or "
            "write the labels as PNG with imwrite"
        )
    if not head.startswith(b"MATLAB 5.0") or len(data) < 136:
        raise DataError(f"{path}: not a MATLAB file of level 5; in MATLAB save(file, 'variable', '-v7') writes one")
    order = "<" if head[126:128] == b"IM" else ">"
    place, total = 128, 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(order + "II", data, place)
        if kind == _COMPRESSED:
            stream = zlib.decompressobj()
            rest = data[place + 8 : place + 8 + length]
            while rest and not stream.eof:
                try:
                    total += len(stream.decompress(rest, 1 << 24))
                except zlib.error as error:
                    raise DataError(f"{path}: damaged MATLAB file: {error}") from error
                if total > _MOST_BYTES:
                    raise DataError(
                        f"{path}: its compressed data is larger than {_MOST_BYTES >> 20} MiB; no label map is"
                    )
                rest = stream.unconsumed_tail
        place += 8 + length


def _matrices(content: Any, prefix: str = "", depth: int = 0) -> list[tuple[str, Array]]:
    """(name, matrix) of everything numeric, also in structures of one element."""
    found: list[tuple[str, Array]] = []
    items = content.items() if isinstance(content, dict) else ((key, content[key]) for key in content.dtype.names)
    for key, value in items:
        name = f"{prefix}{key}"
        if not isinstance(value, np.ndarray):
            continue
        if value.dtype.names and value.size == 1 and depth < 4:
            found += _matrices(value.reshape(-1)[0], f"{name}.", depth + 1)
        elif value.dtype.kind in "uifb":
            found.append((name, value))
    return found
