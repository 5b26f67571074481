"""The bounds that keep the reading of any config, however made, short and small.

One budget counts the work of a whole load, bases included: a step for every syntax node evaluated and every element
created, and one for every 64 characters. What a human or a dump writes takes a few thousand steps.
"""

from __future__ import annotations

import logging
from typing import Any

from segue.config.marks import Origin
from segue.errors import ConfigError, Problem

MAX_STEPS = 300_000
MAX_TEXT = 1_000_000  # characters of one string
MAX_FILE = 600_000  # characters of one file
MAX_BITS = 4096  # of an integer
MAX_KEY_BITS = 63  # of an integer key: beyond, keys with equal hashes could be made at will
MAX_DEPTH = 100  # of nested values and expressions
MAX_FILES = 64  # in one chain of bases
MAX_LINES = 20  # said of one load
MAX_WIDTH = 10_000  # in format specifications

WAY_OUT = "to execute the file as a Python program, if you trust its author, pass --trust-config (trust=True)"


class Budget:
    """Counts steps; ``at`` is the place being read, for messages."""

    def __init__(self) -> None:
        self.left = MAX_STEPS
        self.at = Origin("", 0)
        self._said: set[str] = set()

    def twice(self, key: object, first: Origin | None, second: Origin) -> None:
        """Say that a key stands twice between the same braces: as in Python, the last one counts."""
        before = f" (first in line {first.line})" if first else ""
        self.say(f"{second}: the key {str(key)[:80]!r} is set a second time{before}; the last one counts")

    def say(self, line: str) -> None:
        """A line for the author of the config, once; at most twenty for a load."""
        if line not in self._said and len(self._said) < MAX_LINES:
            logging.getLogger("segue").warning(line)
            self._said.add(line)

    def charge(self, steps: int) -> None:
        """Spend steps, or refuse the file."""
        self.left -= steps
        if self.left < 0:
            raise self.refuse(
                f"the config takes more than {MAX_STEPS} steps to read, as many as a config with {MAX_STEPS} values"
            )

    def charge_text(self, length: int) -> None:
        """Spend what a string of this length takes, or refuse it."""
        if length > MAX_TEXT:
            raise self.refuse(f"a string of {length} characters is longer than the limit of {MAX_TEXT}")
        self.charge(1 + length // 64)

    def check_int(self, bits: int) -> None:
        """Refuse integers of more bits than any config needs."""
        if bits > MAX_BITS:
            raise self.refuse(
                f"an integer of {bits if bits < 1 << 64 else 'far too many'} bits; the limit is {MAX_BITS}"
            )

    def weigh(self, value: Any) -> int:
        """Charge for a walk over the whole value, shared parts each time they occur; a bound of its text's length.

        Called before anything that Python does recursively (compare, print, hash), which a value of nested
        references could otherwise make endless or too deep for the C stack.
        """
        if isinstance(value, int | float | None):
            return 32 + (value.bit_length() if isinstance(value, int) else 0)
        text = 0
        stack: list[tuple[Any, int]] = [(value, 0)]
        while stack:
            item, depth = stack.pop()
            if isinstance(item, str):
                self.charge(1 + len(item) // 64)
                text += 2 + len(item)
                continue
            self.charge(1)
            text += 32 + (item.bit_length() if isinstance(item, int) else 0)
            if isinstance(item, list | tuple | set | dict):
                if depth >= MAX_DEPTH:
                    raise self.refuse(f"values are nested more than {MAX_DEPTH} levels deep")
                self.charge(len(item))
                stack.extend((part, depth + 1) for part in item)
                if isinstance(item, dict):
                    stack.extend((part, depth + 1) for part in item.values())
        return text

    def refuse(self, message: str) -> ConfigError:
        """The error that ends the reading here."""
        return ConfigError(Problem("", f"{message}; {WAY_OUT}", str(self.at)))
