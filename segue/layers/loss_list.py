"""The losses of a head, which mmseg holds as one where there is one."""

from __future__ import annotations

from typing import Any

from torch import nn

from segue.errors import InputError


class LossList(nn.ModuleList):
    """The losses of a head. Where there is one, it may be called, and its attributes read and set, here: code that sets
    ``head.loss_decode.loss_weight`` as in mmseg, whose head then holds the loss itself, sets the loss's.
    """

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the one loss gives.

        Raises:
            InputError: there are several.
        """
        if len(self) != 1:
            raise InputError(f"loss_decode holds {len(self)} losses, so it cannot be called: call each of them")
        return self[0](*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or len(self.__dict__.get("_modules", ())) != 1:
                raise
            return getattr(self[0], name)

    def __setattr__(self, name: str, value: Any) -> None:
        known = name in self.__dict__ or hasattr(type(self), name)
        if not known and len(self.__dict__.get("_modules", ())) == 1 and hasattr(self[0], name):
            setattr(self[0], name, value)
        else:
            super().__setattr__(name, value)
