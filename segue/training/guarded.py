"""A backend that fails stops itself, never a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.training.trackers import LocalVisBackend


class Guard:
    """Calls backends; one that raises is said once, with the reason, and left alone from then on."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.failed: list[Any] = []

    def call(self, backend: Any, method: str, *args: Any, **kwargs: Any) -> None:
        """One method of a backend.

        Raises:
            Exception: of `LocalVisBackend` and of nothing else: a folder that cannot be written to concerns the run.
        """
        if any(backend is one for one in self.failed):
            return
        try:
            getattr(backend, method)(*args, **kwargs)
        except Exception as error:
            if type(backend) is LocalVisBackend:
                raise
            self.failed.append(backend)
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            self.say(
                f"{type(backend).__name__}.{method} failed ({type(error).__name__}{': ' * bool(reason)}{reason}); "
                "it gets nothing more, the run goes on, and its own log has every number"
            )
