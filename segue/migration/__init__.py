"""A project built on mmseg, tried under Segue: which of its configs, modules and scripts run, with which edits, or why
not.

``migrate`` reads the project (`find`, `source`, `needs`), copies its small files (`bench`), imports its modules
(`modules`, `forks`) and runs its configs (`configs`) in processes of their own (`host`, `work`, `run`, `batch`), tries
edits (`suggest`, `edits`), and returns a `Report` (`verdict`) that `page` and `show` print. The project is only read.

`migrate` and `Report` are imported on first use: every verb imports `segue.api`, and few of them migrate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue.migration.project import Report, migrate

__all__ = ["Report", "migrate"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from segue.migration import project

        return getattr(project, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
