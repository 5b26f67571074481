"""The weights in a file of ``torch.jit.save``, as OpenAI publishes CLIP; its code is not even read.

Such a file describes modules as objects of classes below ``__torch__``. They become stand-ins, whose attributes are
walked for tensors: their names are those of the state dict.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from torch import Tensor

from segue.checkpoints.safe.allowed import resolve
from segue.checkpoints.safe.inert import Name, StandIn
from segue.checkpoints.safe.limits import Budget
from segue.checkpoints.safe.plain import plain_list

ROOT = "__torch__"
HEAD = b"\x80\x02c" + ROOT.encode()  # how torch begins to describe a module: protocol 2, a class
NOT_WEIGHTS = "is a TorchScript program rather than a checkpoint"
LISTS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")


def resolve_program(budget: Budget, module: str, name: str) -> Any:
    """As ``resolve``; classes of programs become inert names, and typed lists are lists."""
    if module.partition(".")[0] == ROOT:
        return Name(module, name)
    if module == "torch.jit._pickle" and name in LISTS:
        return Name(module, name, plain_list)
    return resolve(budget, module, name)


def weights_of_program(root: Any, budget: Budget) -> dict[str, Tensor]:
    """The tensors of a module and of those in it, by their dotted names.

    Raises:
        CheckpointError: the file holds something else, or modules that contain each other.
    """
    found: dict[str, Tensor] = {}
    pending: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while pending:
        prefix, module = pending.pop()
        inside = isinstance(module, StandIn) and module.module.partition(".")[0] == ROOT
        if not inside or not isinstance(module.state, dict) or id(module) in seen:
            raise budget.refused(NOT_WEIGHTS)
        seen.add(id(module))
        budget.charge(200 * len(module.state) + len(prefix))
        for name, value in module.state.items():
            if type(name) is str and isinstance(value, Tensor):
                found[prefix + name] = value
            elif type(name) is str and isinstance(value, StandIn):
                pending.append((f"{prefix}{name}.", value))
    return found


def check_root(file: BinaryIO, budget: Budget) -> None:
    """Refuse a program whose pickle does not begin with a module; ``file`` stays where it is."""
    start = file.tell()
    head = file.read(len(HEAD))
    file.seek(start)
    if head != HEAD:
        raise budget.refused(NOT_WEIGHTS)


def is_program(names: Any) -> bool:
    """Whether the entries of a zip file are those of ``torch.jit.save``."""
    return any(name.endswith("/constants.pkl") for name in names)
