"""What to say of single names that are not there, whichever module is asked: Segue's own way."""

from __future__ import annotations

_TABLE: dict[str, str] = {
}

#: name -> what to do instead
REASONS: dict[str, str] = {name: reason for names, reason in _TABLE.items() for name in names.split()}
