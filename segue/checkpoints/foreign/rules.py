"""How the keys of another project's weights become Segue's: rules as data, and what applying them did."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from segue.errors import CheckpointError

SHOWN = 6  # keys listed per group of a report

Layout = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Rule:
    """What becomes of the keys that match.

    Attributes:
        pattern: a regular expression for the whole key.
        to: the new key, with groups as ``\\1``; None: the key is dropped.
        layout: how the tensor changes, if it does.
        part: of several keys that become one: this one's place along the first axis, and how many there are.
    """

    pattern: str
    to: str | None
    layout: Layout | None = None
    part: tuple[int, int] = (0, 1)


@dataclass(frozen=True)
class Source:
    """A project that publishes weights.

    Attributes:
        name: as after ``--from``.
        title: what its weights are, for messages.
        marks: patterns of keys; weights are this project's if each is found.
        never: patterns of keys that its weights do not have.
        rules: the first one that matches a key applies; other keys stay. A function, where they depend on the weights.
        complete: (given, result) to tensors that the result needs besides, and the other project does without.
        note: what a config must say for these weights to mean the same.
    """

    name: str
    title: str
    marks: Sequence[str]
    rules: Sequence[Rule] | Callable[[Mapping[str, Tensor]], Sequence[Rule]]
    never: Sequence[str] = ()
    complete: Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], dict[str, Tensor]] | None = None
    note: str = ""

    def recognizes(self, keys: Sequence[str]) -> bool:
        """Whether weights with these keys are of this kind."""
        return all(any(re.match(mark, key) for key in keys) for mark in self.marks) and not any(
            re.match(mark, key) for mark in self.never for key in keys
        )

    def convert(self, state: Mapping[str, Tensor], wrapper: str = "") -> Conversion:
        """The weights under Segue's names; with a ``wrapper``, those below it, which keep it, and the others as is.

        Raises:
            CheckpointError: one of several keys that become one is missing, or a tensor has another rank.
        """
        inner = {key[len(wrapper) :]: value for key, value in state.items() if key.startswith(wrapper)}
        rules = self.rules(inner) if callable(self.rules) else self.rules
        compiled = [(re.compile(rule.pattern), rule) for rule in rules]
        result = Conversion(self)
        parts: dict[str, dict[int, Tensor]] = {}
        counts: dict[str, int] = {}
        for key, value in state.items():
            found = _first(compiled, key[len(wrapper) :]) if key.startswith(wrapper) else None
            if found is None:
                result.kept.append(key)
                parts.setdefault(key, {})[0] = value
                continue
            match, rule = found
            if rule.to is None:
                result.dropped.append(key)
                continue
            new = wrapper + match.expand(rule.to)
            parts.setdefault(new, {})[rule.part[0]] = self._laid_out(key, value, rule)
            counts[new] = rule.part[1]
            if new == key and not rule.layout:
                result.kept.append(key)
            else:
                result.renamed.append((key, new))
        for key, pieces in parts.items():
            count = counts.get(key, 1)
            if sorted(pieces) != list(range(count)):
                names = ", ".join(old for old, new in result.renamed if new == key)
                raise CheckpointError(
                    f"these are not complete {self.title}: {key} is made of {count} tensors, and there is only {names}"
                )
            try:
                result.state[key] = pieces[0] if count == 1 else torch.cat([pieces[i] for i in range(count)])
            except RuntimeError as error:
                shapes = ", ".join(str(tuple(piece.shape)) for piece in pieces.values())
                raise CheckpointError(f"the parts of {key} in {self.title} cannot be joined: {shapes}") from error
        if self.complete:
            below_wrapper = {
                key[len(wrapper) :]: value for key, value in result.state.items() if key.startswith(wrapper)
            }
            made = {wrapper + key: value for key, value in self.complete(inner, below_wrapper).items()}
            result.made.extend(made)
            result.state.update(made)
        return result

    def _laid_out(self, key: str, value: Tensor, rule: Rule) -> Tensor:
        try:
            return rule.layout(value).contiguous() if rule.layout else value
        except (RuntimeError, ValueError, IndexError) as error:
            raise CheckpointError(
                f"{key} has the shape {tuple(value.shape)}, which {self.title} do not have there; is --from right?"
            ) from error


def _first(rules: Sequence[tuple[re.Pattern[str], Rule]], key: str) -> tuple[re.Match[str], Rule] | None:
    """The first rule whose pattern matches the whole key, and how."""
    for pattern, rule in rules:
        if match := pattern.fullmatch(key):
            return match, rule
    return None


@dataclass
class Conversion:
    """What a conversion made of a state dict; ``str()`` tells it in words.

    Attributes:
        source: whose weights they are.
        state: the result.
        kept, renamed, dropped, made: keys that stayed, (old, new) keys, keys left out, keys added.
    """

    source: Source
    state: dict[str, Tensor] = field(default_factory=dict, repr=False)
    kept: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"{len(self.kept)} kept, {len(self.renamed)} renamed, {len(self.dropped)} dropped"
        made = f", {len(self.made)} added" if self.made else ""
        lines = [f"Converted from {self.source.title}: {counts}{made}."]
        shown = [f"{old} -> {new}" for old, new in self.renamed]
        for title, group in (("renamed", shown), ("dropped", self.dropped), ("added", self.made)):
            lines += [f"  {title}: {entry}" for entry in group[:SHOWN]]
            if len(group) > SHOWN:
                lines.append(f"  {title}: ... and {len(group) - SHOWN} more")
        if self.source.note:
            lines.append(f"  Note: {self.source.note}")
        return "\n".join(lines)


def below(old: str, new: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of a part, for weights in which it stands below ``old``, and shall stand below ``new``."""
    return tuple(
        replace(rule, pattern=re.escape(old) + f"(?:{rule.pattern})", to=None if rule.to is None else new + rule.to)
        for rule in rules
    )
