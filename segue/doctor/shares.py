"""A check whose files several machines share out: each looks at its own, whoever comes last judges all of them.

What was found in each file goes to a file per share, written beside its place and renamed, so that repeating a share is
harmless and which of them are there is all that is remembered. The judgement is that of one machine: it sees what was
found in the same order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePath
from typing import Any, ClassVar

from segue.doctor.facts import Facts
from segue.doctor.sources import Source
from segue.errors import DataError, InputError
from segue.system.replaced import replaced
from segue.system.shares import Shared

FORMAT = 1
#: of `Facts`, what JSON has no form of: {value: count}, bytes, tuples
COUNTS, BYTES, TUPLES = (
    ("values", "raw"),
    ("image_digest", "mask_digest"),
    ("image_size", "mask_size", "stored", "absent"),
)


@dataclass(frozen=True)
class Share(Shared):
    """A share of the files of a check."""

    ENDING: ClassVar[str] = ".jsonl"

    def mine(self, pairs: Sequence[tuple[str, str | None]]) -> Sequence[tuple[str, str | None]]:
        """Of all pairs of a dataset, those of this share."""
        return pairs[self.index - 1 :: self.count]

    def write(self, sources: Sequence[Source], found: Iterable[Facts]) -> None:
        """Keep what was found in the files of this share, dataset after dataset; what is kept is not read again.

        Raises:
            InputError: a file of another check is there.
            DataError: it cannot be written.
        """
        if self.path(self.index).exists():
            next(_lines(self.path(self.index), _asked(sources)), None)
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replaced(self.path(self.index), durable=True) as part, part.open("w", encoding="utf-8") as file:
                file.write(json.dumps(_asked(sources)) + "\n")
                file.writelines(json.dumps(_listed(facts)) + "\n" for facts in found)
        except OSError as error:
            raise DataError(f"{self.folder}: cannot write there: {error.strerror or error}") from error

    def joined(self, sources: Sequence[Source]) -> list[Iterator[Facts]]:
        """What all shares found, per dataset, in the order of its pairs; each is to be used up before the next.

        Raises:
            InputError: a share is of another check.
            DataError: a share is damaged.
        """
        files = [_lines(self.path(index), _asked(sources)) for index in range(1, self.count + 1)]

        def of(source: Source) -> Iterator[Facts]:
            for number, (image, mask) in enumerate(source.pairs):
                path = self.path(number % self.count + 1)
                facts = next(files[number % self.count], None)
                if facts is None:
                    raise DataError(f"{path}: ends too early; remove it and run its share again")
                # paths may be others on another machine; those of this one are what a reader can open
                yield replace(facts, image=image, mask=mask)

        return [of(source) for source in sources]


def _asked(sources: Sequence[Source]) -> dict[str, Any]:
    """What shares must agree in: the names of all files, and how they are read."""
    names = hashlib.sha256()
    for source in sources:
        how = (source.split, source.kind, source.rules, source.look_at_images, source.color_type)
        names.update(f"{how!r}\n".encode(errors="surrogateescape"))
        for pair in source.pairs:
            names.update(f"{[PurePath(path or '').name for path in pair]!r}\n".encode(errors="surrogateescape"))
    return {"format": FORMAT, "files": names.hexdigest()}


def _lines(path: Path, asked: Mapping[str, Any]) -> Iterator[Facts]:
    try:
        with path.open(encoding="utf-8") as file:
            if json.loads(file.readline()) != asked:
                raise InputError(
                    f"{path}: is of other files or settings; remove {path.parent}, or name another folder of shares"
                )
            for line in file:
                yield _parsed(json.loads(line))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no share of a check ({error}); remove it and run its share again") from error


def _listed(facts: Facts) -> dict[str, Any]:
    held = {field.name: getattr(facts, field.name) for field in fields(facts)}
    held |= {name: list(held[name].items()) for name in COUNTS}
    held |= {name: held[name].hex() for name in BYTES}
    return held


def _parsed(held: dict[str, Any]) -> Facts:
    held |= {name: dict(held[name]) for name in COUNTS}
    held |= {name: bytes.fromhex(held[name]) for name in BYTES}
    held |= {name: tuple(held[name]) for name in TUPLES if held[name] is not None}
    held["colors"] = tuple((tuple(color), count) for color, count in held["colors"])
    return Facts(**held)
