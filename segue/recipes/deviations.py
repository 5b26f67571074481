"""Names of the reference whose file says something else than the name; here the name counts."""

from __future__ import annotations

DEVIATIONS: dict[str, str] = {}
