"""The zip container of ``torch.save``: found entries, bounded sizes, bytes read straight into tensor memory.

The directory is parsed here rather than by ``zipfile`` because its size, the overlap of entries and their ratio have
to be checked before anything is allocated. Nothing is ever extracted to disk. Layout: PKWARE's APPNOTE.TXT, 4.3.
"""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from segue.checkpoints.safe.limits import Budget

END = struct.Struct("<4s4H2IH")  # end of central directory
LOCATOR = struct.Struct("<4sIQI")  # zip64: where the real end record is
END64 = struct.Struct("<4sQ2H2I4Q")
ENTRY = struct.Struct("<4s6H3I5H2I")
LOCAL = struct.Struct("<4s5H3I2H")

MAX_ENTRIES = 200_000
MAX_RATIO = 4  # trained weights hardly compress; torch stores them plain anyway
PLAIN_CRC = 1 << 20  # checksums of longer entries are computed beside the reading of the next
STORED, DEFLATED = 0, 8


@dataclass(frozen=True)
class Entry:
    """One file of the archive; ``offset`` is that of its local header."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class Archive:
    """A zip file opened for reading; ``close`` reports checksums that did not match."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self.file = file
        self.budget = budget
        self.entries = {entry.name: entry for entry in self.directory()}
        declared = sum(entry.size for entry in self.entries.values())
        packed = sum(entry.packed for entry in self.entries.values())
        if packed > budget.size:
            raise budget.damaged("the entries of its zip directory overlap")
        if declared > MAX_RATIO * budget.size:
            raise budget.refused("unpacks to many times its size")
        self.checks: list[tuple[str, Future[bool]]] = []
        self.pool: ThreadPoolExecutor | None = None

    def directory(self) -> list[Entry]:
        """The entries of the central directory."""
        count, size, offset = self.end_record()
        if count > MAX_ENTRIES or size > 400 * MAX_ENTRIES:
            raise self.budget.refused("has more zip entries than any checkpoint needs")
        self.budget.charge(size + 500 * count)
        data = self.at(offset, size)
        entries, names, position = [], set(), 0
        for _ in range(count):
            if position + ENTRY.size > len(data):
                raise self.budget.damaged("its zip directory ends too early")
            fields = ENTRY.unpack_from(data, position)
            name_size, extra_size, comment_size = fields[10:13]
            start = position + ENTRY.size
            position = start + name_size + extra_size + comment_size
            if fields[0] != b"PK\1\2" or position > len(data):
                raise self.budget.damaged("its zip directory is broken")
            name = data[start : start + name_size].decode("utf-8", "replace")
            extra = data[start + name_size : start + name_size + extra_size]
            wide = iter(self.wide_fields(extra))
            full = [next(wide, value) if value == 0xFFFFFFFF else value for value in (fields[9], fields[8], fields[16])]
            if ".." in name.split("/") or name.startswith("/") or "\\" in name or name in names:
                raise self.budget.refused("has zip entries with names that lead elsewhere")
            if fields[3] & 1:
                raise self.budget.refused("is encrypted")
            names.add(name)
            entries.append(Entry(name, fields[4], fields[7], full[1], full[0], full[2]))
        return entries

    def end_record(self) -> tuple[int, int, int]:
        """Number of entries, size and offset of the central directory."""
        end = END.unpack(self.at(self.budget.size - END.size, END.size))
        if end[0] != b"PK\5\6":
            raise self.budget.damaged("its zip directory, which stands at the end, is missing (cut off?)")
        count, size, offset = end[4], end[5], end[6]
        where = self.budget.size - END.size - LOCATOR.size
        if where >= 0:
            locator = LOCATOR.unpack(self.at(where, LOCATOR.size))
            if locator[0] == b"PK\6\7":
                end64 = END64.unpack(self.at(locator[2], END64.size))
                if end64[0] != b"PK\6\6":
                    raise self.budget.damaged("its zip directory is broken")
                count, size, offset = end64[7], end64[8], end64[9]
        return count, size, offset

    @staticmethod
    def wide_fields(extra: bytes) -> tuple[int, ...]:
        """The 64-bit values of a zip64 extra field: size, packed size, offset, where the short field is full."""
        position = 0
        while position + 4 <= len(extra):
            kind, size = struct.unpack_from("<HH", extra, position)
            if kind == 1 and size % 8 in (0, 4) and position + 4 + size <= len(extra):
                return struct.unpack_from(f"<{size // 8}Q", extra, position + 4)
            position += 4 + size
        return ()

    def at(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset``."""
        if offset < 0 or offset + size > self.budget.size:
            raise self.budget.damaged("it ends too early")
        self.file.seek(offset)
        data = self.file.read(size)
        if len(data) != size:
            raise self.budget.damaged("it ends too early")
        return data

    def read(self, entry: Entry) -> bytes:
        """A small entry, in memory."""
        if entry.method == STORED:
            self.budget.charge(entry.size)
            self.find(entry)
            data = self.file.read(entry.size)
            self.check(entry, memoryview(data))
            return data
        self.budget.charge(2 * entry.size)
        unpacked = bytearray(entry.size)
        self.read_into(entry, memoryview(unpacked))
        return bytes(unpacked)

    def stream(self, entry: Entry) -> BinaryIO:
        """An entry as a file: its own window of this one if it is stored as it is, otherwise in memory."""
        if entry.method != STORED:
            return io.BytesIO(self.read(entry))
        checksum, left = 0, entry.size
        self.find(entry)
        start = self.file.tell()
        while left and (data := self.file.read(min(left, 1 << 18))):
            checksum = zlib.crc32(data, checksum)
            left -= len(data)
        if left or (entry.crc and checksum != entry.crc):
            raise self.budget.damaged(f"the checksum of its entry {entry.name} is wrong")
        window = open(self.file.name, "rb")  # noqa: SIM115 - the caller's; this file's position moves with the storages
        window.seek(start)
        return window

    def find(self, entry: Entry) -> None:
        """Go to an entry's bytes, after checking that both headers agree where they are."""
        local = LOCAL.unpack(self.at(entry.offset, LOCAL.size))
        if local[0] != b"PK\3\4":
            raise self.budget.damaged(f"its zip entry {entry.name} is not where the directory says")
        start = entry.offset + LOCAL.size + local[9] + local[10]
        if start + entry.packed > self.budget.size:
            raise self.budget.damaged(f"its zip entry {entry.name} ends outside the file")
        if entry.method == STORED and entry.packed != entry.size:
            raise self.budget.damaged(f"its zip entry {entry.name} has two sizes")
        self.file.seek(start)

    def read_into(self, entry: Entry, target: memoryview) -> None:
        """An entry's bytes, unpacked and checked."""
        self.find(entry)
        if entry.method == STORED:
            done = 0
            while done < entry.size:
                count = self.file.readinto(target[done:])  # type: ignore[attr-defined]
                if not count:
                    raise self.budget.damaged("it ends too early")
                done += count
        elif entry.method == DEFLATED:
            try:
                self.inflate(entry, target)
            except zlib.error as error:
                raise self.budget.damaged(f"its zip entry {entry.name} does not unpack") from error
        else:
            raise self.budget.refused(f"is compressed by a method (number {entry.method}) that Segue does not read")
        self.check(entry, target)

    def inflate(self, entry: Entry, target: memoryview) -> None:
        """Unpack a compressed entry without ever holding more than it declared."""
        unpacker = zlib.decompressobj(-15)
        left, done = entry.packed, 0
        while left and not unpacker.eof:
            chunk = self.file.read(min(left, 1 << 20))
            left -= len(chunk)
            data = chunk
            while data:
                piece = unpacker.decompress(data, min(1 << 20, entry.size - done + 1))
                if done + len(piece) > entry.size:
                    raise self.budget.refused("unpacks to more than it declares")
                target[done : done + len(piece)] = piece
                done += len(piece)
                data = unpacker.unconsumed_tail
            if not chunk:
                break
        if done != entry.size:
            raise self.budget.damaged(f"its zip entry {entry.name} ends too early")

    def check(self, entry: Entry, data: memoryview) -> None:
        """Compare the checksum; 0 means that the writer left it out (torch's ``set_crc32_options(False)``)."""
        if not entry.crc:
            return
        if entry.size < PLAIN_CRC:
            if zlib.crc32(data) != entry.crc:
                raise self.budget.damaged(f"the checksum of its entry {entry.name} is wrong")
            return
        self.pool = self.pool or ThreadPoolExecutor(1, "segue-crc")
        self.checks.append((entry.name, self.pool.submit(lambda: zlib.crc32(data) == entry.crc)))

    def close(self) -> None:
        """Wait for the checksums."""
        if self.pool:
            self.pool.shutdown(wait=True)
            self.pool = None
        for name, check in self.checks:
            if not check.result():
                raise self.budget.damaged(f"the checksum of its entry {name} is wrong")
        self.checks = []
