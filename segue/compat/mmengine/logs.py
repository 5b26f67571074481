"""mmengine.logging: loggers by name, and the hub that passes numbers and notes around."""

from __future__ import annotations

import logging
from typing import Any


class ManagerMixin:
    """One object per name and class."""

    def __init__(self, name: str = "", **kwargs: Any) -> None:
        self.instance_name = name

    @classmethod
    def get_instance(cls, name: str, **kwargs: Any) -> Any:
        """The object of a name, made at the first call."""
        made = cls.__dict__.get("_made")
        if made is None:
            made = {}
            cls._made = made  # type: ignore[attr-defined]
        if name not in made:
            made[name] = cls(name=name, **kwargs)
        return made[name]


class MMLogger(logging.Logger):
    """A logger by name: ``MMLogger.get_current_instance().info(...)``."""

    @classmethod
    def get_instance(cls, name: str = "mmseg", **kwargs: Any) -> logging.Logger:
        """The logger of a name."""
        return logging.getLogger(name)

    @classmethod
    def get_current_instance(cls) -> logging.Logger:
        """The toolbox's logger."""
        return logging.getLogger("mmseg")


def get_logger(name: str = "mmseg", log_file: Any = None, log_level: int = logging.INFO, **kwargs: Any) -> Any:
    """The logger of a name."""
    logger = logging.getLogger(name)
    logger.setLevel(log_level)
    return logger


def print_log(msg: Any, logger: Any = None, level: int = logging.INFO) -> None:
    """Print, or log where there is a logger."""
    if logger is None:
        print(msg)
    elif logger != "silent":
        chosen = logger if isinstance(logger, logging.Logger) else logging.getLogger("mmseg")
        chosen.log(level, msg)


class MessageHub(ManagerMixin):
    """A place for numbers and notes that parts of a run pass to each other."""

    def __init__(self, name: str = "", **kwargs: Any) -> None:
        super().__init__(name)
        self.runtime_info: dict[str, Any] = {}
        self.log_scalars: dict[str, list[Any]] = {}

    @classmethod
    def get_current_instance(cls) -> MessageHub:
        """The only one that matters."""
        return cls.get_instance("mmseg")

    def update_scalar(self, key: str, value: Any, count: int = 1, resumed: bool = True) -> None:
        """Add a number to a history."""
        self.log_scalars.setdefault(key, []).append(value)

    def get_scalar(self, key: str) -> list[Any]:
        """The history of a number."""
        return self.log_scalars[key]

    def update_info(self, key: str, value: Any, resumed: bool = True) -> None:
        """Set a note."""
        self.runtime_info[key] = value

    def get_info(self, key: str, default: Any = None) -> Any:
        """A note."""
        return self.runtime_info.get(key, default)
