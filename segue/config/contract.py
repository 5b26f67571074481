"""A config that is being filled in from one of its keys: what follows is written out, what contradicts it is noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segue.config.builder.leaves import short
from segue.config.origins import origin_of
from segue.errors import Problem


@dataclass
class Contract:
    """A config that is being filled in, and what contradicts it."""

    cfg: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, key: str, message: str) -> None:
        """Note a contradiction, with the line that wrote it."""
        self.problems.append(
            Problem(key, message, str(origin_of(self.cfg, key) or origin_of(self.cfg, "labels") or ""))
        )

    def agree(self, path: str, node: Any, key: str, value: Any, because: str) -> None:
        """Fill in a value, or report the one that is there."""
        if node.get(key) is None:
            node[key] = value
        elif node[key] != value:
            self.problem(f"{path}.{key}", f"is {short(node[key])}, but {because} asks for {short(value)}; change one")
