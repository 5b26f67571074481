"""Parts of a backbone that stay as they are while the rest is trained: of some classes, and of any by `freeze`."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from torch import nn

from segue.errors import InputError
from segue.layers.norm import BATCH_NORMS

#: what backbones call the list of their blocks or stages
LISTS = ("blocks", "layers", "stages", "network", "resblocks")
#: the same where they are attributes with numbers: layer1, stages_0
SERIES = ("stages", "stage", "layers", "layer", "blocks", "block")
NUMBERED = re.compile(r"(\D+?)_?\d+")


class Freezing(nn.Module):
    """Base of backbones with ``frozen_stages`` or ``norm_eval``.

    A subclass sets ``norm_eval``, overrides ``frozen``, and calls ``freeze`` at the end of its constructor.
    """

    #: whether batch and instance norms keep their statistics in training
    norm_eval: bool = False

    def frozen(self) -> Sequence[nn.Module]:
        """The modules that are not trained."""
        return ()

    def freeze(self) -> None:
        """Let the frozen modules neither learn nor move their statistics."""
        for module in self.frozen():
            module.eval()
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> Any:
        """Set the mode; frozen modules stay in evaluation, and so do norms with ``norm_eval``."""
        super().train(mode)
        self.freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, BATCH_NORMS):
                    module.eval()
        return self


class Still:
    """A backbone of which some parts stay in evaluation mode, in front of its own class."""

    still_bare: ClassVar[type]  # the class without this one
    still_parts: tuple[str, ...]

    def train(self, mode: bool = True) -> Any:
        """Set the mode; frozen parts stay in evaluation."""
        whole = "" in self.still_parts
        super().train(mode and not whole)  # type: ignore[misc]
        for name in self.still_parts if not whole else ():
            self.get_submodule(name).eval()  # type: ignore[attr-defined]
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _blank, (type(self).still_bare,), self.__dict__


@functools.cache
def _class_of(bare: type[Any]) -> type[Any]:
    return type(bare.__name__, (Still, bare), {"still_bare": bare, "__module__": __name__, "__doc__": bare.__doc__})


def _blank(bare: type) -> Any:
    """Such a backbone before it has its state, for copies."""
    cls: Any = _class_of(bare)
    return cls.__new__(cls)


def keep_still(backbone: nn.Module, parts: Sequence[str]) -> None:
    """Keep parts of a backbone, by name, in evaluation mode in training; ``""`` is all of it."""
    one: Any = backbone
    own: Any = type(backbone)
    one.still_parts = tuple(parts)
    one.__class__ = own if isinstance(backbone, Still) else _class_of(own)
    one.train(one.training)


def freeze(backbone: nn.Module, amount: bool | int) -> tuple[str, ...]:
    """Train nothing of a backbone, or of what comes before the end of its first blocks; the parts' names.

    Frozen parts get no gradients and stay in evaluation mode.

    Args:
        backbone: any.
        amount: True: all of it. A number: embeddings, positions and tokens, and so many blocks or stages.

    Raises:
        InputError: it has no list of blocks, or not so many.
    """
    parts = ("",) if amount is True else tuple(_first(backbone, amount))
    for part in parts:
        backbone.get_submodule(part).requires_grad_(False)
    keep_still(backbone, parts)
    return parts


def _first(backbone: nn.Module, count: int) -> list[str]:
    """The parts up to the end of block ``count - 1``; parameters beside the blocks, such as tokens, are frozen."""
    kind = type(backbone).__name__
    prefix, owner, around = "", backbone, [backbone]
    while not (rows := _rows(owner)):
        children = dict(owner.named_children())
        if len(children) != 1:
            raise InputError(
                f"freeze={count}: {kind} has no list of blocks or stages ({', '.join(LISTS)}); freeze=True freezes all"
            )
        ((name, owner),) = children.items()
        prefix += f"{name}."
        around.append(owner)
    total = len(rows[0])
    if not 0 <= count <= total:
        raise InputError(f"freeze={count}: {kind} has {total} blocks or stages; 0 to {total}, or True for all of it")
    for module in around:
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad = False
    of_blocks = {name for row in rows for name in row}
    order = [name for name, _ in owner.named_children()]
    first = min(order.index(row[0].partition(".")[0]) for row in rows)
    found = [name for name in order[:first] if name not in of_blocks]
    found += [name for row in rows for name in row[:count]]
    return [prefix + name for name in found]


def _rows(owner: nn.Module) -> list[list[str]]:
    """The names of a module's blocks, and of what it has beside each of these, such as a norm; or nothing."""
    children = dict(owner.named_children())
    lists = {
        name: [f"{name}.{i}" for i in range(len(child))]
        for name, child in children.items()
        if isinstance(child, (nn.ModuleList, nn.Sequential)) and len(child)
    }
    numbered: dict[str, list[str]] = {}
    for name in children:
        if match := NUMBERED.fullmatch(name):
            numbered.setdefault(match[1], []).append(name)
    named = [lists[name] for name in LISTS if name in lists] + [numbered[n] for n in SERIES if n in numbered]
    named = [row for row in named if len(row) > 1 or row in lists.values()]
    if not named:
        return []
    others = [*lists.values(), *numbered.values()]
    return [named[0], *(row for row in others if row is not named[0] and len(row) == len(named[0]))]
