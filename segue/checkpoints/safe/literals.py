# ruff: noqa: D102 - one method per opcode, named as pickletools names it
"""The opcodes of the pickle language that spell a value: numbers, text and bytes."""

from __future__ import annotations

import re
import struct
import sys
from typing import Any, BinaryIO

from segue.checkpoints.safe.limits import MAX_STRING, Budget

ASTRAL, WIDE = re.compile(rb"[\xf0-\xff]"), re.compile(rb"[\xc4-\xff]")  # beyond U+FFFF, beyond Latin-1 in UTF-8
ESCAPED_ASTRAL, ESCAPED_WIDE = re.compile(rb"\\[UN]"), re.compile(rb"\\u(?!00)")  # the same as escapes
MAX_LINE = 4096  # names and numbers of protocol 0, and the bytes of an integer


def width(data: bytes, encoding: str) -> int:
    """Bytes that Python may take for each character of a text: as many as its widest character needs."""
    if encoding == "latin-1":
        return 1
    if encoding == "utf-8":
        return 4 if ASTRAL.search(data) else 2 if WIDE.search(data) else 1
    return 4 if ESCAPED_ASTRAL.search(data) else 2 if ESCAPED_WIDE.search(data) else 1


class Literals:
    """Reads values from ``file``, of which ``left`` bytes may be read, and pushes them on ``stack``."""

    def __init__(self, file: BinaryIO, left: int, budget: Budget) -> None:
        self.file = file
        self.left = left
        self.budget = budget
        self.stack: list[Any] = []

    def push(self, value: Any, cost: int = 56) -> None:
        """Put ``value``, which takes about ``cost`` bytes, on the stack."""
        self.budget.charge(cost)
        self.stack.append(value)

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, checked against what the file has before memory is asked for."""
        if count > self.left:
            raise self.budget.damaged("it ends too early")
        if count > MAX_STRING:
            raise self.budget.refused("holds a single text or bytes object that is absurdly long")
        self.budget.charge(count)
        self.left -= count
        data = self.file.read(count)
        if len(data) != count:
            raise self.budget.damaged("it ends too early")
        return data

    def line(self, limit: int = MAX_LINE) -> bytes:
        data = self.file.readline(limit)
        self.budget.charge(len(data))
        self.left -= len(data)
        if not data.endswith(b"\n"):
            raise self.budget.damaged("a line of its pickle does not end")
        return data[:-1]

    def number(self, layout: str) -> int:
        number: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return number

    def text(self, data: bytes, encoding: str) -> None:
        wide = width(data, encoding) * len(data)
        self.budget.charge(wide)  # while there are both
        value = data.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
        self.budget.charge(sys.getsizeof(value) - wide - len(data))  # the bytes were charged by whoever read them
        self.stack.append(value)

    def proto(self) -> None:
        if self.number("<B") > 5:
            raise self.budget.damaged("its pickle protocol is newer than 5")

    def frame(self) -> None:
        self.number("<Q")

    def none(self) -> None:
        self.stack.append(None)

    def true(self) -> None:
        self.stack.append(True)

    def false(self) -> None:
        self.stack.append(False)

    def int_line(self) -> None:
        data = self.line()
        self.push({b"00": False, b"01": True}[data] if data in (b"00", b"01") else int(data))

    def long_line(self) -> None:
        self.push(int(self.line().rstrip(b"L")))

    def binint(self) -> None:
        self.push(self.number("<i"), 28)

    def binint1(self) -> None:
        self.stack.append(self.number("<B"))

    def binint2(self) -> None:
        self.push(self.number("<H"), 28)

    def long1(self) -> None:
        self.push(int.from_bytes(self.take(self.number("<B")), "little", signed=True))

    def long4(self) -> None:
        size = self.number("<i")
        if not 0 <= size <= MAX_LINE:
            raise self.budget.damaged("it holds an integer of absurd size")
        self.push(int.from_bytes(self.take(size), "little", signed=True))

    def float_line(self) -> None:
        self.push(float(self.line()))

    def binfloat(self) -> None:
        self.push(struct.unpack(">d", self.take(8))[0], 24)

    def string_line(self) -> None:
        data = self.line(MAX_STRING)
        if len(data) < 2 or data[:1] != data[-1:] or data[:1] not in (b"'", b'"'):
            raise self.budget.damaged("a text lacks its quotes")
        self.text(data[1:-1], "unicode_escape")

    def unicode_line(self) -> None:
        self.text(self.line(MAX_STRING), "raw_unicode_escape")

    def binstring(self) -> None:
        self.text(self.take(max(0, self.number("<i"))), "latin-1")  # text of Python 2, or an array's bytes: reversible

    def short_binstring(self) -> None:
        self.text(self.take(self.number("<B")), "latin-1")

    def short_binunicode(self) -> None:
        self.text(self.take(self.number("<B")), "utf-8")

    def binunicode(self) -> None:
        self.text(self.take(self.number("<I")), "utf-8")

    def binunicode8(self) -> None:
        self.text(self.take(self.number("<Q")), "utf-8")

    def short_binbytes(self) -> None:
        self.push(self.take(self.number("<B")))

    def binbytes(self) -> None:
        self.push(self.take(self.number("<I")))

    def binbytes8(self) -> None:
        self.push(self.take(self.number("<Q")))

    def bytearray8(self) -> None:
        self.push(bytearray(self.take(self.number("<Q"))))
