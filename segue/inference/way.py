"""How a network is run: its precision, whether it is compiled, how windows count. Labels are decided in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from segue.errors import InputError
from segue.inference.ensemble import members_of
from segue.inference.logits import bell
from segue.inference.quick import predicted

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
WINDOWS = ("constant", "gaussian")


@dataclass
class Way:
    """What ``segue predict --precision --compile --windows`` say.

    Attributes:
        precision: ``fp32``, or ``bf16`` and ``fp16``: the network runs under autocast, its logits are float32 again.
        compiled: whether ``torch.compile`` makes the network faster, after a first image that takes long.
        windows: ``constant``: every pixel of a sliding window counts the same, as in the reference; ``gaussian``: those
            near its center count more.

    Raises:
        InputError: a value that there is not.
    """

    precision: str = "fp32"
    compiled: bool = False
    windows: str = "constant"
    _compiled: dict[int, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("precision", self.precision, tuple(PRECISIONS)),
            ("windows", self.windows, WINDOWS),
        ):
            if value not in known:
                raise InputError(f"{name}={value!r}; there are {', '.join(known)}")

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for but the reference's protocol."""
        return self.precision == "fp32" and not self.compiled and self.windows == "constant"

    def check(self, model: Any) -> None:
        """Raise InputError where the model would not follow this way."""
        if self.is_plain:
            return
        for member in members_of(model):
            self._check(member)

    def _check(self, model: Any) -> None:
        kind = type(model).__name__
        if getattr(model, "label_maps", None) is not None or getattr(model, "whole_or_slide", None) is not None:
            raise InputError(f"{kind} predicts in its own way, which takes no precision, compile or windows: omit them")
        if self.windows != "constant" and model.test.mode != "slide":
            raise InputError(f"windows={self.windows!r}: {kind} looks at images whole; set model.test_cfg.mode='slide'")

    def run(self, model: nn.Module, inputs: Tensor, network: Callable[[Tensor], Tensor]) -> Tensor:
        """``network(inputs)``, a pass through ``model``: (B, C, H, W) to float32 logits."""
        kind = PRECISIONS[self.precision]
        with torch.autocast(inputs.device.type, dtype=kind, enabled=kind != torch.float32):
            found = self._through_compiled(model, inputs, network) if self.compiled else None
            found = predicted(model, inputs, network) if found is None else found
        return found.float()

    def _through_compiled(self, model: nn.Module, inputs: Tensor, network: Callable[[Tensor], Tensor]) -> Tensor:
        quick = self._compiled.get(id(model))
        if quick is None:
            quick = self._compiled[id(model)] = torch.compile(network)
        try:
            found: Tensor = quick(inputs)
            return found
        except Exception as error:
            network(inputs)  # its own error, where the image is to blame
            said = str(error).strip().partition("\n")[0][:160]
            raise InputError(f"torch.compile cannot compile {type(model).__name__} here ({said}): omit it") from error

    def weight(self, crop: tuple[int, int], device: torch.device) -> Tensor | None:
        """(h, w) by which the pixels of a window count; None where all count the same.

        The Gaussian of `segue.inference.logits.bell`, 1 at the center.
        """
        if self.windows == "constant":
            return None
        rows, columns = (bell(side).to(device) for side in crop)
        return (rows[:, None] * columns).clamp_min(1e-6)


_WAY: ContextVar[Way | None] = ContextVar("way", default=None)


def present_way() -> Way:
    """The way of the prediction that is being made."""
    return _WAY.get() or Way()


@contextmanager
def going(way: Way) -> Iterator[None]:
    """Within, networks run in this way."""
    token = _WAY.set(way)
    try:
        yield
    finally:
        _WAY.reset(token)
