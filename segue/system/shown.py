"""Text of files on a terminal: shown as what it is, and never obeyed.

Names of classes, keys of checkpoints and names of files may hold escape sequences, which rename the window or clear the
screen; marks that turn the direction of writing round; or what rich takes for markup. Whatever is printed passes here.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.markup import escape as _escape_markup

#: control characters but tab and newline, and the marks of Unicode that reorder or end lines
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def visible(text: object) -> str:
    """The text with everything that a terminal would obey spelled out, such as ``\\x1b``."""
    return _HIDDEN.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), str(text))


def escape(text: object) -> str:
    """The same, for rich: brackets are brackets, too."""
    return _escape_markup(visible(text))


class ShownRecord(logging.LogRecord):
    """A record of Python's logging whose message is shown as what it is, whoever logs it and whatever prints it."""

    def getMessage(self) -> str:
        """The message with its arguments."""
        return visible(super().getMessage())


@contextmanager
def shown_messages() -> Iterator[None]:
    """Show log records and warnings so as long as a command runs: ours, Lightning's, and those of any other library."""
    factory, form = logging.getLogRecordFactory(), warnings.formatwarning

    def shown(*args: Any, **kwargs: Any) -> str:
        return visible(form(*args, **kwargs))

    logging.setLogRecordFactory(ShownRecord)
    warnings.formatwarning = shown
    try:
        yield
    finally:
        logging.setLogRecordFactory(factory)
        warnings.formatwarning = form
