"""The list of a dataset's samples in a few blocks of memory.

A million dicts of two paths are half a gigabyte of small objects, and every worker process gets a copy of its own
sooner or later, since even reading an object writes its reference count. Here the texts of one key are one tensor of
bytes: workers that are forked share it, and so do those that are spawned, because torch moves it to shared memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

_MANY = 10_000  # rows from which a table pays; of fewer, a list that can be changed is handier
_ENCODING = "utf-8", "surrogatepass"  # names of files may hold bytes that are no text


@dataclass(frozen=True)
class _Texts:
    """Texts without what all begin and end with; the ``middles`` follow each other, up to their places in ``ends``."""

    head: str
    tail: str
    middles: Tensor
    ends: Tensor

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Texts:
        head = _beginning(texts)
        texts = [text[len(head) :] for text in texts]
        tail = _beginning([text[::-1] for text in texts])[::-1]
        middles = [text[: len(text) - len(tail)] for text in texts]
        joined = "".join(middles)
        lengths = map(len, middles if joined.isascii() else [text.encode(*_ENCODING) for text in middles])
        ends = np.fromiter(accumulate(lengths), np.int64, len(middles))
        data = np.frombuffer(bytearray(joined.encode(*_ENCODING)), np.uint8)
        return cls(head, tail, torch.from_numpy(data), torch.from_numpy(ends))

    def __getitem__(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        middle = self.middles[start : int(self.ends[index])].numpy().tobytes()
        return f"{self.head}{middle.decode(*_ENCODING)}{self.tail}"


def _beginning(texts: Sequence[str]) -> str:
    """What all begin with."""
    first, last = min(texts), max(texts)
    same = (a == b for a, b in zip(first, last, strict=False))
    return first[: next((i for i, equal in enumerate(same) if not equal), min(len(first), len(last)))]


class SampleTable(Sequence[dict[str, Any]]):
    """Rows of texts. Each access makes a new dict; changing it changes nothing here.

    Args:
        rows: dicts with the keys of the first, all values plain strings: see `tabulated`.
    """

    def __init__(self, rows: Sequence[dict[str, str]]) -> None:
        self._count = len(rows)
        self._columns: dict[str, _Texts] = {}
        for key in rows[0]:
            column = _Texts.of([row[key] for row in rows])
            for other in self._columns.values():  # images and label maps mostly differ in folder and suffix only
                if torch.equal(column.ends, other.ends) and torch.equal(column.middles, other.middles):
                    column = _Texts(column.head, column.tail, other.middles, other.ends)
            self._columns[key] = column

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"{self._count} samples, no sample {index}")
        return {key: texts[index % self._count] for key, texts in self._columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(self._count))

    @property
    def nbytes(self) -> int:
        """Memory of the texts."""
        blocks = {id(block): block for texts in self._columns.values() for block in (texts.middles, texts.ends)}
        return sum(block.nbytes for block in blocks.values())


def tabulated(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The rows as a table, or as they are where they are few, hold anything but texts, or differ in their keys."""
    if len(rows) < _MANY or isinstance(rows, SampleTable):
        return rows
    keys = rows[0].keys()
    alike = all(row.keys() == keys for row in rows)
    return SampleTable(rows) if alike and all(_all_texts(rows, key) for key in keys) else rows


def _all_texts(rows: Sequence[dict[str, Any]], key: str) -> bool:
    return all(kind is str for kind in {type(row[key]) for row in rows})  # a MaskPath is more than its text
