"""Learning-rate schedules that mmseg configs name, equal to mmengine's value by value.

A config lists *rules* (``LinearLR`` for the warmup, then ``PolyLR`` ...). Every rule is active while its clock, the
number of finished iterations or epochs, is inside ``[begin, end)``; there it turns the *current* rate of each parameter
group into the next one. Rules therefore compose: what one leaves behind, the next starts from. That recursion is
the definition, so it is also the implementation: `Schedule` keeps two counters and applies the rules once per tick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.optim import Optimizer

from segue.errors import ConfigError, Problem
from segue.training.rules import RULES, Rule
from segue.training.translate import lookup, settings, type_name


def build_rules(
    nodes: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, *, max_iters: int, max_epochs: int, epoch_length: int
) -> list[Rule]:
    """The rules of ``param_scheduler``; a missing ``end`` is the end of training."""
    nodes = [nodes] if isinstance(nodes, Mapping) else list(nodes or [])
    rules: list[Rule] = []
    problems: list[Problem] = []
    for index, node in enumerate(nodes):
        key = f"param_scheduler.{index}"
        try:
            cls = lookup(RULES, type_name(node, key), key, "learning-rate schedule")
            full = {"end": max_epochs if node.get("by_epoch", True) else max_iters, **node}
            rule = settings(cls, full, key)
        except ConfigError as error:
            problems += error.problems
            continue
        if rule.convert_to_iter_based and not rule.by_epoch:
            problems.append(Problem(key, "convert_to_iter_based=True needs by_epoch=True"))
        rules.append(rule.per_iteration(epoch_length) if rule.convert_to_iter_based else rule)
    if problems:
        raise ConfigError(problems)
    return rules


class Schedule:
    """Applies rules to the parameter groups of an optimizer, tick by tick.

    The rates live in the optimizer (and in its saved state), so the schedule's own state is two counters.

    Args:
        optimizer: its groups' ``lr`` is set at once to the rate of the first iteration.
        rules: in the order of the config; each reads what the previous one wrote.
        epoch_length: iterations per epoch; 0 if epochs never end (iteration-based training).
    """

    def __init__(self, optimizer: Optimizer, rules: Sequence[Rule], epoch_length: int = 0) -> None:
        self.optimizer = optimizer
        self.rules = list(rules)
        self.epoch_length = epoch_length
        self.iteration = 0
        self.epoch = 0
        self.base: list[list[float]] = [[] for _ in self.rules]
        for index, rule in enumerate(self.rules):
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["initial_lr"] = rule.start(group["initial_lr"])
                self.base[index].append(group["initial_lr"])
            self._apply(index, 0)

    def advance(self, iteration: int) -> None:
        """Set the rates of training iteration ``iteration`` (counted from 0)."""
        while self.iteration < iteration:
            self.iteration += 1
            self._tick(by_epoch=False, clock=self.iteration)
            if self.epoch_length and self.iteration % self.epoch_length == 0:
                self.epoch += 1
                self._tick(by_epoch=True, clock=self.epoch)

    def _tick(self, *, by_epoch: bool, clock: int) -> None:
        for index, rule in enumerate(self.rules):
            if rule.by_epoch == by_epoch:
                self._apply(index, clock)

    def _apply(self, index: int, clock: int) -> None:
        rule = self.rules[index]
        if not rule.begin <= clock < rule.end:
            return
        for group, base in zip(self.optimizer.param_groups, self.base[index], strict=True):
            group["lr"] = rule.step(clock - rule.begin, group["lr"], base)

    def state_dict(self) -> dict[str, int]:
        """The two counters; the rates are in the optimizer's state."""
        return {"iteration": self.iteration, "epoch": self.epoch}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from saved counters; the optimizer's state must have been restored too."""
        self.iteration, self.epoch = int(state["iteration"]), int(state["epoch"])
