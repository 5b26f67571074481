"""How much of a backbone is trained: ``freeze`` and ``lora``, which every backbone's dict may have.

Both are done here, after any backbone is built, so that neither Segue's nor a project's own classes know of them. A
class that takes an argument of that name itself gets it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, Protocol

from torch import nn

from segue.config.builder.signature import signature
from segue.errors import InputError
from segue.layers.freezing import freeze as freeze_parts
from segue.layers.freezing import keep_still
from segue.layers.lora import Lora, adapt
from segue.layers.norm import BATCH_NORMS

KEYS = ("freeze", "lora")


class Notes(Protocol):
    """What plans calls and takes note of faults: the planner."""

    def problem(self, path: str, message: str) -> None:
        """Note one fault."""

    def call(self, target: Any, given: Mapping[str, Any], path: str) -> Any:
        """Plan a call."""


def split(planner: Notes, target: Any, given: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The arguments of a backbone's class, and those of `tune`, of which there may be none.

    Args:
        planner: takes note of what is wrong.
        target: the class.
        given: the backbone's dict without its type.
        path: where it stands.
    """
    asked = {key: given[key] for key in KEYS if key in given and not _takes(target, key)}
    own = {key: value for key, value in given.items() if key not in asked}
    amount, lora = asked.get("freeze"), asked.get("lora")
    tuning: dict[str, Any] = {}
    if amount is not None and not isinstance(amount, int):
        planner.problem(f"{path}.freeze", f"True, False or a number of blocks is expected, not {amount!r:.60}")
        amount = None
    stages = amount is not None and not isinstance(amount, bool) and "frozen_stages" in _arguments(target)
    if stages and "frozen_stages" in own:
        planner.problem(
            f"{path}.freeze", f"frozen_stages={own['frozen_stages']!r} is given, too: leave one of them out"
        )
    elif stages and not isinstance(lora, Mapping):
        own["frozen_stages"] = amount  # the class does it, and has its own count
        amount = None
    if isinstance(lora, Mapping):
        tuning["lora"] = planner.call(Lora, lora, f"{path}.lora")
        if amount is not None:
            tuning["freeze"] = amount
    elif lora is not None and lora is not False:
        planner.problem(f"{path}.lora", f"a dict such as dict(r=8) is expected, not {lora!r:.60}")
    elif amount is not None and amount is not False:
        tuning["freeze"] = amount
    return own, tuning


def tune(backbone: Any, *, freeze: bool | int | None = None, lora: Lora | None = None) -> Any:
    """Freeze a backbone, or some of its blocks, and give it adapters; the same object.

    Beside ``lora`` the weights are frozen, but layers follow the mode of training, whose dropout and drop path they
    have; ``freeze=False`` trains the weights, too; a number keeps adapters out of the first blocks.

    Args:
        backbone: the module.
        freeze: see `segue.layers.freezing.freeze`.
        lora: see `segue.layers.lora.Lora`.

    Raises:
        InputError: there are no such blocks or layers.
    """
    name = type(backbone).__name__
    if not isinstance(backbone, nn.Module):
        raise InputError(f"freeze and lora are for modules, and {name} is none")
    if lora is None:
        if freeze is not None and freeze is not False:
            freeze_parts(backbone, freeze)
        return backbone
    if getattr(backbone, "frozen", None) is True and lora.dropout:
        raise InputError(f"lora: dropout={lora.dropout}: frozen=True keeps {name} in evaluation; leave frozen out")
    still: tuple[str, ...] = ()
    if freeze is not False:
        if freeze is not None and freeze is not True:
            still = freeze_parts(backbone, freeze)
        backbone.requires_grad_(False)
    adapt(backbone, lora, still)
    if freeze is not False:
        norms = [name for name, part in backbone.named_modules() if isinstance(part, BATCH_NORMS)]
        if norms:  # their statistics are weights, too
            keep_still(backbone, [*still, *norms])
    return backbone


def _takes(target: Any, key: str) -> bool:
    """Whether a class has a use of its own for an argument: a parameter, or the name in its constructor."""
    if key in _arguments(target):
        return True
    function = target.func if isinstance(target, functools.partial) else target
    bases = function.__mro__ if inspect.isclass(function) else ()
    written = [vars(base)["__init__"] for base in bases if "__init__" in vars(base)] or [function]
    codes = [getattr(inspect.unwrap(one), "__code__", None) for one in written]
    return any(code is not None and key in (*code.co_varnames, *code.co_consts) for code in codes)


def _arguments(target: Any) -> Any:
    try:
        return signature(target)[0]
    except (TypeError, ValueError):  # a callable that does not say
        return {}
